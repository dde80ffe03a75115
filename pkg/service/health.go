package service

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Status says how a service is.
type Status string

const (
	Ready       Status = "ready"
	Degraded    Status = "degraded"    // works, but something it can do without is away; 200
	Unavailable Status = "unavailable" // must get no requests; 503
)

// Check finds out whether something can be used. Its context has a deadline.
type Check func(ctx context.Context) error

// How long a check may take, and how long its answer is good for: pages ask too.
const (
	checkTimeout = 2 * time.Second
	checkFresh   = time.Second
)

// Health answers /livez and /readyz, and lists for pages what is away.
type Health struct {
	mu       sync.Mutex // held while checking, so that many requests make one round of checks
	checks   []namedCheck
	last     Report
	at       time.Time
	stopping atomic.Bool
	gate     *gate // nil where nothing comes first
}

type namedCheck struct {
	name     string
	critical bool
	check    Check
}

// Report is the body of the admin listener's /readyz. The public one says the status alone.
type Report struct {
	Status Status            `json:"status"`
	Checks map[string]string `json:"checks"` // name to "ok" or what is wrong

	notices map[string]string // name to the text for people
}

// Critical adds a check without which the service cannot work.
func (h *Health) Critical(name string, check Check) {
	h.checks = append(h.checks, namedCheck{name, true, check})
}

// Optional adds a check whose failure only makes things late.
func (h *Health) Optional(name string, check Check) {
	h.checks = append(h.checks, namedCheck{name, false, check})
}

// Stopping makes the service not ready for good: nothing new should be sent to it.
func (h *Health) Stopping() { h.stopping.Store(true) }

// Report runs the checks side by side, unless that was done within the last second.
func (h *Health) Report(ctx context.Context) Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) > checkFresh {
		h.last = h.run(ctx)
		h.at = time.Now()
	}
	report := h.gate.report(h.last)
	if h.stopping.Load() {
		report.Status = Unavailable
	}
	return report
}

func (h *Health) run(ctx context.Context) Report {
	// One caller's leaving must not look like a failure to the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	results := make([]error, len(h.checks))
	var wg sync.WaitGroup
	for i, c := range h.checks {
		wg.Go(func() { results[i] = c.check(ctx) })
	}
	wg.Wait()
	report := Report{Status: Ready, Checks: make(map[string]string, len(h.checks)), notices: map[string]string{}}
	for i, c := range h.checks {
		switch err := results[i]; {
		case err == nil:
			report.Checks[c.name] = "ok"
		case c.critical:
			report.Checks[c.name] = err.Error()
			report.Status = Unavailable
		default:
			report.Checks[c.name] = err.Error()
			if report.Status == Ready {
				report.Status = Degraded
			}
			var noted interface{ Notice() string }
			if errors.As(err, &noted) {
				report.notices[c.name] = noted.Notice()
			}
		}
	}
	return report
}

// Problems are the checks that fail, by name, and why.
func (h *Health) Problems(ctx context.Context) map[string]string {
	problems := maps.Clone(h.Report(ctx).Checks)
	maps.DeleteFunc(problems, func(_, said string) bool { return said == "ok" })
	return problems
}

// Away returns the names of the optional parts that are away, for a line in a page's header. If a check's
// error has a method Notice() string, that sentence replaces the name.
func (h *Health) Away(ctx context.Context) []string {
	report := h.Report(ctx)
	var away []string
	for _, c := range h.checks {
		if !c.critical && report.Checks[c.name] != "ok" {
			away = append(away, cmp.Or(report.notices[c.name], c.name))
		}
	}
	return away
}

func (h *Health) livez(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("alive\n"))
}

// readyz answers with the status and no more, since anybody can ask.
func (h *Health) readyz(w http.ResponseWriter, r *http.Request) {
	status := h.Report(r.Context()).Status
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status.code())
	_, _ = w.Write([]byte(status + "\n"))
}

// code is the HTTP status that goes with it.
func (s Status) code() int {
	if s == Unavailable {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}
