package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
)

// manyAtOnce is what REQUESTS_AT_ONCE is where nothing else is said.
const manyAtOnce = 256

// pool is a database's pool of connections, as a gate sees it.
type pool struct {
	given  int64
	waited time.Duration
	none   bool
}

func (p *pool) waits() (int64, time.Duration, bool) { return p.given, p.waited, p.none }

func aGate(most int, p *pool) *gate {
	return newGate(most, BurstOfPeople, p.waits, slog.New(slog.DiscardHandler), nil)
}

// fill has as many enter as can at once, and returns how many that are.
func fill(g *gate) (n int) {
	for g.inside < int(g.atOnce) {
		g.enter(context.Background())
		n++
	}
	return n
}

func TestAGateLetsInSoManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := aGate(2, &pool{})
		if n := fill(g); n != 2 {
			t.Fatalf("%d are inside", n)
		}
		began := time.Now()
		if g.enter(t.Context()) {
			t.Error("a third is let in")
		}
		if waited := time.Since(began); waited != BurstOfPeople {
			t.Errorf("it waited for %s", waited)
		}
		if len(g.queue) > 0 {
			t.Error("it still waits")
		}
		g.leave()
		if !g.enter(t.Context()) {
			t.Error("nobody is let in for who has left")
		}
	})
}

func TestWhoWaitsIsLetInInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := aGate(2, &pool{})
		fill(g)
		in := make(chan int, 2)
		for i := range 2 {
			go func() {
				if g.enter(t.Context()) {
					in <- i
				}
			}()
			synctest.Wait()
		}
		for want := range 2 {
			g.leave()
			if got := <-in; got != want {
				t.Errorf("%d is let in, and it is %d's turn", got, want)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if g.enter(gone) || len(g.queue) > 0 {
			t.Error("who has gone is waited for")
		}
	})
}

// Where somebody has waited all the time, nobody who comes waits for long.
func TestAStandingQueueIsRefusedSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := aGate(30, &pool{})
		fill(g)
		for range 30 {
			go g.enter(t.Context())
			<-time.After(BurstOfPeople / 20)
		}
		began := time.Now()
		if g.enter(t.Context()) {
			t.Error("it is let in")
		}
		if waited := time.Since(began); waited != queueWait {
			t.Errorf("it waited for %s", waited)
		}
		<-time.After(BurstOfPeople)
		began = time.Now()
		g.enter(t.Context())
		if waited := time.Since(began); waited != BurstOfPeople {
			t.Errorf("after that it waited for %s", waited)
		}
	})
}

// At most as many wait as may be inside.
func TestAQueueHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := aGate(3, &pool{})
		fill(g)
		for range 3 {
			go g.enter(t.Context())
		}
		synctest.Wait()
		began := time.Now()
		if g.enter(t.Context()) || time.Since(began) > 0 {
			t.Error("a fourth waits")
		}
		<-time.After(BurstOfPeople)
	})
}

func TestAGateFollowsItsDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{}
		g := aGate(manyAtOnce, p)
		// round is a window in which connections are given, and waited for.
		round := func(given int64, each time.Duration, none bool) int {
			p.given, p.waited, p.none = p.given+given, p.waited+time.Duration(given)*each, none
			<-time.After(gateWindow)
			g.mu.Lock()
			g.look(g.now())
			g.mu.Unlock()
			return int(g.atOnce)
		}
		round(0, 0, false)
		if n := round(100, 0, false); n != firstAtOnce {
			t.Errorf("%d pass at first", n)
		}
		g.full = true
		if n := round(100, longWait/2, false); n <= firstAtOnce {
			t.Errorf("%d pass, and somebody waits while the database is free", n)
		}
		before := int(g.atOnce)
		if n := round(100, 2*longWait, false); n >= before {
			t.Errorf("%d pass, and connections are waited for", n)
		}
		for range 30 {
			round(0, 0, true) // a database that does nothing any more
		}
		if n := int(g.atOnce); n != leastAtOnce {
			t.Errorf("%d pass while nothing goes on", n)
		}
		for range 50 {
			g.full = true
			round(100, 0, false)
		}
		if n := int(g.atOnce); n != manyAtOnce {
			t.Errorf("%d pass 5 s after", n)
		}
		for range 300 {
			round(100, 0, false)
		}
		if n := int(g.atOnce); n != firstAtOnce {
			t.Errorf("%d would pass at once after a while in which nobody came", n)
		}
	})
}

// gated answers with the gate before a handler, which waits for release.
func gated(t *testing.T, most int, handler echo.HandlerFunc) (*httptest.Server, *gate) {
	t.Helper()
	g := aGate(most, &pool{})
	e := NewAPI(slog.New(slog.DiscardHandler), nil)
	e.Use(g.requests(nil, []string{livePath}))
	e.Any("/*", handler)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server, g
}

func TestARefusedRequestHasDoneNothing(t *testing.T) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	server, g := gated(t, 1, func(c echo.Context) error {
		if c.Path() != "/*" || c.Request().URL.Path == livePath {
			return c.NoContent(http.StatusOK)
		}
		entered <- struct{}{}
		<-release
		return c.NoContent(http.StatusOK)
	})
	go func() { _, _ = http.Get(server.URL + "/slow") }()
	<-entered
	answer, err := http.Post(server.URL+"/do", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("it is answered %d %v %s", answer.StatusCode, answer.Header, body)
	}
	if free, err := http.Get(server.URL + livePath); err != nil || free.StatusCode != http.StatusOK {
		t.Errorf("a socket is refused: %v", err)
	} else {
		_ = free.Body.Close()
	}
	close(release)
	if len(entered) > 0 || g.reading().inside > 1 {
		t.Error("something was done for it")
	}
}

// Neither who sends slowly nor who reads slowly is inside meanwhile.
func TestASlowBrowserKeepsNobodyOut(t *testing.T) {
	reading := make(chan struct{})
	server, _ := gated(t, 1, func(c echo.Context) error {
		if c.Request().URL.Path == "/read" {
			c.Response().WriteHeader(http.StatusOK)
			close(reading)
			_, err := c.Response().Write(make([]byte, 64<<20)) // more than any buffer has
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
	body, send := io.Pipe()
	defer send.Close()
	go func() {
		request, _ := http.NewRequest(http.MethodPost, server.URL+"/send", body)
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close()
		}
	}()
	_, _ = send.Write([]byte("a=")) // it has arrived, and the rest has not
	answer, err := http.Get(server.URL + "/read")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	<-reading
	other, err := http.Get(server.URL + "/other")
	if err != nil {
		t.Fatal(err)
	}
	_ = other.Body.Close()
	if other.StatusCode != http.StatusNoContent {
		t.Errorf("another is answered %d", other.StatusCode)
	}
}

// A look that panics is one request's failure: echo answers it, and the next one goes on.
func TestAFailureInAGateHoldsNobodyUp(t *testing.T) {
	var p *pool
	g := newGate(2, BurstOfPeople, func() (int64, time.Duration, bool) { return p.waits() }, slog.New(slog.DiscardHandler), nil)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nothing panicked")
			}
		}()
		g.enter(t.Context())
	}()
	p = &pool{}
	if !g.mu.TryLock() {
		t.Fatal("the gate stays locked")
	}
	g.mu.Unlock()
	if !g.enter(t.Context()) {
		t.Error("the next one is kept out")
	}
}
