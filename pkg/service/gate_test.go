package service

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// logBuffer takes log lines while they are read.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *logBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func TestNothingWorksBeforeWhatComesFirst(t *testing.T) {
	setEnv(t)
	addr := freeAddr(t)
	t.Setenv("HTTP_ADDR", addr)
	var migrated, second atomic.Bool
	worked := make(chan struct{})
	p := program(func(_ context.Context, _ *testConfig, rt *Runtime) error {
		rt.First("database", func(context.Context) error {
			if !migrated.Load() {
				return errors.New("it lacks 00023 of app")
			}
			return nil
		})
		rt.First("topics", func(context.Context) error {
			if !migrated.Load() {
				t.Error("the second was looked at before the first was met")
			}
			second.Store(true)
			return nil
		})
		rt.Go("consumer", func(ctx context.Context) error { close(worked); <-ctx.Done(); return nil })
		rt.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") }))
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	code, log := make(chan int, 1), &logBuffer{}
	go func() { code <- p.Execute(ctx, nil, io.Discard, log) }()
	answers := func(path string) (int, string) {
		response, err := http.Get("http://" + addr + path)
		if err != nil {
			return 0, ""
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(text)
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not %s; the log:\n%s", what, log)
			}
		}
	}

	// given a database that is not migrated, then the process lives, is not ready, says why, and does nothing
	until("alive", func() bool { status, _ := answers("/livez"); return status == http.StatusOK })
	if status, _ := answers("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d", status)
	}
	if status, text := answers("/"); status != http.StatusServiceUnavailable || !strings.Contains(text, "nothing was done") {
		t.Errorf("a request is answered with %d %s", status, text)
	}
	until("a line that says why", func() bool { return strings.Contains(log.String(), "it lacks 00023 of app") })
	select {
	case <-worked:
		t.Error("the consumer works")
	default:
	}

	// when it is, then it begins by itself
	migrated.Store(true)
	until("ready", func() bool { status, _ := answers("/readyz"); return status == http.StatusOK })
	<-worked
	if status, text := answers("/"); status != http.StatusOK || text != "served" {
		t.Errorf("a request is answered with %d %s", status, text)
	}
	if !second.Load() {
		t.Error("the second was not looked at")
	}
	cancel()
	if got := <-code; got != 0 {
		t.Error("exit code", got)
	}
}

func TestAPersonGetsAPageWhileAServiceWaits(t *testing.T) {
	waiting := (&gate{open: make(chan struct{})}).behind(nil)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r := httptest.NewRequest(method, "/payments", nil)
		r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		w := httptest.NewRecorder()
		waiting.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Content-Type") != "text/html; charset=utf-8" ||
			!strings.Contains(body, "<title>Starting</title>") || !strings.Contains(body, "nothing was done") ||
			!strings.Contains(body, `<meta name="color-scheme" content="light dark">`) {
			t.Errorf("%s is answered with %d %s %s", method, w.Code, w.Header(), body)
		}
		// A page comes back by itself. A form would not be sent again by that.
		if again := strings.Contains(body, `http-equiv="refresh"`); again != (method == http.MethodGet) {
			t.Errorf("%s is answered with %s", method, body)
		}
		if says := strings.Contains(body, "loads again by itself"); says != (method == http.MethodGet) {
			t.Errorf("what %s is told to do: %s", method, body)
		}
	}
}

func TestAServiceThatWaitsCanBeStopped(t *testing.T) {
	setEnv(t)
	t.Setenv("HTTP_ADDR", freeAddr(t))
	log := &logBuffer{}
	p := program(func(_ context.Context, _ *testConfig, rt *Runtime) error {
		rt.First("database", func(context.Context) error { return errors.New("away") })
		rt.Go("consumer", func(context.Context) error { return nil })
		rt.Serve(nil)
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() { code <- p.Execute(ctx, nil, io.Discard, log) }()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(log.String(), "away") && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	select {
	case got := <-code:
		if got != 0 {
			t.Error("exit code", got)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not stop")
	}
}
