package pg

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign.example/pkg/wait"
)

const (
	// listenerPing is how long the listening connection may be silent before a ping finds out whether it
	// still works.
	listenerPing = 10 * time.Second
	// listenerCall bounds each statement on it.
	listenerCall = 3 * time.Second
)

// listener is the one connection on which a process listens to all channels.
type listener struct {
	cancel context.CancelFunc
	done   chan struct{}

	// Guarded by the notifier's mu.
	changed   bool               // the channels to listen to are others than before
	interrupt context.CancelFunc // ends the waiting under way; nil if there is none
}

// refresh has the listener compare its channels with those that are wanted. The caller holds the notifier's
// mu.
func (l *listener) refresh() {
	l.changed = true
	if l.interrupt != nil {
		l.interrupt()
	}
}

// Listen calls notify whenever this process or another one notifies the channel, and each time the connection
// is made, since a notification may have passed before. It returns when ctx ends. notify must not block. All
// who listen, to whichever channels, share one connection.
func (db *DB) Listen(ctx context.Context, name string, notify func()) {
	c := db.channel(name)
	if c == nil {
		return
	}
	defer db.OnNotify(name, func([]string) { notify() })()
	db.join(c)
	defer db.leave(c)
	<-ctx.Done()
}

// Notifications is Listen as a channel, which holds one notification until somebody takes it. stop ends it.
func (db *DB) Notifications(ctx context.Context, name string) (notified <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	c, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		db.Listen(ctx, name, func() { wait.Signal(c) })
	}()
	return c, func() { cancel(); <-done }
}

func (db *DB) join(c *channel) {
	db.notifier.mu.Lock()
	defer db.notifier.mu.Unlock()
	c.listeners++
	if l := db.notifier.listener; l != nil {
		l.refresh() // also for a channel with other listeners: who joins is notified once the connection listens to it
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{cancel: cancel, done: make(chan struct{})}
	db.notifier.listener = l
	go func() {
		defer close(l.done)
		db.listen(ctx, l)
	}()
}

// leave closes the connection with the last one who leaves.
func (db *DB) leave(c *channel) {
	db.notifier.mu.Lock()
	c.listeners--
	l := db.notifier.listener
	last := true
	for _, other := range db.notifier.channels {
		last = last && other.listeners == 0
	}
	if last {
		db.notifier.listener = nil
	} else {
		l.refresh()
	}
	db.notifier.mu.Unlock()
	if last {
		l.cancel()
		<-l.done
	}
}

// listen keeps the connection until ctx ends.
func (db *DB) listen(ctx context.Context, l *listener) {
	pause := wait.BackOff(5 * time.Second)
	for ctx.Err() == nil {
		if db.listenOnce(ctx, l) {
			pause.Reset()
		}
		wait.Sleep(ctx, pause.NextBackOff())
	}
}

// listenOnce listens on a connection until that breaks. It reports whether it ever listened.
func (db *DB) listenOnce(ctx context.Context, l *listener) (listened bool) {
	acquireCtx, cancel := context.WithTimeout(ctx, 2*listenerCall)
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
	subscribed := map[string]bool{}
	for {
		if err := db.subscribe(ctx, l, conn, subscribed); err != nil {
			return listened
		}
		listened = true
		n, err := db.nextNotification(ctx, l, conn)
		switch {
		case err != nil:
			return true
		case n == nil: // interrupted
		default:
			sender, about, _ := strings.Cut(n.Payload, "\n")
			c := db.channel(n.Channel)
			if c == nil {
				return true
			}
			switch {
			case sender == db.notifier.sender: // Notify has called our listeners already
			case about == "":
				db.notifyLocally(c, nil)
			default:
				db.notifyLocally(c, strings.Split(about, "\n"))
			}
		}
	}
}

// subscribe listens to the channels that are wanted now, and notifies all their listeners, since some may
// have joined meanwhile.
func (db *DB) subscribe(ctx context.Context, l *listener, conn *pgx.Conn, subscribed map[string]bool) error {
	db.notifier.mu.Lock()
	if !l.changed && len(subscribed) > 0 {
		db.notifier.mu.Unlock()
		return nil
	}
	l.changed = false
	wanted := map[string]*channel{}
	for name, c := range db.notifier.channels {
		if c.listeners > 0 {
			wanted[name] = c
		}
	}
	db.notifier.mu.Unlock()

	var statements []string
	for name := range wanted {
		if !subscribed[name] {
			statements = append(statements, "listen "+pgx.Identifier{name}.Sanitize())
		}
	}
	for name := range subscribed {
		if wanted[name] == nil {
			statements = append(statements, "unlisten "+pgx.Identifier{name}.Sanitize())
			delete(subscribed, name)
		}
	}
	if len(statements) > 0 {
		ctx, cancel := context.WithTimeout(ctx, listenerCall)
		defer cancel()
		if _, err := conn.Exec(ctx, strings.Join(statements, "; ")); err != nil {
			return err
		}
	}
	for name, c := range wanted {
		subscribed[name] = true
		db.notifyLocally(c, nil)
	}
	return nil
}

// nextNotification waits for a notification. It returns nil when refresh interrupts it.
func (db *DB) nextNotification(ctx context.Context, l *listener, conn *pgx.Conn) (n *pgconn.Notification, err error) {
	for {
		waitCtx, cancel := context.WithTimeout(ctx, listenerPing)
		db.notifier.mu.Lock()
		if l.changed {
			cancel()
		}
		l.interrupt = cancel
		db.notifier.mu.Unlock()
		n, err = conn.WaitForNotification(waitCtx)
		db.notifier.mu.Lock()
		l.interrupt = nil
		changed := l.changed
		db.notifier.mu.Unlock()
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
		// Nothing came. A ping tells silence from a connection that no longer works.
		pingCtx, cancel := context.WithTimeout(ctx, listenerCall)
		err = conn.Ping(pingCtx)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				// The pool's connections most likely fail too. Without a reset, a caller would have to wait
				// for each of them.
				db.pool.Reset()
			}
			return nil, err
		}
	}
}
