package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/test/testsystem"
)

// benchDrafts are as many as contractors may change at once.
const benchDrafts = 32

// orders measures from the POST of a command about an order at contractor-ui to the order's row in the socket of a page that
// is open at manager-ui, and the sum of the raw hops between. The command goes on to ordering-core over HTTP, which
// the raw hops leave out.
func orders(s *environment) error {
	sys := testsystem.New(s)
	raw, err := newHops(s, sys.Parts)
	if err != nil {
		return fmt.Errorf("prepare the raw hops: %w", err)
	}
	w, err := newWatchedOrders(s, sys)
	if err != nil {
		return err
	}
	for range latencyWarmUp {
		if _, err := w.once(s.ctx, time.Now()); err != nil {
			return err
		}
		if _, err := raw.chain(s.ctx); err != nil {
			return err
		}
	}
	fmt.Printf("\nOrders: POST of an item at contractor-ui -> the order's row in an open page's socket at manager-ui (ms)\n\n")
	t := newTable("", "p50", "p99", "commit", "produce-fetch", "commit", "XADD-XREAD", "hops p50", "hops p99", "p50 / hops", "p99 / hops")
	stages := newTable("", "POST -> in ordering-core's journal", "-> in manager-ui's journal", "-> in the open page", "POST -> its answer")
	for _, load := range []struct {
		name string
		run  func(context.Context, func(context.Context, time.Time) error) error
	}{{"one at a time", oneByOne}, {fmt.Sprintf("%d/s", ordersRate), atOrdersRate}} {
		var chains samples[hop]
		err := load.run(s.ctx, func(ctx context.Context, _ time.Time) error {
			took, err := raw.chain(ctx)
			chains.add(took)
			return err
		})
		if err != nil {
			return fmt.Errorf("raw hops, %s: %w", load.name, err)
		}
		var whole samples[change]
		err = load.run(s.ctx, func(ctx context.Context, due time.Time) error {
			c, err := w.once(ctx, due)
			whole.add(c)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", load.name, err)
		}
		addHops(t, load.name, durations(whole.all, func(c change) time.Duration { return c.seen.Sub(c.due) }), chains.all)
		if err := addChanges(s.ctx, stages, load.name, sys, whole.all); err != nil {
			return err
		}
	}
	t.print()
	fmt.Printf("\nWhere the time goes, p50 / p99 (ms)\n\n")
	stages.print()
	if n := w.resets.Load(); n > 0 {
		fmt.Printf("\nThe socket was reset %d times.\n", n)
	}
	return nil
}

// ordersRate is lower than the payments': a page of an order is not answered before its own copy shows the command.
const ordersRate = 50 // per second

func atOrdersRate(ctx context.Context, do func(context.Context, time.Time) error) error {
	return atRateOf(ctx, ordersRate, do)
}

// draft is an order that a contractor works on.
type draft struct {
	contractor *person
	id         string
	sequence   int64 // of its last event
}

// change is one command's way to the open page.
type change struct {
	order               string
	sequence            int64
	due, answered, seen time.Time
}

// watchedOrders is contractors with a draft each, and a manager who has the list of orders open.
type watchedOrders struct {
	product string
	drafts  chan *draft // those that nobody changes now
	resets  atomic.Int64

	mu      sync.Mutex
	awaited map[string]awaitedRow // by the row's id
}

type awaitedRow struct {
	revision int64
	arrived  chan time.Time
}

func newWatchedOrders(s *environment, sys *testsystem.System) (*watchedOrders, error) {
	w := &watchedOrders{product: sys.Product(s, "BENCH-1", "Scaffolding for the north wall", 12_00),
		drafts: make(chan *draft, benchDrafts), awaited: map[string]awaitedRow{}}
	all, err := signInAll(s.ctx, benchDrafts, sys.URL(testsystem.Contractor), "ada-nowak", "jon-park", "sara-lind")
	if err != nil {
		return nil, err
	}
	mia, err := signIn(s.ctx, sys.URL(testsystem.Manager), "mia-weber")
	if err != nil {
		return nil, err
	}
	stop, err := mia.open(s.ctx, "/orders", w.seen, func() { w.resets.Add(1) })
	if err != nil {
		return nil, err
	}
	s.Cleanup(stop)
	for _, p := range all {
		w.drafts <- &draft{contractor: p, id: newID(), sequence: 1} // the first item begins it
	}
	for range all {
		if _, err := w.once(s.ctx, time.Now()); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *watchedOrders) seen(r row, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a, ok := w.awaited[r.ID]; ok && r.Revision >= a.revision {
		a.arrived <- at
		delete(w.awaited, r.ID)
	}
}

// once adds an item to a draft and waits until the manager's page has the row. The time counts from when the
// command was due.
func (w *watchedOrders) once(ctx context.Context, due time.Time) (c change, err error) {
	ctx, cancel := context.WithTimeout(ctx, latencyPatience)
	defer cancel()
	d := <-w.drafts
	defer func() { w.drafts <- d }()
	d.sequence++
	c = change{order: d.id, sequence: d.sequence, due: due}
	arrived := make(chan time.Time, 1)
	w.mu.Lock()
	w.awaited["order-"+d.id] = awaitedRow{2 * d.sequence, arrived} // each event is appended, and known to be in the log
	w.mu.Unlock()
	_, err = d.contractor.post(ctx, "/orders/"+d.id+"/items", url.Values{"product_id": {w.product}, "quantity": {"1"}, "key": {newID()}})
	c.answered = time.Now()
	if err != nil {
		return c, err
	}
	select {
	case c.seen = <-arrived:
		return c, nil
	case <-ctx.Done():
		return c, fmt.Errorf("event %d of order %s did not arrive in %s", c.sequence, c.order, latencyPatience)
	}
}

// addChanges says when the commands were where. The databases' clock is this machine's.
func addChanges(ctx context.Context, t *table, name string, sys *testsystem.System, all []change) error {
	written, err := recordedOrders(ctx, sys.Database[testsystem.Ordering], all)
	if err != nil {
		return err
	}
	heard, err := recordedOrders(ctx, sys.Database[testsystem.Manager], all)
	if err != nil {
		return err
	}
	cell := func(of func(c change) time.Duration) string {
		times := durations(all, of)
		return ms(percentile(times, 50)) + " / " + ms(percentile(times, 99))
	}
	at := func(times map[place]time.Time, c change) time.Time { return times[place{c.order, c.sequence}] }
	t.add(name,
		cell(func(c change) time.Duration { return at(written, c).Sub(c.due) }),
		cell(func(c change) time.Duration { return at(heard, c).Sub(at(written, c)) }),
		cell(func(c change) time.Duration { return c.seen.Sub(at(heard, c)) }),
		cell(func(c change) time.Duration { return c.answered.Sub(c.due) }))
	return nil
}

// place names an event of an order.
type place struct {
	order    string
	sequence int64
}

// recordedOrders is when the journal at url recorded the orders' events.
func recordedOrders(ctx context.Context, url string, all []change) (map[place]time.Time, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	ids := make([]string, len(all))
	for i, c := range all {
		ids[i] = c.order
	}
	rows, err := conn.Query(ctx, "select subject, sequence, recorded_at from journal where subject = any($1)", ids)
	if err != nil {
		return nil, fmt.Errorf("read when commands were recorded: %w", err)
	}
	at := make(map[place]time.Time, len(all))
	var p place
	var when time.Time
	_, err = pgx.ForEachRow(rows, []any{&p.order, &p.sequence, &when}, func() error {
		at[p] = when
		return nil
	})
	return at, err
}
