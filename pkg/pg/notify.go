package pg

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
)

// notifyPause is how long a channel is quiet after a NOTIFY. A NOTIFY takes a lock of the
// whole database while it commits, so one for each transaction would make commits queue up
// (measured at 16 connections: 4,650 tx/s without, 1,350-2,080 with).
const notifyPause = 8 * time.Millisecond

// bell is one channel: who listens to it in this process, and whether it is to be rung.
type bell struct {
	local map[int]func()
	next  int
	rung  chan struct{}
	stop  chan struct{}
}

// Notify wakes whoever listens to channel: at once in this process, within a few
// milliseconds in others. Call it after the commit. It never blocks and never fails: who
// listens also looks now and then by itself.
func (db *DB) Notify(channel string) {
	b := db.bell(channel)
	if b == nil {
		return
	}
	db.wake(b)
	select {
	case b.rung <- struct{}{}:
	default: // already to be rung
	}
}

// wake wakes everybody in this process.
func (db *DB) wake(b *bell) {
	db.bells.mu.Lock()
	wakes := make([]func(), 0, len(b.local))
	for _, wake := range b.local {
		wakes = append(wakes, wake)
	}
	db.bells.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

// OnNotify calls wake whenever channel is notified from this process, and whenever somebody in this process who listens to the
// channel is woken, until stop is called. It costs no connection; wake must not block.
func (db *DB) OnNotify(channel string, wake func()) (stop func()) {
	b := db.bell(channel)
	if b == nil {
		return func() {}
	}
	db.bells.mu.Lock()
	defer db.bells.mu.Unlock()
	id := b.next
	b.next++
	b.local[id] = wake
	return func() {
		db.bells.mu.Lock()
		defer db.bells.mu.Unlock()
		delete(b.local, id)
	}
}

// Listen calls wake whenever channel is notified, from this process or another, and each
// time it has connected, since a notification may have passed before. It returns when ctx
// ends. wake must not block.
func (db *DB) Listen(ctx context.Context, channel string, wake func()) {
	b := db.bell(channel)
	if b == nil {
		return
	}
	defer db.OnNotify(channel, wake)()

	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 5*time.Second
	for ctx.Err() == nil {
		if db.listenOnce(ctx, channel, b) {
			wait.Reset()
		}
		sleep(ctx, wait.NextBackOff())
	}
}

// listenOnce listens on a connection of its own until that breaks. It reports whether it
// ever listened.
func (db *DB) listenOnce(ctx context.Context, channel string, b *bell) bool {
	pooled, err := db.pool.Acquire(ctx)
	if err != nil {
		return false
	}
	conn := pooled.Hijack() // a listening connection must not go back to the pool
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closeCtx)
	}()
	if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return false
	}
	db.wake(b)
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true
		}
		if n.Payload != db.bells.sender { // ours have woken already
			db.wake(b)
		}
	}
}

// bell returns the channel's bell, started; nil once the database is closed.
func (db *DB) bell(channel string) *bell {
	db.bells.mu.Lock()
	defer db.bells.mu.Unlock()
	if db.bells.closed {
		return nil
	}
	if b, ok := db.bells.byName[channel]; ok {
		return b
	}
	b := &bell{local: map[int]func(){}, rung: make(chan struct{}, 1), stop: make(chan struct{})}
	if db.bells.byName == nil {
		db.bells.byName = map[string]*bell{}
	}
	db.bells.byName[channel] = b
	db.bells.wg.Go(func() { db.ring(channel, b) })
	return b
}

// ring sends the NOTIFYs of one channel: the first at once, later ones a pause apart.
func (db *DB) ring(channel string, b *bell) {
	for {
		select {
		case <-b.stop:
			return
		case <-b.rung:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, _ = db.pool.Exec(ctx, "select pg_notify($1, $2)", channel, db.bells.sender)
		cancel()
		select {
		case <-b.stop:
			return
		case <-time.After(notifyPause):
		}
	}
}

// close stops the ringing.
func (b *bells) close() {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	b.closed = true
	for _, bell := range b.byName {
		close(bell.stop)
	}
	b.mu.Unlock()
	b.wg.Wait()
}

// sleep waits for d or for ctx to end.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
