package pg

import (
	"context"
	"strings"
	"sync"
	"time"
)

// notifyPause is how long a channel is quiet after a NOTIFY. A NOTIFY takes a lock of the
// whole database while it commits, so one for each transaction would make commits queue up
// (measured at 16 connections: 4,650 tx/s without, 1,350-2,080 with).
const notifyPause = 8 * time.Millisecond

// notifyRetry is when a NOTIFY that has failed is sent again. What it was about is not kept: then there may be news of anything.
const notifyRetry = time.Second

// aboutBytes bounds what one NOTIFY names; PostgreSQL's limit is 8,000.
//
// https://www.postgresql.org/docs/current/sql-notify.html
const aboutBytes = 7000

// bells are the channels that this process rings or listens to; see Notify.
type bells struct {
	sender string // tells our own notifications from those of other processes
	mu     sync.Mutex
	closed bool
	byName map[string]*bell
	ear    *ear // nil while nobody listens to other processes
	wg     sync.WaitGroup
}

// bell is one channel: who listens to it in this process, and whether it is to be rung.
type bell struct {
	local     map[int]func(about []string)
	next      int
	listeners int // who listen to other processes too
	news      news
	rung      chan struct{}
	stop      chan struct{}
}

// news is what the next NOTIFY of a channel is about. The zero value is about nothing.
type news struct {
	names map[string]struct{}
	bytes int
	all   bool // of too much to name it, or of nothing in particular
}

func (n *news) add(about []string) {
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
		n.all = n.bytes > aboutBytes || strings.Contains(name, "\n")
	}
}

// payload is "sender", or "sender\nname\nname".
func (n *news) payload(sender string) string {
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

// Notify wakes whoever listens to channel: at once in this process, within a few
// milliseconds in others. about names what there is news of (streams, say); without it there may be news of anything. Call it
// after the commit. It never blocks and never fails: who listens also looks now and then by itself.
func (db *DB) Notify(channel string, about ...string) {
	b := db.bell(channel)
	if b == nil {
		return
	}
	db.bells.mu.Lock()
	b.news.add(about)
	db.bells.mu.Unlock()
	db.wake(b, about)
	select {
	case b.rung <- struct{}{}:
	default: // already to be rung
	}
}

// wake wakes everybody in this process.
func (db *DB) wake(b *bell, about []string) {
	db.bells.mu.Lock()
	wakes := make([]func([]string), 0, len(b.local))
	for _, wake := range b.local {
		wakes = append(wakes, wake)
	}
	db.bells.mu.Unlock()
	for _, wake := range wakes {
		wake(about)
	}
}

// OnNotify calls wake whenever channel is notified from this process, and whenever somebody in this process who listens to the
// channel is woken, until stop is called. about is what there is news of; if it is empty, there may be news of anything. It costs
// no connection; wake must not block.
func (db *DB) OnNotify(channel string, wake func(about []string)) (stop func()) {
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
	b := &bell{local: map[int]func([]string){}, rung: make(chan struct{}, 1), stop: make(chan struct{})}
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
		db.bells.mu.Lock()
		payload := b.news.payload(db.bells.sender)
		b.news = news{}
		db.bells.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := db.pool.Exec(ctx, "select pg_notify($1, $2)", channel, payload)
		cancel()
		pause := notifyPause
		if err != nil { // others may not have heard
			pause = notifyRetry
			db.bells.mu.Lock()
			b.news.add(nil)
			db.bells.mu.Unlock()
			select {
			case b.rung <- struct{}{}:
			default:
			}
		}
		select {
		case <-b.stop:
			return
		case <-time.After(pause):
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
