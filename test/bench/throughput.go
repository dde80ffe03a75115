package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"countersign.example/test/testsystem"
)

const (
	warmUpSeconds   = 5
	measuredSeconds = 30
)

// throughput measures how many payments a second go the whole way, over the transactions a second of pgbench on
// the same PostgreSQL right before and after: with everything at work, and with the two apps alone.
//
// So many payments are under way at any time, and a new one is asked for when one is settled: the figure is what
// the slowest part sustains, and nothing can pile up unseen. That nothing does is shown by what waits at half time and at the end.
func throughput(s *environment) error {
	sys := testsystem.New(s)
	floor, err := newPgbench(s)
	if err != nil {
		return err
	}
	fmt.Printf("\nThroughput: payments requested, accepted and confirmed in both copies, over pgbench's simple-update at %d connections\n\n",
		pgbenchConnections)
	t := newTable("", "payments/s", "first half", "second half", "waiting at half time", "at the end", "pgbench tx/s before", "after", "ratio", "aim")
	cpu := newTable("", testsystem.Contractor, testsystem.Manager, testsystem.Core, testsystem.Gateway, postgresCPU, ownCPU, "together")
	for _, run := range []struct {
		name string
		aim  string
		core bool
	}{{"whole system", "0.15", true}, {"two apps alone", "0.3", false}} {
		if !run.core {
			for _, name := range []string{testsystem.Core, testsystem.Gateway} {
				if err := sys.Stop(name); err != nil {
					return fmt.Errorf("stop %s: %w", name, err)
				}
			}
		}
		before, err := floor.run(s.ctx)
		if err != nil {
			return err
		}
		result, err := keepBusy(s, sys, run.core)
		if err != nil {
			return fmt.Errorf("%s: %w", run.name, err)
		}
		after, err := floor.run(s.ctx)
		if err != nil {
			return err
		}
		t.add(run.name, perSecond(result.rate), perSecond(result.first), perSecond(result.second), result.half.String(), result.end.String(),
			perSecond(before), perSecond(after), fmt.Sprintf("%.3f", result.rate/((before+after)/2)), run.aim)
		cpu.add(append([]string{run.name}, result.cpuCells(testsystem.Contractor, testsystem.Manager, testsystem.Core, testsystem.Gateway, postgresCPU, ownCPU)...)...)
		fmt.Printf("%s: POST p50 %s ms, p99 %s ms; POST to settled p50 %s ms, p99 %s ms; sockets reset %d times\n", run.name,
			ms(percentile(result.posts, 50)), ms(percentile(result.posts, 99)),
			ms(percentile(result.settled, 50)), ms(percentile(result.settled, 99)), result.resets)
	}
	fmt.Println()
	t.print()
	fmt.Printf("\nCPU time for a payment (ms)\n\n")
	cpu.print()
	fmt.Printf("\nWaiting: payments under way (at most %d) / outbox rows / unpushed rows, of all services together.\n", window)
	return nil
}

func perSecond(n float64) string { return strconv.FormatFloat(n, 'f', 0, 64) }

// measured is one run's outcome.
type measured struct {
	rate, first, second float64 // payments settled per second; in the two halves
	half, end           waiting
	posts, settled      []time.Duration
	resets              int64
	cpu                 map[string]time.Duration // by part, of all payments together
	count               int64
}

// cpuCells are the parts' CPU times for a payment, and their sum.
func (m measured) cpuCells(parts ...string) []string {
	cells := make([]string, 0, len(parts)+1)
	var sum time.Duration
	for _, part := range parts {
		each := m.cpu[part] / time.Duration(max(m.count, 1))
		sum += each
		cells = append(cells, fmt.Sprintf("%.2f", each.Seconds()*1000))
	}
	return append(cells, fmt.Sprintf("%.2f", sum.Seconds()*1000))
}

// keepBusy keeps the system busy, and measures once it has warmed up.
func keepBusy(s *environment, sys *testsystem.System, withMoney bool) (m measured, err error) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	c, err := newLoad(ctx, sys, withMoney)
	if err != nil {
		return m, err
	}
	defer c.close()
	c.start(ctx)
	if err := c.pause(warmUpSeconds * time.Second); err != nil {
		return m, err
	}
	c.measuring.Store(true)
	postmaster := findPostmaster(ctx)
	began, start, cpuBefore := time.Now(), c.done.Load(), cpuTimes(postmaster)
	if err := c.pause(measuredSeconds * time.Second / 2); err != nil {
		return m, err
	}
	halfTime, half := time.Now(), c.done.Load()
	if m.half, err = c.waiting(ctx); err != nil {
		return m, err
	}
	if err := c.pause(measuredSeconds*time.Second - time.Since(began)); err != nil {
		return m, err
	}
	endTime, end := time.Now(), c.done.Load()
	m.cpu, m.count = cpuTimes(postmaster), end-start
	for part, before := range cpuBefore {
		m.cpu[part] -= before
	}
	if m.end, err = c.waiting(ctx); err != nil {
		return m, err
	}
	c.measuring.Store(false)
	m.rate = float64(end-start) / endTime.Sub(began).Seconds()
	m.first = float64(half-start) / halfTime.Sub(began).Seconds()
	m.second = float64(end-half) / endTime.Sub(halfTime).Seconds()
	m.posts, m.settled, m.resets = c.posts.all, c.settled.all, c.resets.Load()
	return m, c.drain()
}
