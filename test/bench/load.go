package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"countersign.example/pkg/pg"
	"countersign.example/test/testsystem"
)

const (
	window      = 600 // payments under way at most
	contractors = 16  // sessions that ask, each one POST at a time
	managers    = 16  // sessions that accept
	openPages   = 4   // sockets open at each app
	lookEvery   = 100 * time.Millisecond
)

// load is people at both apps, and somebody who looks into the copies.
type load struct {
	withMoney             bool // a payment is settled only when it is paid out
	contractors, managers chan *person
	databases             map[string]*pgxpool.Pool
	running               sync.WaitGroup
	failed                chan error
	ended                 chan struct{} // closed when nobody is to ask for more
	close                 func()

	mu       sync.Mutex
	underWay map[string]*progress

	done, resets   atomic.Int64
	measuring      atomic.Bool
	posts, settled samples[time.Duration]
}

// progress of one payment.
type progress struct {
	asked             time.Time
	appeared, settled chan struct{} // for managers; in both copies
}

func newLoad(e *environment, sys *testsystem.System, withMoney bool) *load {
	l := &load{withMoney: withMoney, databases: map[string]*pgxpool.Pool{}, failed: make(chan error, 1), ended: make(chan struct{}),
		contractors: make(chan *person, contractors), managers: make(chan *person, managers), underWay: map[string]*progress{}}
	services := []string{testsystem.Contractor, testsystem.Manager}
	if withMoney {
		services = append(services, testsystem.Core)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	var closers []func()
	l.close = sync.OnceFunc(func() {
		cancel()
		l.running.Wait()
		for _, closer := range closers {
			closer()
		}
	})
	e.Cleanup(l.close)
	for _, name := range services {
		// With the services' plans: a look must not scan whole tables.
		db := must(pg.Open(e.ctx, sys.Database[name]))
		closers = append(closers, db.Close)
		l.databases[name] = db.Pool()
	}
	for _, app := range []struct {
		free   chan *person
		people []*person
		page   string
		seen   func(string)
	}{
		{l.contractors, must(signInAll(ctx, contractors, sys.URL(testsystem.Contractor), "ada-nowak", "jon-park", "sara-lind")), "/", nil},
		{l.managers, must(signInAll(ctx, managers, sys.URL(testsystem.Manager), "mia-weber", "tom-berg")), "/payments", l.appeared},
	} {
		for i, who := range app.people {
			if i < openPages {
				first := i == 0 && app.seen != nil
				closers = append(closers, must(who.open(ctx, app.page, func(r row, _ time.Time) {
					if first {
						app.seen(r.payment())
					}
				}, func() { l.resets.Add(1) })))
			}
			app.free <- who
		}
	}
	for range window {
		l.running.Go(func() { l.fail(ctx, l.ask(ctx)) })
	}
	l.running.Go(func() { l.fail(ctx, l.watch(ctx)) })
	return l
}

// fail keeps the first error.
func (l *load) fail(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		select {
		case l.failed <- err:
		default:
		}
	}
}

// ask has one payment after another requested, accepted and settled.
func (l *load) ask(ctx context.Context) error {
	for {
		id, p := newID(), &progress{appeared: make(chan struct{}, 1), settled: make(chan struct{}, 1)}
		select {
		case <-l.ended:
			return nil
		case <-ctx.Done():
			return nil
		case who := <-l.contractors:
			p.asked = time.Now()
			l.mu.Lock()
			l.underWay[id] = p
			l.mu.Unlock()
			err := who.request(ctx, id)
			l.posted(p.asked)
			if l.contractors <- who; err != nil {
				return fmt.Errorf("request: %w", err)
			}
		}
		if !wait(ctx, p.appeared) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case who := <-l.managers:
			began := time.Now()
			err := who.accept(ctx, id)
			l.posted(began)
			if l.managers <- who; err != nil {
				return fmt.Errorf("accept: %w", err)
			}
		}
		if !wait(ctx, p.settled) {
			return nil
		}
		l.mu.Lock()
		delete(l.underWay, id)
		l.mu.Unlock()
		l.done.Add(1)
		if l.measuring.Load() {
			l.settled.add(time.Since(p.asked))
		}
	}
}

// wait reports whether c was signalled before ctx ended.
func wait(ctx context.Context, c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *load) posted(began time.Time) {
	if l.measuring.Load() {
		l.posts.add(time.Since(began))
	}
}

// appeared has a manager accept a payment whose row is there.
func (l *load) appeared(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p, ok := l.underWay[id]; ok {
		wake(p.appeared)
	}
}

// wake never waits.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// watch looks into both copies for the payments under way.
func (l *load) watch(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := l.look(ctx); err != nil {
			return fmt.Errorf("look into the copies: %w", err)
		}
	}
}

// look settles what is settled in both copies. A row that waits in the managers' copy for long, but that the
// open page did not get because it was reset, is accepted as after a reload.
func (l *load) look(ctx context.Context) error {
	l.mu.Lock()
	ids := make([]string, 0, len(l.underWay))
	for id := range l.underWay {
		ids = append(ids, id)
	}
	l.mu.Unlock()
	settled, waiting := map[string]int{}, map[string]bool{}
	for _, app := range []string{testsystem.Contractor, testsystem.Manager} {
		rows, err := l.databases[app].Query(ctx, "select id::text, decision, money, pending from payment_rows where id = any($1::uuid[])", ids)
		if err != nil {
			return err
		}
		var id, decision, money string
		var pending bool
		_, err = pgx.ForEachRow(rows, []any{&id, &decision, &money, &pending}, func() error {
			switch {
			case app == testsystem.Manager && decision == "requested":
				waiting[id] = true
			case decision == "accepted" && !pending && (money == "captured" || !l.withMoney):
				settled[id]++
			case decision != "requested" && decision != "accepted", money != "" && money != "authorized" && money != "captured":
				return fmt.Errorf("payment %s is %s, %s", id, decision, money)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, p := range l.underWay {
		if settled[id] == 2 {
			wake(p.settled)
		}
		if waiting[id] && time.Since(p.asked) > time.Second {
			wake(p.appeared)
		}
	}
	return nil
}

// backlog is what has been begun and not ended: payments under way, outbox rows and unpushed rows.
func (l *load) backlog(ctx context.Context) string {
	var outbox, unpushed int64
	for name, pool := range l.databases {
		var o, u int64
		check(pool.QueryRow(ctx, "select (select count(*) from outbox), (select count(*) from unpushed)").Scan(&o, &u), "count what waits at ", name)
		outbox, unpushed = outbox+o, unpushed+u
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d / %d / %d", len(l.underWay), outbox, unpushed)
}

// drain stops asking and waits until everything has settled: nothing may be lost.
func (l *load) drain(ctx context.Context) {
	close(l.ended)
	last, left := time.Now(), window
	for left > 0 && time.Since(last) < 30*time.Second {
		check(pause(ctx, lookEvery, l.failed))
		l.mu.Lock()
		if n := len(l.underWay); n < left {
			left, last = n, time.Now()
		}
		l.mu.Unlock()
	}
	if left > 0 {
		check(fmt.Errorf("%d payments have not settled", left))
	}
}
