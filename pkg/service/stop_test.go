package service

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// runUntil runs a group and tells it to stop when stop is called; ended gives what Run returned.
func runUntil(t *testing.T, g *Group) (stop func(), ended <-chan error) {
	t.Helper()
	started, result := make(chan struct{}), make(chan error, 1)
	g.Add(Component{Name: "last", Start: func(context.Context) error { close(started); return nil }})
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() { result <- g.Run(ctx) }()
	<-started
	return cancel, result
}

func TestAGroupEndsInTimeWhateverItsPartsDo(t *testing.T) {
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	const timeout = time.Second
	for name, stubborn := range map[string]Component{
		"one whose Run ignores its context":  {Name: "stubborn", Run: func(context.Context) error { <-forever; return nil }},
		"one whose Stop ignores its context": {Name: "stubborn", Stop: func(context.Context) error { <-forever; return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given one stubborn part between two that are not
			d, up := &diary{}, make(chan struct{}, 2)
			g := newTestGroup(timeout)
			g.Add(d.component("database", up))
			g.Add(stubborn)
			g.Add(d.component("http", up))
			stop, ended := runUntil(t, g)

			// when it is told to stop
			began := time.Now()
			stop()

			// then it ends in time, names the one, and the others have stopped in order
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(err.Error(), "stop stubborn") {
					t.Errorf("got %v", err)
				}
			case <-time.After(20 * timeout):
				t.Fatal("it never ends")
			}
			if took := time.Since(began); took > 2*timeout {
				t.Errorf("took %s of %s", took, timeout)
			}
			if last := d.lines[len(d.lines)-1]; last != "end database" {
				t.Errorf("the last thing was %q", last)
			}
		})
	}
}

func TestASlowPartLeavesTimeToTheOthers(t *testing.T) {
	// given a part that needs more than its share, but less than all of the time
	const timeout = 4 * time.Second
	var closed, worked atomic.Bool
	g := newTestGroup(timeout)
	g.OnStop("database", func(context.Context) error { closed.Store(true); return nil })
	var left time.Duration
	g.Add(Component{Name: "relay", Stop: func(ctx context.Context) error { left = untilEnd(ctx); return nil }})
	g.Go("slow", func(ctx context.Context) error {
		<-ctx.Done()
		<-time.After(timeout * 5 / 8) // it works on
		worked.Store(!closed.Load())
		return nil
	})
	stop, ended := runUntil(t, g)

	// when the group stops
	stop()

	// then nothing is reported, the next had time left, and what it works with is closed after it
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if left < timeout/16 {
		t.Errorf("the next one had %s left", left)
	}
	if !worked.Load() {
		t.Error("the database was closed under it")
	}
}

func TestASlowRequestDoesNotTakeAllOfTheTimeToStop(t *testing.T) {
	// given a request that ends when its context does
	const timeout = 2 * time.Second
	addr := freeAddr(t)
	inside, cut := make(chan struct{}), make(chan struct{})
	g := newTestGroup(timeout)
	var left time.Duration
	g.OnStop("relay", func(ctx context.Context) error { left = untilEnd(ctx); return nil })
	g.Add(HTTPServer("HTTP_ADDR", addr, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
		close(cut)
	}), nil, g.log))
	stop, ended := runUntil(t, g)
	go func() {
		if response, err := http.Get("http://" + addr); err == nil {
			response.Body.Close()
		}
	}()
	<-inside

	// when the service stops
	stop()

	// then it is cut off, and the next one has time left
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "stop http: requests under way were cut off") {
		t.Errorf("got %v", err)
	}
	select {
	case <-cut:
	case <-time.After(10 * time.Second):
		t.Error("the request goes on")
	}
	if left < timeout/8 {
		t.Errorf("the next one had %s left", left)
	}
}

func TestAProfileUnderWayDoesNotHoldUpAStop(t *testing.T) {
	// given an operator who takes a profile for minutes
	setEnv(t)
	addr := freeAddr(t)
	t.Setenv("HTTP_ADDR", "127.0.0.1:0")
	t.Setenv("ADMIN_ADDR", addr)
	t.Setenv("SHUTDOWN_TIMEOUT", "4s")
	started := make(chan struct{})
	p := program(func(_ context.Context, _ *testConfig, rt *Runtime) error {
		rt.Add(Component{Name: "last", Start: func(context.Context) error { close(started); return nil }})
		return nil
	})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	code := make(chan int, 1)
	go func() { code <- p.Execute(ctx, []string{"web"}, io.Discard, io.Discard) }()
	<-started
	response, err := http.Get("http://" + addr + "/debug/pprof/trace?seconds=120") // its first bytes come at once
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	// when the service stops
	stop()

	// then it stops in good order
	if got := <-code; got != 0 {
		t.Error("exit code", got)
	}
}

func TestNobodyWaitsForTrafficToLeaveWhenAPartHasFailed(t *testing.T) {
	g := newTestGroup(time.Minute)
	left := false
	g.Drain(func() { left = true }, time.Minute)
	g.Go("relay", func(context.Context) error { return errors.New("broken") })
	began := time.Now()

	err := g.Run(context.Background())

	if err == nil || !strings.Contains(err.Error(), "relay: broken") || !left {
		t.Errorf("got %v; it said that it leaves: %v", err, left)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestTrafficGetsTimeToLeave(t *testing.T) {
	// given a service with a pause
	setEnv(t)
	addr := freeAddr(t)
	t.Setenv("HTTP_ADDR", addr)
	t.Setenv("ADMIN_ADDR", "127.0.0.1:0")
	t.Setenv("DRAIN_DELAY", "2s")
	t.Setenv("SHUTDOWN_TIMEOUT", "1s")
	started := make(chan struct{})
	p := program(func(_ context.Context, _ *testConfig, rt *Runtime) error {
		rt.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") }))
		rt.Add(Component{Name: "last", Start: func(context.Context) error { close(started); return nil }})
		return nil
	})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	code := make(chan int, 1)
	go func() { code <- p.Execute(ctx, []string{"web"}, io.Discard, io.Discard) }()
	<-started

	// when it is told to stop
	began := time.Now()
	stop()

	// then it says that it is not ready, while requests that come all the same are served on new connections
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(path string) (int, string) {
		response, err := client.Get("http://" + addr + path)
		if err != nil {
			t.Fatalf("%s after %s: %v", path, time.Since(began), err)
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(text)
	}
	for time.Since(began) < time.Second {
		if status, _ := ask("/readyz"); status == http.StatusServiceUnavailable {
			break
		}
	}
	if status, word := ask("/readyz"); status != http.StatusServiceUnavailable || word != "unavailable\n" {
		t.Errorf("it says %d %q", status, word)
	}
	if status, text := ask("/page"); status != http.StatusOK || text != "served" {
		t.Errorf("a page answers %d %q", status, text)
	}
	if got := <-code; got != 0 {
		t.Error("exit code", got)
	}
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("traffic had %s", took)
	}
}

func TestAServiceThatCouldNotStartStopsInTimeToo(t *testing.T) {
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	g := newTestGroup(200 * time.Millisecond)
	g.OnStop("database", func(context.Context) error { <-forever; return nil })
	ended := make(chan error, 1)
	go func() { ended <- g.Abandon() }()
	select {
	case err := <-ended:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it never ends")
	}
}
