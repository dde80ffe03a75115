package pg

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"countersign.example/pkg/wait"
)

const (
	// leaseLife is how long a leader that says nothing leads on: so long nobody does after a host has
	// vanished.
	leaseLife  = 9 * time.Second
	leaseRenew = leaseLife / 3
	// leaseMargin is how much earlier a leader that cannot renew its lease stops, by its own clock.
	leaseMargin = time.Second
	// leaseCall bounds one call about a lease: there is time for another one before it runs out.
	leaseCall = 2 * time.Second
	// leasePause is about how long who failed to lead waits before it tries again.
	leasePause = time.Second

	// leaseChannel is notified when a lease is given back.
	leaseChannel = "leases"
)

//go:embed migrations/*.sql
var leaseFiles embed.FS

// leases is the table of leases. It comes with every database; see Migrate.
var leases = NewMigrations("leases", leaseFiles)

// Lease is one term of leadership.
type Lease struct {
	Name string
	// Token is the fencing token: greater than that of every term before it, in this database. It is made of
	// the time, so that it also grows where a database was restored or recreated.
	Token int64

	incarnation string
}

// Lead runs fn whenever this process leads name in this database, until ctx ends. Leadership is a lease that
// runs out by time. Its holder renews it at a third of its life, and releases it when fn returns; once it has
// run out, another process acquires it. A leader that cannot renew its lease stops by its own clock before
// the lease runs out by the server's: fn's context is cancelled.
//
// Still two processes may lead for a moment: fn may be slow to return, or its process may have been
// suspended. So whatever a former leader must not do is guarded by the lease's Token, in the transaction that
// does it.
//
// A lease holds in the incarnation of the database in which it was acquired: in another one fn gets no
// connection by its context (OnlyIn), which ends soon, and leadership is tried for again.
//
// fn returns when its context ends. If it returns earlier, leadership is given up and tried for again.
func (db *DB) Lead(ctx context.Context, name string, fn func(ctx context.Context, lease Lease) error) error {
	returned, stop := db.Notifications(ctx, leaseChannel)
	defer stop()
	for ctx.Err() == nil {
		lease, until, left := db.acquireLease(ctx, name)
		if lease.Token != 0 {
			_ = db.leadWith(OnlyIn(ctx, lease.incarnation), lease, until, fn)
			wait.Sleep(ctx, pause()) // others first
			continue
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
		case <-returned:
		case <-timer.C:
		}
		timer.Stop()
	}
	return ctx.Err()
}

func pause() time.Duration { return leasePause/2 + rand.N(leasePause) }

// acquireLease acquires a lease that has run out, or returns how long to wait until it does. One that would
// run out later than in two lives is of a clock that was ahead, and holds nobody up. An acquired lease may be
// used until a time of this process' clock.
func (db *DB) acquireLease(ctx context.Context, name string) (lease Lease, until time.Time, wait time.Duration) {
	const acquire = `with acquired as (
			insert into leases (name, holder, token, expires_at)
			values ($1, $2, (extract(epoch from clock_timestamp()) * 1000000)::bigint, clock_timestamp() + $3::interval)
			on conflict (name) do update set holder = excluded.holder, token = greatest(leases.token + 1, excluded.token),
				expires_at = clock_timestamp() + $3::interval
			where leases.expires_at <= clock_timestamp() or leases.expires_at > clock_timestamp() + 2 * $3::interval returning token
		)
		select token, 0, ` + Incarnation + ` from acquired union all
		select 0, extract(epoch from expires_at - clock_timestamp())::float8, '' from leases
		where name = $1 and not exists (select from acquired)`
	ctx, cancel := context.WithTimeout(ctx, leaseCall)
	defer cancel()
	sent := time.Now()
	lease.Name = name
	var left float64
	err := db.pool.QueryRow(ctx, acquire, name, Holder(), leaseLife).Scan(&lease.Token, &left, &lease.incarnation)
	switch {
	case err != nil: // away, or another one is taking it just now
		return Lease{}, until, pause()
	case lease.Token == 0:
		// A little late, rather than a little early and then once more.
		return lease, until, max(0, time.Duration(left*float64(time.Second))) + rand.N(leasePause/4)
	}
	return lease, sent.Add(leaseLife - leaseMargin), 0
}

// leadWith runs fn while the lease is held, and releases it.
func (db *DB) leadWith(ctx context.Context, lease Lease, until time.Time, fn func(context.Context, Lease) error) error {
	leadCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	var renewing sync.WaitGroup
	renewing.Go(func() {
		defer cancel()
		db.renew(leadCtx, lease, until)
	})
	defer func() { // also when fn panics
		cancel()
		renewing.Wait()
		db.releaseLease(context.WithoutCancel(ctx), lease)
	}()
	return fn(leadCtx, lease)
}

// renew returns when the lease is lost, has run out by our clock, or ctx ends.
func (db *DB) renew(ctx context.Context, lease Lease, until time.Time) {
	next := leaseRenew
	for {
		wait.Sleep(ctx, min(next, time.Until(until)))
		if ctx.Err() != nil || !time.Now().Before(until) {
			return
		}
		sent := time.Now()
		held, err := db.renewOnce(ctx, lease, until)
		switch {
		case err == nil && !held, errors.Is(err, ErrReplaced):
			return
		case err != nil:
			next = leasePause / 4
		default:
			until, next = sent.Add(leaseLife-leaseMargin), leaseRenew
		}
	}
}

func (db *DB) renewOnce(ctx context.Context, lease Lease, until time.Time) (held bool, err error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	ctx, cancelCall := context.WithTimeout(ctx, leaseCall)
	defer cancelCall()
	tag, err := db.pool.Exec(ctx, "update leases set expires_at = clock_timestamp() + $3::interval where name = $1 and token = $2",
		lease.Name, lease.Token, leaseLife)
	if err != nil {
		return false, fmt.Errorf("renew a lease: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// releaseLease lets another process lead at once. If it fails, the lease runs out.
func (db *DB) releaseLease(ctx context.Context, lease Lease) {
	ctx, cancel := context.WithTimeout(ctx, leaseCall)
	defer cancel()
	_, _ = db.pool.Exec(ctx, `with given as (
			update leases set expires_at = '-infinity' where name = $1 and token = $2 returning name
		) select pg_notify($3, '') from given`, lease.Name, lease.Token, leaseChannel)
}

// Holder is this process as people see it in tables: host and process.
func Holder() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// lockKey is the advisory lock's number for name.
func lockKey(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return int64(h.Sum64())
}
