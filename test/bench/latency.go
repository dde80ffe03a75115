package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/test/testsystem"
)

const (
	latencyWarmUp   = 50
	latencySingle   = 300 // samples, one at a time
	latencySeconds  = 15  // at a rate
	latencyPatience = 10 * time.Second
	latencyClients  = 32 // as many as may wait for an answer at once
)

// latency measures from the POST of a payment at contractor-ui to its row in the socket of a page that is
// open at manager-ui, and the sum of the raw hops between.
func latency(e *environment) {
	measureFlows(e, testsystem.New(e, testsystem.Unlimited...), way{
		title:  "Latency: POST of a payment at contractor-ui -> its row in an open page's socket at manager-ui (ms)",
		writer: testsystem.Contractor, page: "/payments", row: "payment-", rate: 100,
		next: func(*contractor) place { return place{newID(), 0} },
		post: func(ctx context.Context, c *contractor, at place) error { return c.request(ctx, at.subject) },
	})
}

// orders measures from the POST of an item at contractor-ui to the order's row in the socket of a page that
// is open at manager-ui. The command goes on to ordering-core over HTTP, which the raw hops leave out. The
// rate is lower than the payments': a page of an order is not answered before its own copy shows the command.
func orders(e *environment) {
	sys := testsystem.New(e, testsystem.Unlimited...)
	product := sys.Product(e, "BENCH-1", "Scaffolding for the north wall", 12_00)
	measureFlows(e, sys, way{
		title:  "Orders: POST of an item at contractor-ui -> the order's row in an open page's socket at manager-ui (ms)",
		writer: testsystem.Ordering, page: "/orders", row: "order-", rate: 50,
		next: func(c *contractor) place { c.sequence++; return place{c.draft, c.sequence} },
		post: func(ctx context.Context, c *contractor, at place) error {
			return c.post(ctx, "/orders/"+at.subject+"/items", url.Values{"product_id": {product}, "quantity": {"1"}, "key": {newID()}})
		},
	})
}

// way is how a command gets to an open page.
type way struct {
	title, writer, page, row string
	rate                     int                     // per second
	next                     func(*contractor) place // of the event that comes next
	post                     func(context.Context, *contractor, place) error
}

// place names an event. A payment's are not counted.
type place struct {
	subject  string
	sequence int64
}

// flow is one command's way to the open page.
type flow struct {
	place
	due, answered, seen time.Time
}

// contractor has a draft, which the first item begins.
type contractor struct {
	*person
	draft    string
	sequence int64 // of the draft's last event
}

// measureFlows measures flows and the raw hops: one at a time, and at the way's rate.
func measureFlows(e *environment, sys *testsystem.System, w way) {
	raw := newHops(e, sys.Parts)
	p := watch(e, sys, w)
	for range latencyWarmUp {
		must(p.flow(e.ctx, time.Now()))
		must(raw.chain(e.ctx))
	}
	fmt.Printf("\n%s\n\n", w.title)
	t := newTable("", "p50", "p99", "commit", "produce-fetch", "commit", "XADD-XREAD", "hops p50", "hops p99", "p50 / hops", "p99 / hops")
	stages := newTable("", "POST -> in "+w.writer+"'s journal", "-> in manager-ui's journal", "-> in the open page", "POST -> its answer")
	for _, rate := range []int{0, w.rate} {
		name := "one at a time"
		if rate > 0 {
			name = fmt.Sprintf("%d/s", rate)
		}
		var chains samples[hop]
		check(atRate(e.ctx, rate, func(ctx context.Context, _ time.Time) error {
			took, err := raw.chain(ctx)
			chains.add(took)
			return err
		}), "raw hops, ", name)
		var flows samples[flow]
		check(atRate(e.ctx, rate, func(ctx context.Context, due time.Time) error {
			f, err := p.flow(ctx, due)
			flows.add(f)
			return err
		}), name)
		t.addHops(name, flows.all, chains.all)
		stages.addStages(e.ctx, name, sys.Database[w.writer], sys.Database[testsystem.Manager], flows.all)
	}
	t.print()
	fmt.Printf("\nWhere the time goes, p50 / p99 (ms)\n\n")
	stages.print()
	if n := p.resets.Load(); n > 0 {
		fmt.Printf("\nThe socket was reset %d times.\n", n)
	}
}

// addHops sets flows beside the raw hops at the same rate.
func (t *table) addHops(name string, flows []flow, chains []hop) {
	whole := func(p int) time.Duration {
		return percentileOf(flows, p, func(f flow) time.Duration { return f.seen.Sub(f.due) })
	}
	part := func(of func(hop) time.Duration) string { return ms(percentileOf(chains, 50, of)) }
	floor := func(p int) time.Duration { return percentileOf(chains, p, hop.sum) }
	t.add(name, ms(whole(50)), ms(whole(99)),
		part(func(h hop) time.Duration { return h.commit }), part(func(h hop) time.Duration { return h.kafka }),
		part(func(h hop) time.Duration { return h.commitAgain }), part(func(h hop) time.Duration { return h.redis }),
		ms(floor(50)), ms(floor(99)), ratio(whole(50), floor(50)), ratio(whole(99), floor(99)))
}

// addStages adds when the events were where. The databases' clock is this machine's.
func (t *table) addStages(ctx context.Context, name, writer, reader string, flows []flow) {
	written, received := recorded(ctx, writer, flows), recorded(ctx, reader, flows)
	cell := func(of func(flow) time.Duration) string {
		return ms(percentileOf(flows, 50, of)) + " / " + ms(percentileOf(flows, 99, of))
	}
	t.add(name,
		cell(func(f flow) time.Duration { return written[f.place].Sub(f.due) }),
		cell(func(f flow) time.Duration { return received[f.place].Sub(written[f.place]) }),
		cell(func(f flow) time.Duration { return f.seen.Sub(received[f.place]) }),
		cell(func(f flow) time.Duration { return f.answered.Sub(f.due) }))
}

// recorded is when the journal at url recorded the flows' events.
func recorded(ctx context.Context, url string, flows []flow) map[place]time.Time {
	conn := must(pgx.Connect(ctx, url))
	defer func() { _ = conn.Close(ctx) }()
	subjects := make([]string, len(flows))
	for i, f := range flows {
		subjects[i] = f.subject
	}
	rows := must(conn.Query(ctx, "select subject, sequence, recorded_at from journal where subject = any($1)", subjects))
	times := make(map[place]time.Time, len(flows))
	var at place
	var when time.Time
	must(pgx.ForEachRow(rows, []any{&at.subject, &at.sequence, &when}, func() error {
		times[at] = when
		return nil
	}))
	return times
}

// probe is contractors, and a manager who has a page open.
type probe struct {
	way
	free   chan *contractor
	resets atomic.Int64
	rows   awaited
}

func watch(e *environment, sys *testsystem.System, w way) *probe {
	p := &probe{way: w, free: make(chan *contractor, latencyClients)}
	for _, who := range must(signInAll(e.ctx, latencyClients, sys.URL(testsystem.Contractor), "ada-nowak", "jon-park", "sara-lind")) {
		p.free <- &contractor{person: who, draft: newID(), sequence: 1}
	}
	mia := must(signIn(e.ctx, sys.URL(testsystem.Manager), "mia-weber"))
	e.Cleanup(must(mia.open(e.ctx, w.page, p.seen, func() { p.resets.Add(1) })))
	return p
}

func (p *probe) seen(r row, at time.Time) { p.rows.arrived(p.key(r.ID, r.Revision), at) }

// key is of a row in the version that an event makes of it: each is appended, and known to be in the log. A
// payment is new, so its row may be in any version.
func (p *probe) key(id string, revision int64) string {
	if p.row == "payment-" {
		return id
	}
	return fmt.Sprint(id, "@", revision)
}

// flow posts a command and waits until the manager's page has the row. The time counts from when the command
// was due, so that one that had to wait for a free contractor is not counted as fast.
func (p *probe) flow(ctx context.Context, due time.Time) (f flow, err error) {
	ctx, cancel := context.WithTimeout(ctx, latencyPatience)
	defer cancel()
	c := <-p.free
	f = flow{place: p.next(c), due: due}
	arrived := p.rows.expect(p.key(p.row+f.subject, 2*f.sequence))
	err = p.post(ctx, c, f.place)
	f.answered = time.Now()
	if f.sequence == 0 {
		p.free <- c
	} else {
		defer func() { p.free <- c }() // a draft has one change on its way at a time
	}
	if err != nil {
		return f, err
	}
	if f.seen, err = when(ctx, arrived); err != nil {
		return f, fmt.Errorf("%s%s did not arrive in %s: %w", p.row, f.subject, latencyPatience, err)
	}
	return f, nil
}

// atRate begins one whenever it is due, so many a second, whatever became of those before; at a rate of 0,
// when the one before has ended.
func atRate(ctx context.Context, perSecond int, do func(context.Context, time.Time) error) error {
	if perSecond == 0 {
		for range latencySingle {
			if err := do(ctx, time.Now()); err != nil {
				return err
			}
		}
		return nil
	}
	var running sync.WaitGroup
	errs := make([]error, perSecond*latencySeconds)
	due := time.Now() // the first one
	for i := range errs {
		at := due.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		<-time.After(time.Until(at))
		running.Go(func() { errs[i] = do(ctx, at) })
	}
	running.Wait()
	return errors.Join(errs...)
}
