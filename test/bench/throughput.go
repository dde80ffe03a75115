package main

import (
	"fmt"
	"time"

	"countersign.example/test/testsystem"
)

const (
	throughputWarmUp = 5 * time.Second
	throughputWithin = 30 * time.Second
)

// throughput measures how many payments a second go the whole way, over the transactions a second of pgbench
// on the same PostgreSQL right before and after: with everything at work, and with the two apps alone.
//
// So many payments are under way at any time, and a new one is asked for when one is settled: the figure is
// what the slowest part sustains, and nothing can pile up unseen. That nothing does is shown by what waits at
// half time and at the end.
func throughput(e *environment) {
	sys, floor := testsystem.New(e, testsystem.Unlimited...), newPgbench(e)
	fmt.Printf("\nThroughput: payments requested, accepted and confirmed in both copies, over pgbench's simple-update at %d connections\n\n",
		pgbenchConnections)
	t := newTable("", "payments/s", "first half", "second half", "waiting at half time", "at the end", "pgbench tx/s before", "after", "ratio", "aim")
	parts := []string{testsystem.Contractor, testsystem.Manager, testsystem.Core, testsystem.Gateway, postgresCPU, ownCPU}
	cpu := newTable(append(append([]string{""}, parts...), "together")...)
	for _, run := range []struct {
		name, aim string
		withMoney bool
	}{{"whole system", "0.15", true}, {"two apps alone", "0.3", false}} {
		if !run.withMoney {
			stop(sys, testsystem.Core, testsystem.Gateway)
		}
		var l *load
		var waiting [2]string // at half time, and at the end
		m, cells := floor.around(e.ctx, run.aim, func() (m measured) {
			l = newLoad(e, sys, run.withMoney)
			defer l.close()
			check(pause(e.ctx, throughputWarmUp, l.failed), run.name)
			l.measuring.Store(true)
			usage, start := startUsage(e.ctx), l.done.Load()
			check(pause(e.ctx, throughputWithin/2, l.failed), run.name)
			halfTime, half := time.Now(), l.done.Load()
			waiting[0] = l.backlog(e.ctx)
			check(pause(e.ctx, throughputWithin-time.Since(usage.began), l.failed), run.name)
			endTime, end := time.Now(), l.done.Load()
			m.cpu, m.count = usage.since(), end-start
			waiting[1] = l.backlog(e.ctx)
			l.measuring.Store(false)
			m.rate = float64(m.count) / endTime.Sub(usage.began).Seconds()
			m.first = float64(half-start) / halfTime.Sub(usage.began).Seconds()
			m.second = float64(end-half) / endTime.Sub(halfTime).Seconds()
			l.drain(e.ctx)
			return m
		})
		t.add(append([]string{run.name, perSecond(m.rate), perSecond(m.first), perSecond(m.second), waiting[0], waiting[1]}, cells...)...)
		cpu.add(m.cpuCells(run.name, parts...)...)
		fmt.Printf("%s: POST p50 %s ms, p99 %s ms; POST to settled p50 %s ms, p99 %s ms; sockets reset %d times\n", run.name,
			ms(percentile(l.posts.all, 50)), ms(percentile(l.posts.all, 99)),
			ms(percentile(l.settled.all, 50)), ms(percentile(l.settled.all, 99)), l.resets.Load())
	}
	fmt.Println()
	t.print()
	fmt.Printf("\nCPU time for a payment (ms)\n\n")
	cpu.print()
	fmt.Printf("\nWaiting: payments under way (at most %d) / outbox rows / unpushed rows, of all services together.\n", window)
}
