// Package servicetest runs services in tests.
package servicetest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"countersign.example/pkg/service"
)

// patience is for a machine that builds something else meanwhile.
const patience = 30 * time.Second

// Log is where the services of tests write: nowhere, unless TEST_LOG is set.
func Log() *slog.Logger {
	if os.Getenv("TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.DiscardHandler)
}

// given are the ports that FreeAddr has given, with what claims them.
var given sync.Map

// FreeAddr is an address that nobody listens on just now, and that it gives once. It is not one that the
// system gives to outgoing connections, since a service that is started again finds it free, nor one that
// another test process was given, whose service it would find there.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	const first, last = 20000, 32000 // Linux gives 32768 and more
	for range 100 {
		port := first + rand.IntN(last-first)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		if runtime.GOOS == "linux" { // where a claim ends with its process
			claim, err := net.Listen("unix", fmt.Sprintf("@countersign-test-port-%d", port))
			if err != nil {
				continue
			}
			given.Store(port, claim)
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}
	tb.Fatal("no port is free")
	return ""
}

// Run runs a service until stop is called, which returns what the service returned.
func Run[C any](p service.Program[C], cfg C, role service.Role) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, &cfg, role, Log()) }()
	return sync.OnceValue(func() error { cancel(); return <-ended })
}

// Ready waits until the service at an address is ready.
func Ready(tb testing.TB, addr string) {
	tb.Helper()
	Eventually(tb, "ready", func() bool { return Status("http://"+addr+"/readyz") == http.StatusOK })
}

// Status is how a GET is answered; 0 if it is not.
func Status(url string) int {
	response, err := http.Get(url)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// Eventually polls until the condition holds.
func Eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			tb.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}
