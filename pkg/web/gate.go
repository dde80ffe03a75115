package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"countersign.example/pkg/telemetry"
)

const (
	// The gate looks so often at how long requests wait for the database.
	gateWindow = 100 * time.Millisecond
	// longWait is what makes it narrower: mean of all that asked for a connection within a window.
	longWait = 5 * time.Millisecond
	// leastAtOnce pass whatever happens, and firstAtOnce before anything is known, and after a while in which
	// no more came.
	leastAtOnce, firstAtOnce = 8, 32
	// Once there has been somebody waiting before a full gate for longer than a burst takes, the next ones hardly
	// wait, for then whoever waits only makes all late.
	queueWait = 10 * time.Millisecond
)

// How long a request waits before a full gate where many come in one moment. Services ask for many people,
// and have a gate of their own before them.
const (
	BurstOfPeople   = 100 * time.Millisecond
	BurstOfServices = 2 * time.Second
)

// shedKey marks requests for which nothing is looked up, not even for the page that says so.
const shedKey = "web.shed"

// Waits is what a pool of connections says since its start: how many were given, and how long was waited for
// all of them together; and whether it has none left. It is the method of pg.DB of that name.
type Waits func() (given int64, waited time.Duration, none bool)

// gate bounds the requests that are under way, so that a replica which is asked for more than its database
// can do serves as much as it can, as fast as ever, and refuses the rest at once, before anything is done for
// it. How many pass follows from how long connections are waited for: more while nobody waits, since requests
// may wait for other things, such as a core.
type gate struct {
	most  int
	burst time.Duration
	waits Waits
	log   *slog.Logger
	now   func() time.Time // time.Now, but for tests

	mu     sync.Mutex
	atOnce float64 // how many may be inside now
	inside int
	full   bool            // somebody had to wait since the last look
	queue  []chan struct{} // of those who wait; closed for who is let in
	queued time.Time       // since when there has always been somebody; zero: nobody waits
	looked time.Time
	given  int64
	waited time.Duration

	told rate.Sometimes
	shed prometheus.Counter
}

// Gate is middleware that works on most requests at once, and on fewer while its database is behind; 0 is any
// number. Those to free paths pass. What a request sends has come before it is let in, unless its route is a
// large one, and it has left when its answer begins: a slow browser keeps nobody out.
func Gate(most int, burst time.Duration, waits Waits, log *slog.Logger, metrics *telemetry.Metrics, large []Large, free ...string) echo.MiddlewareFunc {
	if most == 0 || waits == nil {
		return func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	}
	return newGate(most, burst, waits, log, metrics).requests(large, free)
}

func newGate(most int, burst time.Duration, waits Waits, log *slog.Logger, metrics *telemetry.Metrics) *gate {
	g := &gate{most: most, burst: burst, waits: waits, log: log, now: time.Now, atOnce: float64(min(firstAtOnce, most)), told: rate.Sometimes{Interval: time.Second}}
	g.shed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "http_shed_total", Help: "Requests that were refused since there were too many at once.",
	})
	if metrics != nil {
		metrics.MustRegister(g.shed,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "http_under_way", Help: "Requests that are worked on."}, func() float64 { return float64(g.reading().inside) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "http_at_once", Help: "How many requests are worked on at most, as the database goes."}, func() float64 { return g.reading().atOnce }))
	}
	return g
}

type gateReading struct {
	inside int
	atOnce float64
}

func (g *gate) reading() gateReading {
	g.mu.Lock()
	defer g.mu.Unlock()
	return gateReading{g.inside, g.atOnce}
}

func (g *gate) requests(large []Large, free []string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if slices.Contains(free, r.URL.Path) {
				return next(c)
			}
			if !slices.ContainsFunc(large, func(l Large) bool { return l.Route == c.Path() && l.Limit > formLimit }) {
				if err := receive(r); err != nil {
					return err
				}
			}
			if !g.enter(r.Context()) {
				return g.refuse(c)
			}
			leave := sync.OnceFunc(g.leave)
			defer leave()
			c.Response().Writer = &leavingWriter{c.Response().Writer, leave}
			return next(c)
		}
	}
}

// receive waits for all that a request sends.
func receive(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return err
	} else if err != nil {
		return &Error{Status: http.StatusBadRequest, Message: "What was sent did not arrive whole. Nothing was changed: please send it again.", Err: err}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// leavingWriter calls leave when the first bytes of an answer go: what is compressed still is inside until
// then.
type leavingWriter struct {
	http.ResponseWriter
	leave func()
}

func (w *leavingWriter) Write(b []byte) (int, error) {
	w.leave()
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *leavingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// enter reports whether a request may be worked on; if so, leave follows.
func (g *gate) enter(ctx context.Context) bool {
	in, turn, patience := g.ask()
	if in || turn == nil {
		return in
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-turn:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.Index(g.queue, turn)
	if at < 0 {
		return true // it was let in at this very moment
	}
	g.queue = slices.Delete(g.queue, at, at+1)
	return false
}

// ask lets a request in, or gives it a place in the queue, if there is one left, and how long it waits there.
func (g *gate) ask() (in bool, turn chan struct{}, patience time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.look(now)
	if len(g.queue) == 0 && g.inside < int(g.atOnce) {
		g.inside++
		return true, nil, 0
	}
	g.full = true
	if len(g.queue) >= g.most {
		return false, nil, 0
	}
	if len(g.queue) == 0 {
		g.queued = now
	}
	patience = g.burst
	if now.Sub(g.queued) > g.burst {
		patience = queueWait
	}
	turn = make(chan struct{})
	g.queue = append(g.queue, turn)
	return false, turn, patience
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.look(g.now())
	for len(g.queue) > 0 && g.inside < int(g.atOnce) {
		close(g.queue[0])
		g.queue = slices.Delete(g.queue, 0, 1)
		g.inside++
	}
}

// look makes the gate narrower or wider, once in a window. The caller holds mu.
func (g *gate) look(now time.Time) {
	if now.Sub(g.looked) < gateWindow {
		return
	}
	given, waited, none := g.waits()
	n, long := given-g.given, waited-g.waited
	first := g.looked.IsZero()
	g.looked, g.given, g.waited = now, given, waited
	switch {
	case first:
	case n > 0 && long/time.Duration(n) > longWait, n == 0 && none:
		g.atOnce = max(min(leastAtOnce, float64(g.most)), 0.8*g.atOnce)
	case g.full:
		g.atOnce = min(float64(g.most), 1.1*g.atOnce+1)
	case g.inside < firstAtOnce && g.atOnce > firstAtOnce:
		g.atOnce = max(firstAtOnce, 0.99*g.atOnce)
	}
	g.full = false
}

// refuse answers a request for which nothing was done. It is told once a second, however many there are.
func (g *gate) refuse(c echo.Context) error {
	g.shed.Inc()
	g.told.Do(func() {
		now := g.reading()
		g.log.WarnContext(c.Request().Context(), "more is asked than can be served: requests are refused", "under way", now.inside, "at once", int(now.atOnce))
	})
	// Apart, so that they do not come back at once.
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(1+rand.IntN(4)))
	c.Set(strangerKey, true)
	c.Set(shedKey, true)
	return &Error{
		Status: http.StatusServiceUnavailable, Title: "Busy at the moment", Shed: true,
		Message: "More is asked of this service than it can do at the moment. Please try again in a few seconds.",
	}
}
