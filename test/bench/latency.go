package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"countersign.example/test/testsystem"
)

const (
	latencyWarmUp   = 50
	latencySingle   = 300 // samples, one at a time
	latencyRate     = 100 // per second
	latencySeconds  = 15
	latencyPatience = 10 * time.Second
)

// latency measures from the POST of a payment at contractor-ui to its row in the socket of a page that is
// open at manager-ui, and the sum of the raw hops between.
func latency(s *environment) error {
	sys := testsystem.New(s)
	raw, err := newHops(s, sys.Parts)
	if err != nil {
		return fmt.Errorf("prepare the raw hops: %w", err)
	}
	w, err := newWatched(s, sys)
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

	fmt.Printf("\nLatency: POST of a payment at contractor-ui -> its row in an open page's socket at manager-ui (ms)\n\n")
	t := newTable("", "p50", "p99", "commit", "produce-fetch", "commit", "XADD-XREAD", "hops p50", "hops p99", "p50 / hops", "p99 / hops")
	stages := newTable("", "POST -> in contractor-ui's journal", "-> in manager-ui's journal", "-> in the open page", "POST -> its answer")
	for _, load := range []struct {
		name string
		run  func(context.Context, func(context.Context, time.Time) error) error
	}{{"one at a time", oneByOne}, {fmt.Sprintf("%d/s", latencyRate), atRate}} {
		var chains samples[hop]
		err := load.run(s.ctx, func(ctx context.Context, _ time.Time) error {
			took, err := raw.chain(ctx)
			chains.add(took)
			return err
		})
		if err != nil {
			return fmt.Errorf("raw hops, %s: %w", load.name, err)
		}
		var whole samples[flow]
		err = load.run(s.ctx, func(ctx context.Context, due time.Time) error {
			j, err := w.once(ctx, due)
			whole.add(j)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", load.name, err)
		}
		addHops(t, load.name, durations(whole.all, flow.took), chains.all)
		if err := addStages(s.ctx, stages, load.name, sys, whole.all); err != nil {
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

// addHops sets times beside the raw hops of the same load.
func addHops(t *table, name string, times []time.Duration, chains []hop) {
	middle := func(of func(hop) time.Duration) time.Duration { return percentile(durations(chains, of), 50) }
	sums := durations(chains, hop.sum)
	p50, p99, floor50, floor99 := percentile(times, 50), percentile(times, 99), percentile(sums, 50), percentile(sums, 99)
	t.add(name, ms(p50), ms(p99),
		ms(middle(func(h hop) time.Duration { return h.commit })), ms(middle(func(h hop) time.Duration { return h.kafka })),
		ms(middle(func(h hop) time.Duration { return h.commitAgain })), ms(middle(func(h hop) time.Duration { return h.redis })),
		ms(floor50), ms(floor99), ratio(p50, floor50), ratio(p99, floor99))
}

// watched is contractors who ask, and a manager who has a page open.
type watched struct {
	contractors chan *person // those who are free
	resets      atomic.Int64

	mu      sync.Mutex
	awaited map[string]chan time.Time // by payment
}

func newWatched(s *environment, sys *testsystem.System) (*watched, error) {
	const contractors = 32
	w := &watched{contractors: make(chan *person, contractors), awaited: map[string]chan time.Time{}}
	all, err := signInAll(s.ctx, contractors, sys.URL(testsystem.Contractor), "ada-nowak", "jon-park", "sara-lind")
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		w.contractors <- p
	}
	mia, err := signIn(s.ctx, sys.URL(testsystem.Manager), "mia-weber")
	if err != nil {
		return nil, err
	}
	stop, err := mia.open(s.ctx, "/payments", w.seen, func() { w.resets.Add(1) })
	if err != nil {
		return nil, err
	}
	s.Cleanup(stop)
	return w, nil
}

func (w *watched) seen(r row, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c, ok := w.awaited[r.payment()]; ok {
		c <- at
		delete(w.awaited, r.payment())
	}
}

// once asks for a payment and waits until the manager's page has it. The time counts from when the
// request was due, so that one that had to wait for a free contractor is not counted as fast.
func (w *watched) once(ctx context.Context, due time.Time) (j flow, err error) {
	ctx, cancel := context.WithTimeout(ctx, latencyPatience)
	defer cancel()
	arrived := make(chan time.Time, 1)
	j = flow{payment: newID(), due: due}
	w.mu.Lock()
	w.awaited[j.payment] = arrived
	w.mu.Unlock()
	contractor := <-w.contractors
	err = contractor.request(ctx, j.payment)
	j.answered = time.Now()
	w.contractors <- contractor
	if err != nil {
		return j, err
	}
	select {
	case j.seen = <-arrived:
		return j, nil
	case <-ctx.Done():
		return j, fmt.Errorf("payment %s did not arrive in %s", j.payment, latencyPatience)
	}
}

// oneByOne does the next when the one before has arrived.
func oneByOne(ctx context.Context, do func(context.Context, time.Time) error) error {
	for range latencySingle {
		if err := do(ctx, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

func atRate(ctx context.Context, do func(context.Context, time.Time) error) error {
	return atRateOf(ctx, latencyRate, do)
}

// atRateOf begins one whenever it is due, so many a second, whatever became of those before.
func atRateOf(ctx context.Context, perSecond int, do func(context.Context, time.Time) error) error {
	var running sync.WaitGroup
	errs := make(chan error, perSecond*latencySeconds)
	due := time.Now()
	for range perSecond * latencySeconds {
		<-time.After(time.Until(due))
		at := due
		running.Go(func() { errs <- do(ctx, at) })
		due = due.Add(time.Second / time.Duration(perSecond))
	}
	running.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}
