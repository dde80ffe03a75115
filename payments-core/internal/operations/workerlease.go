package operations

import (
	"context"
	"fmt"
	"log/slog"
	"time"

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

// workerLease is a worker's lock, and the rescue of other workers' jobs. River has a rescue of its own, which
// stays as a safety net: it goes by time alone, and only on the leader, every 30 s. After a kill it takes
// about 50 s to repeat a call, and this one 1 s.
type workerLease struct {
	db   *pg.DB
	id   string
	log  *slog.Logger
	conn *pgxpool.Conn // holds the lock; nil while the database is away
	away *outage
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

// watch rescues jobs until ctx ends.
func (l *workerLease) watch(ctx context.Context) {
	tick := time.NewTicker(leaseInterval)
	defer tick.Stop()
	for {
		if err := l.check(ctx); err != nil && ctx.Err() == nil {
			l.log.DebugContext(ctx, "looking for jobs of workers that are gone", "error", err)
			l.release(ctx)
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
	tag, err := l.conn.Exec(ctx, rescueJobs, l.id)
	if err == nil {
		l.away.over()
	}
	if err == nil && tag.RowsAffected() > 0 {
		l.log.InfoContext(ctx, "took over jobs of a worker that is gone", "jobs", tag.RowsAffected())
	}
	return err
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
