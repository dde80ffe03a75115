package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"time"

	"countersign.example/test/testsystem"
)

const (
	tracedRounds = 3
	tracedWarmUp = 5 * time.Second
	tracedWithin = 20 * time.Second
)

// traced measures what traces cost: the CPU time that the services and PostgreSQL use for a payment while a
// tenth of the traces is sent to a collector, over what they use without. The rounds alternate, for a machine
// is not the same all the time, and the middle one counts.
func traced(e *environment) {
	var taken atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		taken.Add(n)
	}))
	defer collector.Close()
	ways := []struct {
		name     string
		settings []string
		rounds   []measured
	}{
		{name: "without"},
		{name: "a tenth of the traces", settings: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.1"}},
	}
	parts := []string{testsystem.Contractor, testsystem.Manager, testsystem.Core, testsystem.Gateway, postgresCPU}
	each := func(m measured) (sum time.Duration) {
		for _, part := range parts {
			sum += m.cpu[part]
		}
		return sum / time.Duration(max(m.count, 1))
	}
	for range tracedRounds {
		for i := range ways {
			w := &ways[i]
			check(runBench(e.ctx, func(e *environment) {
				w.rounds = append(w.rounds, payments(e, testsystem.New(e, append(slices.Clone(testsystem.Unlimited), w.settings...)...)))
			}), w.name)
		}
	}
	fmt.Printf("\nTraces: CPU time for a payment (ms), the middle of %d rounds by turns\n\n", tracedRounds)
	t := newTable(append(append([]string{""}, parts...), "together", "all rounds")...)
	var middle []time.Duration
	for _, w := range ways {
		slices.SortFunc(w.rounds, func(a, b measured) int { return int(each(a) - each(b)) })
		var all []string
		for _, m := range w.rounds {
			all = append(all, ms(each(m)))
		}
		m := w.rounds[len(w.rounds)/2]
		middle = append(middle, each(m))
		t.add(append(m.cpuCells(w.name, parts...), fmt.Sprint(all))...)
	}
	t.print()
	fmt.Printf("\nTraces cost %+.1f%% (aim: 3%%); the collector took %d KB.\n", 100*(float64(middle[1])/float64(middle[0])-1), taken.Load()>>10)
}

// payments has as many payments as the system takes go the whole way, for a while.
func payments(e *environment, sys *testsystem.System) (m measured) {
	l := newLoad(e, sys, true)
	defer l.close()
	check(pause(e.ctx, tracedWarmUp, l.failed))
	usage, start := startUsage(e.ctx), l.done.Load()
	check(pause(e.ctx, tracedWithin, l.failed))
	m.cpu, m.count = usage.since(), l.done.Load()-start
	l.drain(e.ctx)
	return m
}
