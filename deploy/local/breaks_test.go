package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"countersign.example/pkg/embedded"
	"countersign.example/pkg/tcp"
	"countersign.example/pkg/wait"
)

// asked sends a request to what breaks parts.
func (b *breaks) asked(t *testing.T, method, path string) (status int, s state) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, b.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if method == http.MethodGet && response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(response.Body).Decode(&s); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode, s
}

// within waits until something is so.
func within(t *testing.T, otherwise string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if !wait.Until(ctx, 50*time.Millisecond, func() error {
		if is() {
			return nil
		}
		return errors.New(otherwise)
	}, func(error, bool) {}) {
		t.Fatal(otherwise)
	}
}

func TestAServiceThatIsStoppedGoesOnByItself(t *testing.T) {
	l, printed := testLauncher(t)
	running := &stack{}
	defer running.stop()
	child, addr := startFake(t, l, "payments-core")
	running.pushProcess(child)
	b, err := newBreaks(l.out, "secret", 700*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	running.push("breaks", nil, b.close)
	b.add(fault{Name: "consumer", Title: "Stop it", begin: suspending(running, "payments-core")})
	answer := func() bool {
		return answers(t.Context(), &http.Client{Timeout: 200 * time.Millisecond}, "http://"+addr+"/readyz")
	}

	// when it is stopped
	if status, _ := b.asked(t, http.MethodPost, "/consumer"); status != http.StatusAccepted {
		t.Fatalf("it is answered with %d", status)
	}

	// then it does not answer, nothing else can be broken, and it goes on by itself
	if answer() {
		t.Error("it answers")
	}
	if status, s := b.asked(t, http.MethodGet, ""); status != http.StatusOK || s.Broken != "consumer" || time.Until(s.Until) <= 0 || len(s.Faults) != 1 {
		t.Errorf("it says %d, %+v", status, s)
	}
	if status, _ := b.asked(t, http.MethodPost, "/consumer"); status != http.StatusConflict {
		t.Errorf("a second one is answered with %d", status)
	}
	within(t, "it does not go on", answer)
	if _, s := b.asked(t, http.MethodGet, ""); s.Broken != "" {
		t.Errorf("%s is broken still", s.Broken)
	}
	if status, _ := b.asked(t, http.MethodPost, "/nothing"); status != http.StatusNotFound {
		t.Errorf("what there is not is answered with %d", status)
	}
	b.url = strings.TrimSuffix(b.url, "secret") + "guess"
	if status, _ := b.asked(t, http.MethodPost, "/consumer"); status != http.StatusNotFound {
		t.Errorf("who does not know the secret is answered with %d", status)
	}
	running.stop()
	if text := printed.String(); !strings.Contains(text, "broken on purpose: Stop it") || !strings.Contains(text, "healed: consumer") {
		t.Errorf("the launcher says\n%s", text)
	}
}

func TestWhatIsBrokenHealsWhenEverythingStops(t *testing.T) {
	l, printed := testLauncher(t)
	running := &stack{}
	child, _ := startFake(t, l, "payments-core")
	running.pushProcess(child)
	b, err := newBreaks(l.out, "secret", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	running.push("breaks", nil, b.close)
	b.add(fault{Name: "consumer", Title: "Stop it", begin: suspending(running, "payments-core")})
	b.asked(t, http.MethodPost, "/consumer")

	running.stop()

	if text := printed.String(); !strings.Contains(text, "payments-core stopped") || strings.Contains(text, "killed") {
		t.Errorf("it did not stop as it should:\n%s", text)
	}
}

func TestRedisIsCutAndComesBack(t *testing.T) {
	l, _ := testLauncher(t)
	server, err := embedded.Redis("")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	t.Setenv("REDIS_URL", "")
	if err := os.Unsetenv("REDIS_URL"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL_PAYMENTS_CORE", "elsewhere")
	running := &stack{}
	defer running.stop()
	p := parts{redis: server.URL()}
	closeBreaks, err := l.prepareBreaks(&p, running)
	if err != nil {
		t.Fatal(err)
	}
	if p.redis == server.URL() || p.breaks == "" {
		t.Fatalf("Redis is at %s, and parts are broken at %q", p.redis, p.breaks)
	}
	b := &breaks{url: p.breaks}
	reaches := func() bool {
		conn, err := tcp.Dialer(time.Second).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.redis, "redis://"))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	if !reaches() {
		t.Fatal("Redis is not there")
	}
	if status, _ := b.asked(t, http.MethodPost, "/redis"); status != http.StatusAccepted {
		t.Fatalf("it is answered with %d", status)
	}
	if reaches() {
		t.Error("Redis is there while it is cut")
	}
	closeBreaks() // which heals
	if !reaches() {
		t.Error("Redis has not come back")
	}
}
