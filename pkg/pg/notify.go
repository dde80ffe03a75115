package pg

import (
	"context"
	"strings"
	"sync"
	"time"

	"countersign.example/pkg/wait"
)

// notifyPause is the least time between two NOTIFYs of a channel. A NOTIFY takes a lock of the whole database
// while it commits, so that one for each transaction would make commits queue up (measured at 16 connections:
// 4,650 tx/s without, 1,350-2,080 with).
const notifyPause = 8 * time.Millisecond

// notifyRetry is when a NOTIFY that has failed is sent again. Its names are not kept: it then says that
// anything may have changed.
const notifyRetry = time.Second

// noticeBytes bounds the names in one NOTIFY; PostgreSQL's limit is 8,000.
//
// https://www.postgresql.org/docs/current/sql-notify.html
const noticeBytes = 7000

// notifier holds the channels that this process notifies or listens to; see Notify.
type notifier struct {
	sender   string // tells our own notifications from those of other processes
	mu       sync.Mutex
	closed   bool
	channels map[string]*channel
	listener *listener // nil while nobody listens to other processes
	wg       sync.WaitGroup
}

// channel is one channel: who listens to it in this process, and what the next NOTIFY is about.
type channel struct {
	name      string
	local     map[int]func(about []string)
	next      int // key in local
	listeners int // how many listen to other processes too
	pending   notice
	due       chan struct{} // a NOTIFY is to be sent
	stop      chan struct{}
}

// notice is what the next NOTIFY of a channel is about. The zero value is about nothing.
type notice struct {
	names map[string]struct{}
	bytes int
	all   bool // anything may have changed: nothing was named, or too much
}

func (n *notice) add(about []string) {
	if len(about) == 0 {
		n.all = true
	}
	for _, name := range about {
		if n.all {
			return
		}
		if _, known := n.names[name]; known {
			continue
		}
		if n.names == nil {
			n.names = map[string]struct{}{}
		}
		n.names[name] = struct{}{}
		n.bytes += len(name) + 1
		n.all = n.bytes > noticeBytes || strings.Contains(name, "\n")
	}
}

// payload is "sender", or "sender\nname\nname".
func (n *notice) payload(sender string) string {
	if n.all {
		return sender
	}
	var b strings.Builder
	b.WriteString(sender)
	for name := range n.names {
		b.WriteString("\n" + name)
	}
	return b.String()
}

// Notify calls the listeners of a channel: at once in this process, and within a few milliseconds in others.
// about names what has changed (streams, say); without names anything may have changed. Call it after the
// commit. It never blocks and never fails, and a notification may get lost: listeners also look by themselves
// now and then.
func (db *DB) Notify(name string, about ...string) {
	c := db.channel(name)
	if c == nil {
		return
	}
	db.notifier.mu.Lock()
	c.pending.add(about)
	db.notifier.mu.Unlock()
	db.notifyLocally(c, about)
	wait.Signal(c.due)
}

// notifyLocally calls all listeners of this process.
func (db *DB) notifyLocally(c *channel, about []string) {
	db.notifier.mu.Lock()
	listeners := make([]func([]string), 0, len(c.local))
	for _, notify := range c.local {
		listeners = append(listeners, notify)
	}
	db.notifier.mu.Unlock()
	for _, notify := range listeners {
		notify(about)
	}
}

// OnNotify calls notify whenever this process notifies the channel, until stop is called. It learns of other
// processes only while somebody in this one listens to the channel with Listen. about names what has changed;
// if it is empty, anything may have. OnNotify needs no connection. notify must not block.
func (db *DB) OnNotify(name string, notify func(about []string)) (stop func()) {
	c := db.channel(name)
	if c == nil {
		return func() {}
	}
	db.notifier.mu.Lock()
	defer db.notifier.mu.Unlock()
	id := c.next
	c.next++
	c.local[id] = notify
	return func() {
		db.notifier.mu.Lock()
		defer db.notifier.mu.Unlock()
		delete(c.local, id)
	}
}

// channel returns the channel, whose sender it starts at first. It returns nil once the database is closed.
func (db *DB) channel(name string) *channel {
	db.notifier.mu.Lock()
	defer db.notifier.mu.Unlock()
	if db.notifier.closed {
		return nil
	}
	if c, ok := db.notifier.channels[name]; ok {
		return c
	}
	c := &channel{name: name, local: map[int]func([]string){}, due: make(chan struct{}, 1), stop: make(chan struct{})}
	if db.notifier.channels == nil {
		db.notifier.channels = map[string]*channel{}
	}
	db.notifier.channels[name] = c
	db.notifier.wg.Go(func() { db.sendNotices(c) })
	return c
}

// sendNotices sends the NOTIFYs of one channel: the first at once, later ones a pause apart.
func (db *DB) sendNotices(c *channel) {
	for {
		select {
		case <-c.stop:
			return
		case <-c.due:
		}
		db.notifier.mu.Lock()
		payload := c.pending.payload(db.notifier.sender)
		c.pending = notice{}
		db.notifier.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := db.pool.Exec(ctx, "select pg_notify($1, $2)", c.name, payload)
		cancel()
		pause := notifyPause
		if err != nil { // other processes may have missed it
			pause = notifyRetry
			db.notifier.mu.Lock()
			c.pending.add(nil)
			db.notifier.mu.Unlock()
			wait.Signal(c.due)
		}
		select {
		case <-c.stop:
			return
		case <-time.After(pause):
		}
	}
}

// close stops the senders of all channels.
func (n *notifier) close() {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return
	}
	n.closed = true
	for _, c := range n.channels {
		close(c.stop)
	}
	n.mu.Unlock()
	n.wg.Wait()
}
