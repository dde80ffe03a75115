package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	gatePause       = time.Second
	gateReportEvery = time.Minute
	gateTimeout     = 30 * time.Second // of one look
)

// gate holds the conditions that must be met before any component works, such as that the database is
// migrated. A component that began earlier would fail, be restarted, and fail again, or work with what is not
// there.
type gate struct {
	conditions []namedCheck
	open       chan struct{} // closed when all conditions have been met, once

	mu   sync.Mutex
	name string // the condition that is not met, and what it says
	err  error
}

// First adds a condition. Until it is met, the service is not ready, what Go adds does not run, and requests
// are answered with 503, a browser's with a page. Conditions are met in the order in which they are added,
// each once; they are tried again while the service runs.
func (rt *Runtime) First(name string, condition Check) {
	if len(rt.gate.conditions) == 0 {
		rt.Add(Component{Name: "what comes first", Start: rt.meetAtOnce, Run: rt.meet})
		rt.Health.gate = &rt.gate
	}
	rt.gate.conditions = append(rt.gate.conditions, namedCheck{name: name, check: condition})
}

// Go adds a component that only runs, once all conditions are met.
func (rt *Runtime) Go(name string, run func(ctx context.Context) error) {
	rt.Group.Go(name, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-rt.gate.open:
			return run(ctx)
		}
	})
}

// meetAtOnce tries the conditions before anything else starts. Mostly they are met, and nobody waits.
func (rt *Runtime) meetAtOnce(ctx context.Context) error {
	rt.look(ctx, checkTimeout)
	return nil
}

// meet tries until all conditions are met, and logs what it waits for.
func (rt *Runtime) meet(ctx context.Context) error {
	reported, at := "", time.Time{}
	for {
		name, err := rt.gate.waits()
		if err == nil {
			<-ctx.Done()
			return ctx.Err()
		}
		if reported != err.Error() || time.Since(at) > gateReportEvery {
			reported, at = err.Error(), time.Now()
			rt.Log.WarnContext(ctx, "not ready, and begins by itself when it can", "waits for", name, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(gatePause):
		}
		if rt.look(ctx, gateTimeout); rt.gate.met() {
			rt.Log.InfoContext(ctx, "begins: what it waited for is there")
		}
	}
}

// look tries the conditions that are not met yet.
func (rt *Runtime) look(ctx context.Context, timeout time.Duration) {
	for len(rt.gate.conditions) > 0 {
		c := rt.gate.conditions[0]
		checkCtx, cancel := context.WithTimeout(ctx, timeout)
		err := c.check(checkCtx)
		cancel()
		rt.gate.note(c.name, err)
		if err != nil {
			return
		}
		rt.gate.conditions = rt.gate.conditions[1:]
	}
	close(rt.gate.open)
}

func (g *gate) note(name string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.name, g.err = name, err
}

// waits returns the first condition that is not met, and why.
func (g *gate) waits() (name string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.name, g.err
}

func (g *gate) met() bool {
	select {
	case <-g.open:
		return true
	default:
		return false
	}
}

// behind passes requests on once the gate is open.
func (g *gate) behind(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.met() {
			handler.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "2")
		w.Header().Set("Cache-Control", "no-store")
		if !strings.Contains(r.Header.Get("Accept"), "text/html") {
			http.Error(w, starting, http.StatusServiceUnavailable)
			return
		}
		again, says := "", starting // a form would not be sent again
		if r.Method == http.MethodGet {
			again, says = reload, startingSoon
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintf(w, startingPage, again, says)
	})
}

const (
	starting     = "This service is starting, and nothing was done. Please try again shortly."
	startingSoon = "This service is starting, and nothing was done. The page loads again by itself every few seconds."
	reload       = `<meta http-equiv="refresh" content="3">`
)

// startingPage needs nothing of what is not there yet: no session, no template, no asset. Its colours are the
// browser's own, light or dark.
const startingPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">%s<title>Starting</title></head>
<body style="font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem"><main><h1>Starting</h1><p>%s</p></main></body></html>
`

// report adds to a report what the gate waits for.
func (g *gate) report(r Report) Report {
	if g == nil || g.met() {
		return r
	}
	name, err := g.waits()
	if err == nil {
		err = errors.New("not looked at yet")
	}
	checks := maps.Clone(r.Checks) // the other one is kept
	checks[name] = err.Error()
	r.Status, r.Checks = Unavailable, checks
	return r
}
