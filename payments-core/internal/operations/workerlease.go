package operations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"countersign.example/pkg/pg"
)

// leaseInterval is how often a process looks for jobs whose process is gone.
const leaseInterval = time.Second

// leaseTimeout bounds one such look.
const leaseTimeout = 5 * time.Second

// acquireLease locks the id of a worker. Another worker that can take the lock knows that this one's process,
// or its connection, is gone.
const acquireLease = `select pg_advisory_lock(hashtextextended('worker:' || $1, 0))`

// rescueJobs makes the running jobs of workers that are gone available again. If such a worker was only cut
// off from the database and still runs, the gateway is asked twice with the same key: it acts once, and the
// outcome is recorded once.
const rescueJobs = `with workers as materialized (
		select distinct attempted_by[cardinality(attempted_by)] as id from river_job where state = 'running'
	), gone as materialized (
		select id from workers where id <> $1 and pg_try_advisory_xact_lock(hashtextextended('worker:' || id, 0))
	)
	update river_job set state = 'available', scheduled_at = now()
	where state = 'running' and attempted_by[cardinality(attempted_by)] in (select id from gone)`

// jobsOf are the jobs that a worker works, as the database has it.
const jobsOf = `select id from river_job where state = 'running' and attempted_by[cardinality(attempted_by)] = $1`

// giveBack makes jobs of a worker available again that it has lost.
const giveBack = `update river_job set state = 'available', scheduled_at = now()
	where id = any($2) and state = 'running' and attempted_by[cardinality(attempted_by)] = $1`

// workerLease is a worker's lock, the rescue of other workers' jobs, and of its own that it has lost: where
// the connection breaks while it fetches jobs, they may be its own without its knowing. River has a rescue of
// its own, which stays as a safety net: it goes by time alone, and only on the leader, every 30 s. After a
// kill it takes about 50 s to repeat a call, and this one 1 s.
type workerLease struct {
	db   *pg.DB
	id   string
	log  *slog.Logger
	conn *pgxpool.Conn // holds the lock; nil while the database is away
	away *outage

	hands     hands
	lost      map[int64]time.Time // jobs that are not in hand, since when
	lostAfter time.Duration
}

// acquire takes the lock if this worker does not have it.
func (l *workerLease) acquire(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	conn, err := l.db.Pool().Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire a connection: %w", err)
	}
	if _, err := conn.Exec(ctx, acquireLease, l.id); err != nil {
		conn.Release()
		return fmt.Errorf("take the worker's lock: %w", err)
	}
	l.conn = conn
	return nil
}

// watch rescues jobs until ctx ends, or the incarnation of the database that ctx is for.
func (l *workerLease) watch(ctx context.Context) {
	tick := time.NewTicker(leaseInterval)
	defer tick.Stop()
	for {
		if err := l.check(ctx); err != nil && ctx.Err() == nil {
			l.log.DebugContext(ctx, "looking for jobs of workers that are gone", "error", err)
			l.release(ctx)
			l.lost = nil // what is done is stored only now
			if errors.Is(err, pg.ErrReplaced) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *workerLease) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	if err := l.acquire(ctx); err != nil {
		return err
	}
	var rescued int64
	var mine []int64
	both := &pgx.Batch{}
	both.Queue(rescueJobs, l.id).Exec(func(tag pgconn.CommandTag) error { rescued = tag.RowsAffected(); return nil })
	both.Queue(jobsOf, l.id).Query(func(rows pgx.Rows) (err error) {
		mine, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err := l.conn.SendBatch(ctx, both).Close(); err != nil {
		return fmt.Errorf("look for jobs that nobody works: %w", err)
	}
	l.away.over()
	if rescued > 0 {
		l.log.InfoContext(ctx, "took over jobs of a worker that is gone", "jobs", rescued)
	}
	lost := l.missing(mine, time.Now())
	if len(lost) == 0 {
		return nil
	}
	tag, err := l.conn.Exec(ctx, giveBack, l.id, lost)
	if err != nil {
		return fmt.Errorf("give back what is lost: %w", err)
	}
	if tag.RowsAffected() > 0 {
		l.log.WarnContext(ctx, "took up jobs again that were fetched, or done, without a trace", "jobs", tag.RowsAffected())
	}
	return nil
}

// missing are those jobs of this worker that have not been in hand for lostAfter. What was done has been
// stored by then; if it is only late, it is done again: a call has the same key, and the rules find nothing
// more to do.
func (l *workerLease) missing(mine []int64, now time.Time) (lost []int64) {
	since := map[int64]time.Time{}
	for _, id := range mine {
		if l.hands.have(id) {
			continue
		}
		first, known := l.lost[id]
		if !known {
			first = now
		}
		if now.Sub(first) >= l.lostAfter {
			lost = append(lost, id)
		} else {
			since[id] = first
		}
	}
	l.lost = since
	return lost
}

// release closes the connection that holds the lock.
func (l *workerLease) release(ctx context.Context) {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = l.conn.Hijack().Close(ctx)
	l.conn = nil
}
