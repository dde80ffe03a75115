package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/service/servicetest"
)

// The binary migrates, serves, and stops in order while a request hangs; started again, it knows
// what it did.
func TestServesStopsAndServesAgain(t *testing.T) {
	// given
	addr := servicetest.FreeAddr(t)
	t.Setenv("DATABASE_URL", pgtest.NewURL(t))
	t.Setenv("GATEWAY_TOKEN", "t")
	t.Setenv("HTTP_ADDR", addr)
	t.Setenv("ADMIN_ADDR", "127.0.0.1:0")
	if code, log := execute(t.Context(), "migrate"); code != 0 {
		t.Fatalf("migrate: exit code %d\n%s", code, log)
	}
	client, err := gateway.NewClient(gateway.ClientConfig{URL: "http://" + addr, Token: "t", Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { code, _ := execute(ctx); ended <- code }()
	awaitRecords(t, client, "", 0)

	// when it is stopped after having done the work, while the client still waits
	id := uuid.NewString()
	r := gateway.Request{Key: id + ":authorize:1", PaymentID: id, Amount: money.Amount{Minor: 1005, Currency: "EUR"}, Description: "Ladders"}
	answered := make(chan error, 1)
	go func() { _, err := client.Authorize(t.Context(), r); answered <- err }()
	awaitRecords(t, client, r.PaymentID, 1)
	stop()

	// then
	if err := <-answered; !errors.Is(err, gateway.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}

	// when
	ctx, stop = context.WithCancel(t.Context())
	go func() { code, _ := execute(ctx); ended <- code }()
	awaitRecords(t, client, r.PaymentID, 1)
	// then
	if result, err := client.Authorize(t.Context(), r); err != nil || !result.Approved() {
		t.Fatalf("got %+v, %v, want it approved", result, err)
	}
	stop()
	<-ended
}

func TestConfiguration(t *testing.T) {
	tests := map[string]struct{ name, value, says string }{
		"no token":      {"GATEWAY_TOKEN", "", "GATEWAY_TOKEN is empty"},
		"bad duration":  {"HOLD_DURATION", "-1h", "HOLD_DURATION is -1h"},
		"no delay":      {"SLOW_DELAY", "0s", "SLOW_DELAY is 0s"},
		"in production": {"ENVIRONMENT", "production", "moves no money"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
			t.Setenv("GATEWAY_TOKEN", "t")
			t.Setenv("HTTP_ADDR", "127.0.0.1:0")
			t.Setenv("ADMIN_ADDR", "127.0.0.1:0")
			t.Setenv(test.name, test.value)
			if code, log := execute(t.Context()); code != 2 || !strings.Contains(log, test.says) {
				t.Errorf("exit code %d, want 2 and %q in:\n%s", code, test.says, log)
			}
		})
	}
}

func execute(ctx context.Context, args ...string) (code int, log string) {
	var out bytes.Buffer
	code = program().Execute(ctx, args, &out, &out)
	return code, out.String()
}

// awaitRecords polls until the server answers with so many records of the payment.
func awaitRecords(t *testing.T, client *gateway.Client, paymentID string, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		n := 0
		for _, err := range client.Records(ctx, paymentID) {
			if err != nil {
				n = -1
				break
			}
			n++
		}
		if n == want {
			return
		}
	}
	t.Fatalf("no %d records of %q in time", want, paymentID)
}
