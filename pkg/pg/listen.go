package pg

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// earPing is how long the listening connection may be silent before it is asked whether it still carries anything.
	earPing = 10 * time.Second
	// earCall bounds what is asked on it.
	earCall = 3 * time.Second
)

// ear is the one connection on which a process listens to all channels.
type ear struct {
	cancel context.CancelFunc
	done   chan struct{}

	// Guarded by the bells' mu.
	changed   bool               // which channels are listened to
	interrupt context.CancelFunc // ends the waiting under way; nil if there is none
}

// poke has the channels looked at again. The caller holds the bells' mu.
func (e *ear) poke() {
	e.changed = true
	if e.interrupt != nil {
		e.interrupt()
	}
}

// Listen calls wake whenever channel is notified, from this process or another, and each
// time it has connected, since a notification may have passed before. It returns when ctx
// ends. wake must not block. However many listen, to whichever channels, they share one connection.
func (db *DB) Listen(ctx context.Context, channel string, wake func()) {
	b := db.bell(channel)
	if b == nil {
		return
	}
	defer db.OnNotify(channel, func([]string) { wake() })()
	db.join(b)
	defer db.leave(b)
	<-ctx.Done()
}

func (db *DB) join(b *bell) {
	db.bells.mu.Lock()
	defer db.bells.mu.Unlock()
	b.listeners++
	if e := db.bells.ear; e != nil {
		e.poke() // also where somebody listens to the channel already: who comes is woken once it is listened to
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &ear{cancel: cancel, done: make(chan struct{})}
	db.bells.ear = e
	go func() {
		defer close(e.done)
		db.listen(ctx, e)
	}()
}

// leave closes the connection with the last one who leaves.
func (db *DB) leave(b *bell) {
	db.bells.mu.Lock()
	b.listeners--
	e := db.bells.ear
	last := true
	for _, other := range db.bells.byName {
		last = last && other.listeners == 0
	}
	if last {
		db.bells.ear = nil
	} else {
		e.poke()
	}
	db.bells.mu.Unlock()
	if last {
		e.cancel()
		<-e.done
	}
}

// listen keeps the connection until ctx ends.
func (db *DB) listen(ctx context.Context, e *ear) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 5*time.Second
	for ctx.Err() == nil {
		if db.listenOnce(ctx, e) {
			wait.Reset()
		}
		sleep(ctx, wait.NextBackOff())
	}
}

// listenOnce listens on a connection until that breaks. It reports whether it ever listened.
func (db *DB) listenOnce(ctx context.Context, e *ear) (listened bool) {
	acquireCtx, cancel := context.WithTimeout(ctx, 2*earCall)
	pooled, err := db.pool.Acquire(acquireCtx)
	cancel()
	if err != nil {
		return false
	}
	conn := pooled.Hijack() // a listening connection must not go back to the pool
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closeCtx)
	}()
	heard := map[string]bool{}
	for {
		if err := db.attend(ctx, e, conn, heard); err != nil {
			return listened
		}
		listened = true
		n, err := db.nextNotification(ctx, e, conn)
		switch {
		case err != nil:
			return true
		case n == nil: // interrupted
		default:
			sender, about, _ := strings.Cut(n.Payload, "\n")
			b := db.bell(n.Channel)
			if b == nil {
				return true
			}
			switch {
			case sender == db.bells.sender: // ours have woken already
			case about == "":
				db.wake(b, nil)
			default:
				db.wake(b, strings.Split(about, "\n"))
			}
		}
	}
}

// attend listens to the channels that somebody wants now, and wakes who has come since it last did.
func (db *DB) attend(ctx context.Context, e *ear, conn *pgx.Conn, heard map[string]bool) error {
	db.bells.mu.Lock()
	if !e.changed && len(heard) > 0 {
		db.bells.mu.Unlock()
		return nil
	}
	e.changed = false
	wanted := map[string]*bell{}
	for name, b := range db.bells.byName {
		if b.listeners > 0 {
			wanted[name] = b
		}
	}
	db.bells.mu.Unlock()

	var statements []string
	for name := range wanted {
		if !heard[name] {
			statements = append(statements, "listen "+pgx.Identifier{name}.Sanitize())
		}
	}
	for name := range heard {
		if wanted[name] == nil {
			statements = append(statements, "unlisten "+pgx.Identifier{name}.Sanitize())
			delete(heard, name)
		}
	}
	if len(statements) > 0 {
		ctx, cancel := context.WithTimeout(ctx, earCall)
		defer cancel()
		if _, err := conn.Exec(ctx, strings.Join(statements, "; ")); err != nil {
			return err
		}
	}
	for name, b := range wanted {
		heard[name] = true
		db.wake(b, nil)
	}
	return nil
}

// nextNotification waits; nil is for whoever poked the ear.
func (db *DB) nextNotification(ctx context.Context, e *ear, conn *pgx.Conn) (n *pgconn.Notification, err error) {
	for {
		waitCtx, cancel := context.WithTimeout(ctx, earPing)
		db.bells.mu.Lock()
		if e.changed {
			cancel()
		}
		e.interrupt = cancel
		db.bells.mu.Unlock()
		n, err = conn.WaitForNotification(waitCtx)
		db.bells.mu.Lock()
		e.interrupt = nil
		changed := e.changed
		db.bells.mu.Unlock()
		timedOut := errors.Is(waitCtx.Err(), context.DeadlineExceeded)
		cancel()
		switch {
		case err == nil || ctx.Err() != nil || conn.IsClosed():
			return n, err
		case changed:
			return nil, nil
		case !timedOut:
			return nil, err
		}
		// Silence, or a connection that carries nothing any more?
		pingCtx, cancel := context.WithTimeout(ctx, earCall)
		err = conn.Ping(pingCtx)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				// The pool's connections go the same way, and each would be found out by somebody who waits.
				db.pool.Reset()
			}
			return nil, err
		}
	}
}
