package pg

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// leadPause is how often a replica that is not the leader tries to become it. Waiting inside
// PostgreSQL for the lock would wake sooner, but a waiting statement holds a snapshot, and
// with it everything that vacuum could remove.
const leadPause = time.Second

// Lead runs fn whenever this process leads name in this database, until ctx ends. One
// process leads at a time, as far as a lock can say: when the connection that holds the lock
// is lost, fn's context is cancelled, but another may lead before fn has noticed. What must
// never happen twice needs a guard of its own in its transaction.
//
// fn returns when its context ends; if it returns earlier, leadership is given up and tried
// for again.
func (db *DB) Lead(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	for ctx.Err() == nil {
		_ = db.leadOnce(ctx, name, fn)
		sleep(ctx, leadPause/2+rand.N(leadPause))
	}
	return ctx.Err()
}

func (db *DB) leadOnce(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	pooled, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	var leads bool
	err = pooled.QueryRow(ctx, "select pg_try_advisory_lock($1)", lockKey(name)).Scan(&leads)
	if err != nil || !leads {
		pooled.Release()
		return err
	}
	conn := pooled.Hijack() // closing it is what gives the lock back
	leadCtx, cancel := context.WithCancel(ctx)
	broken := make(chan struct{})
	go func() {
		defer close(broken)
		// Nothing is listened to: this only returns when the connection breaks or leadCtx ends.
		for {
			if _, err := conn.WaitForNotification(leadCtx); err != nil {
				cancel()
				return
			}
		}
	}()
	err = fn(leadCtx)
	cancel()
	<-broken
	closeCtx, closed := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer closed()
	_ = conn.Close(closeCtx)
	return err
}

// lockKey is the advisory lock's number for name.
func lockKey(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return int64(h.Sum64())
}
