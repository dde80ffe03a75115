package main

import (
	"context"
	"errors"
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
	withMoney   bool // a payment is settled only when it is paid out
	contractors []*person
	managers    []*person
	databases   map[string]*pgxpool.Pool
	closers     []func()
	running     sync.WaitGroup
	stop        context.CancelFunc
	failed      chan error

	room   chan struct{} // one for each payment that may still be asked for
	accept chan string   // rows that have appeared

	mu       sync.Mutex
	underWay map[string]*progress

	done, resets   atomic.Int64
	measuring      atomic.Bool
	posts, settled samples[time.Duration]
}

// progress of one payment.
type progress struct {
	asked    time.Time
	answered bool // the request's POST has returned
	taken    bool // a manager has it
}

func newLoad(ctx context.Context, sys *testsystem.System, withMoney bool) (c *load, err error) {
	c = &load{withMoney: withMoney, databases: map[string]*pgxpool.Pool{}, failed: make(chan error, 1),
		room: make(chan struct{}, window), accept: make(chan string, 2*window), underWay: map[string]*progress{}}
	made := c // returning nil with an error sets c
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	for range window {
		c.room <- struct{}{}
	}
	if c.contractors, err = signInAll(ctx, contractors, sys.URL(testsystem.Contractor), "ada-nowak", "jon-park", "sara-lind"); err != nil {
		return nil, err
	}
	if c.managers, err = signInAll(ctx, managers, sys.URL(testsystem.Manager), "mia-weber", "tom-berg"); err != nil {
		return nil, err
	}
	services := []string{testsystem.Contractor, testsystem.Manager}
	if withMoney {
		services = append(services, testsystem.Core)
	}
	for _, name := range services {
		db, err := pg.Open(ctx, sys.Database[name]) // with the services' plans: a look must not scan whole tables
		if err != nil {
			return nil, err
		}
		c.closers = append(c.closers, db.Close)
		c.databases[name] = db.Pool()
	}
	for i := range openPages {
		seen := func(row, time.Time) {}
		if i == 0 {
			seen = func(r row, _ time.Time) { c.appeared(r.payment()) }
		}
		for _, page := range []struct {
			whose *person
			path  string
			seen  func(row, time.Time)
		}{{c.managers[i], "/payments", seen}, {c.contractors[i], "/", func(row, time.Time) {}}} {
			stop, err := page.whose.open(ctx, page.path, page.seen, func() { c.resets.Add(1) })
			if err != nil {
				return nil, err
			}
			c.closers = append(c.closers, stop)
		}
	}
	return c, nil
}

func (c *load) close() {
	if c.stop != nil {
		c.stop()
	}
	c.running.Wait()
	for _, closer := range c.closers {
		closer()
	}
}

func (c *load) fail(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

// pause lets them work.
func (c *load) pause(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case err := <-c.failed:
		return err
	}
}

func (c *load) start(ctx context.Context) {
	ctx, c.stop = context.WithCancel(ctx)
	for _, p := range c.contractors {
		c.running.Go(func() { c.ask(ctx, p) })
	}
	for _, p := range c.managers {
		c.running.Go(func() { c.decide(ctx, p) })
	}
	c.running.Go(func() { c.watch(ctx) })
}

func (c *load) ask(ctx context.Context, p *person) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.room:
		}
		id, began := newID(), time.Now()
		c.mu.Lock()
		c.underWay[id] = &progress{asked: began}
		c.mu.Unlock()
		err := p.request(ctx, id)
		if err != nil {
			if ctx.Err() == nil {
				c.fail(fmt.Errorf("request: %w", err))
			}
			return
		}
		c.posted(began)
		c.mu.Lock()
		if progress, ok := c.underWay[id]; ok {
			progress.answered = true
		}
		c.mu.Unlock()
	}
}

func (c *load) posted(began time.Time) {
	if c.measuring.Load() {
		c.posts.add(time.Since(began))
	}
}

// appeared gives a row that a manager sees to whoever is free.
func (c *load) appeared(id string) {
	c.mu.Lock()
	p, ok := c.underWay[id]
	take := ok && !p.taken
	if take {
		p.taken = true
	}
	c.mu.Unlock()
	if take {
		c.accept <- id
	}
}

func (c *load) decide(ctx context.Context, p *person) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-c.accept:
			began := time.Now()
			if err := p.accept(ctx, id); err != nil {
				if ctx.Err() == nil {
					c.fail(fmt.Errorf("accept: %w", err))
				}
				return
			}
			c.posted(began)
		}
	}
}

// watch looks into both copies for the payments under way, and makes room for new ones. A row
// that waits in the managers' copy, but that the open page was not told of because it was reset, is accepted as
// after a reload.
func (c *load) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := c.look(ctx); err != nil {
			if ctx.Err() == nil {
				c.fail(fmt.Errorf("look into the copies: %w", err))
			}
			return
		}
	}
}

func (c *load) look(ctx context.Context) error {
	c.mu.Lock()
	ids := make([]string, 0, len(c.underWay))
	for id := range c.underWay {
		ids = append(ids, id)
	}
	c.mu.Unlock()
	settled := map[string]int{}
	for _, app := range []string{testsystem.Contractor, testsystem.Manager} {
		rows, err := c.databases[app].Query(ctx, "select id::text, decision, money, pending from payments where id = any($1::uuid[])", ids)
		if err != nil {
			return err
		}
		var id, decision, money string
		var pending bool
		_, err = pgx.ForEachRow(rows, []any{&id, &decision, &money, &pending}, func() error {
			switch {
			case app == testsystem.Manager && decision == "requested":
				c.missed(id)
			case decision == "accepted" && !pending && (money == "captured" || !c.withMoney):
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
	for id, copies := range settled {
		if copies == 2 {
			c.settle(id)
		}
	}
	return nil
}

// missed gives a row to the managers that has waited long enough to have appeared.
func (c *load) missed(id string) {
	c.mu.Lock()
	p, ok := c.underWay[id]
	late := ok && !p.taken && time.Since(p.asked) > time.Second
	c.mu.Unlock()
	if late {
		c.appeared(id)
	}
}

func (c *load) settle(id string) {
	c.mu.Lock()
	p := c.underWay[id]
	if p == nil || !p.answered {
		c.mu.Unlock()
		return // its contractor has not heard yet; the next look
	}
	delete(c.underWay, id)
	c.mu.Unlock()
	c.done.Add(1)
	if c.measuring.Load() {
		c.settled.add(time.Since(p.asked))
	}
	c.room <- struct{}{}
}

// waiting is what has been begun and not ended.
type waiting struct {
	underWay         int
	outbox, unpushed int64
}

func (w waiting) String() string {
	return fmt.Sprintf("%d / %d / %d", w.underWay, w.outbox, w.unpushed)
}

func (c *load) waiting(ctx context.Context) (w waiting, err error) {
	for name, pool := range c.databases {
		var outbox, unpushed int64
		err := pool.QueryRow(ctx, "select (select count(*) from outbox), (select count(*) from unpushed)").Scan(&outbox, &unpushed)
		if err != nil {
			return w, fmt.Errorf("count what waits at %s: %w", name, err)
		}
		w.outbox, w.unpushed = w.outbox+outbox, w.unpushed+unpushed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w.underWay = len(c.underWay)
	return w, nil
}

// drain stops asking and waits until everything has settled: nothing may be lost.
func (c *load) drain() error {
	for range window {
		select {
		case <-c.room: // taken from those who ask
		case err := <-c.failed:
			return err
		case <-time.After(30 * time.Second):
			c.mu.Lock()
			defer c.mu.Unlock()
			return errors.New(fmt.Sprint(len(c.underWay), " payments have not settled"))
		}
	}
	return nil
}
