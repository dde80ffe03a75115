package app_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/payments-core/internal/app"
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/payment"
)

// runAsService makes this test binary the service, so that a test can kill it like one.
const runAsService = "TEST_RUN_AS_PAYMENTS_CORE"

func TestMain(m *testing.M) {
	if os.Getenv(runAsService) != "" {
		app.Program().Main()
	}
	// They wait for brokers, jobs and the gateway most of the time.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// spawn starts the core as a process of its own.
func (h *harness) spawn() *exec.Cmd {
	h.t.Helper()
	executable, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command(executable, "all")
	cmd.Env = append(os.Environ(), runAsService+"=1", "HTTP_ADDR="+h.cfg.HTTPAddr, "ADMIN_ADDR=127.0.0.1:0", "DATABASE_URL="+h.cfg.DatabaseURL,
		"KAFKA_BROKERS="+h.broker.Addr(), "GATEWAY_URL="+h.cfg.GatewayURL, "GATEWAY_TOKEN="+gatewayToken,
		"SERVICE_TOKENS=manager-ui="+callerToken, "LOG_LEVEL=error")
	cmd.Env = append(cmd.Env, h.keys.Environment("payments-core")...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	return cmd
}

func TestKilledDuringASlowCall(t *testing.T) {
	t.Parallel()
	// given a core in the middle of an authorization whose answer takes long
	h := newHarness(t, sandbox.Options{SlowDelay: 20 * time.Second})
	core := h.spawn()
	id, events := accepted(10_04, payment.Automatic)
	h.publish(events...)
	h.eventually("the gateway has done it", func() bool { return len(h.records(id)) > 0 })

	// when it is killed, and started again
	_ = core.Process.Kill()
	_ = core.Wait()
	if got := h.operations(id); !slices.Equal(got, []string{"authorize:1 open"}) {
		t.Fatalf("after the kill the operations are %v", got)
	}
	began := time.Now()
	h.start()

	// then it asks again with the same key, and records the one outcome once
	if got, want := h.story(id, captured), []string{requested, yes, authorized, captured}; !slices.Equal(got, want) {
		t.Errorf("the story is %v, not %v", got, want)
	}
	if got, want := h.records(id), []string{"authorize:1 approved", "capture:1 approved"}; !slices.Equal(got, want) {
		t.Errorf("the gateway's records are %v, not %v", got, want)
	}
	h.agree(id)
	t.Logf("settled %s after the restart", time.Since(began).Round(time.Millisecond))
}

func TestStoppedInOrderDuringASlowCall(t *testing.T) {
	t.Parallel()
	// given a core in the middle of a call
	h := newHarness(t, sandbox.Options{SlowDelay: 20 * time.Second})
	h.cfg.GatewayTimeout, h.cfg.Jobs = 10*time.Second, operations.Timing{}
	h.start()
	id, events := accepted(10_04, payment.Automatic)
	h.publish(events...)
	h.eventually("the gateway has done it", func() bool { return len(h.records(id)) > 0 })

	// when it is told to stop, then it does not wait for the gateway
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- h.stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			t.Errorf("stop: %v", err)
		}
	case <-ctx.Done():
		t.Fatal("it waits for the gateway")
	}

	// and when it is started again, then the outcome is recorded once
	h.start()
	if got := h.story(id, captured); strings.Count(fmt.Sprint(got), authorized) != 1 {
		t.Errorf("the story is %v", got)
	}
	h.agree(id)
}
