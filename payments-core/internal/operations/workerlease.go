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

// leaseTimeout bounds that.
const leaseTimeout = 5 * time.Second

// acquireLease takes the lock that says that worker id lives: whoever can take it, knows that the
// worker's process, or its connection, is gone.
const acquireLease = `select pg_advisory_lock(hashtextextended('worker:' || $1, 0))`

// rescueJobs makes the running jobs of workers that are gone available again. If one was only cut off
// from the database and still works, the same is asked with the same key twice, which is one thing
// to the gateway, and recorded once.
const rescueJobs = `with workers as materialized (
		select distinct attempted_by[cardinality(attempted_by)] as id from river_job where state = 'running'
	), gone as materialized (
		select id from workers where id <> $1 and pg_try_advisory_xact_lock(hashtextextended('worker:' || id, 0))
	)
	update river_job set state = 'available', scheduled_at = now()
	where state = 'running' and attempted_by[cardinality(attempted_by)] in (select id from gone)`

// life is a worker's lock, and its eye on the others. River's own rescue of stuck jobs, which goes by
// time alone and takes a minute, is the safety net below it.
type workerLease struct {
	db   *pg.DB
	id   string
	log  *slog.Logger
	conn *pgxpool.Conn // holds the lock; nil while the database is away
	away *outage
}

// begin takes the lock if this worker does not have it.
func (l *workerLease) acquire(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	conn, err := l.db.Pool().Acquire(ctx)
	if err != nil {
		return fmt.Errorf("take a connection: %w", err)
	}
	if _, err := conn.Exec(ctx, acquireLease, l.id); err != nil {
		conn.Release()
		return fmt.Errorf("take the worker's lock: %w", err)
	}
	l.conn = conn
	return nil
}

// watch adopts orphans until ctx ends.
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

// end gives the lock back, with the connection that holds it.
func (l *workerLease) release(ctx context.Context) {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = l.conn.Hijack().Close(ctx)
	l.conn = nil
}
