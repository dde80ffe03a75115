package sandbox_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/gateway/sandbox"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

const token = "a token for tests"

// trial is a sandbox gateway with a ledger of its own, and a client of it.
type trial struct {
	*gateway.Client
	db     *pg.DB
	server *sandbox.Server
	url    string
}

func newTrial(t *testing.T, options sandbox.Options) *trial {
	t.Helper()
	trial := &trial{db: pgtest.New(t, sandbox.Migrations)}
	trial.start(t, options)
	t.Cleanup(func() {
		if err := trial.server.Audit(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return trial
}

// start serves the ledger; called again, by another server, as after a restart.
func (tr *trial) start(t *testing.T, options sandbox.Options) {
	t.Helper()
	options.Token = token
	tr.server = sandbox.New(tr.db, slog.New(slog.DiscardHandler), options)
	web := httptest.NewServer(tr.server)
	t.Cleanup(func() { tr.server.Stop(); web.Close() })
	tr.url = web.URL
	tr.Client = newClient(t, web.URL, 10*time.Second)
}

func newClient(t *testing.T, url string, timeout time.Duration) *gateway.Client {
	t.Helper()
	client, err := gateway.NewClient(gateway.ClientConfig{URL: url, Token: token, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestConformance(t *testing.T) { testGateway(t, newTrial(t, sandbox.Options{})) }

func TestDeclines(t *testing.T) {
	tests := map[string]struct {
		minor  int64
		code   string
		final  bool
		second bool // whether the payment's second key is approved
	}{
		"01 for good":   {10001, gateway.DoNotHonor, true, false},
		"02 once":       {10002, gateway.InsufficientFunds, false, true},
		"03 every time": {10003, gateway.InsufficientFunds, false, false},
	}
	g := newTrial(t, sandbox.Options{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// given
			r := newRequest(eur(test.minor))
			// when
			first := mustRefuse(t, test.code)(g.Authorize(t.Context(), r))
			again := mustRefuse(t, test.code)(g.Authorize(t.Context(), r))
			r.Key = r.PaymentID + ":authorize:2"
			second, err := g.Authorize(t.Context(), r)
			// then
			if first.Refusal.Final != test.final || *again.Refusal != *first.Refusal {
				t.Errorf("got %+v, then %+v; want final %t and the same", first.Refusal, again.Refusal, test.final)
			}
			if err != nil || second.Approved() != test.second {
				t.Errorf("second key: got %+v, %v; want approved %t", second, err, test.second)
			}
		})
	}
}

// Each of these is a fault for so many tries of a key, and then the answer; and whatever the
// fault, the thing is done once.
func TestTrouble(t *testing.T) {
	tests := map[string]struct {
		minor  int64
		on     gateway.Kind
		tries  int
		before bool // whether the fault comes before the work
		silent bool // whether the client has to give up by itself
	}{
		"05 authorize, no answer":         {10005, gateway.KindAuthorize, 1, false, true},
		"06 authorize, 500 before":        {10006, gateway.KindAuthorize, 2, true, false},
		"08 capture, no answer":           {10008, gateway.KindCapture, 1, false, true},
		"10 authorize, 500 after":         {10010, gateway.KindAuthorize, 1, false, false},
		"12 authorize, connection breaks": {10012, gateway.KindAuthorize, 1, true, false},
		"13 authorize, not JSON":          {10013, gateway.KindAuthorize, 1, false, false},
		"14 authorize, 404 before":        {10014, gateway.KindAuthorize, 2, true, false},
		"15 release, no answer":           {10015, gateway.KindRelease, 1, false, true},
		"16 refund, no answer":            {10016, gateway.KindRefund, 1, false, true},
		"17 capture, 500 before":          {10017, gateway.KindCapture, 2, true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given
			g := newTrial(t, sandbox.Options{})
			r := newRequest(eur(test.minor))
			ask := g.upTo(t, test.on, r)
			for try := range test.tries {
				// when
				ctx, cancel := context.WithCancel(t.Context())
				if test.silent {
					// The work is done when its record is there; only then does the client give up.
					go g.untilRecorded(ctx, r.PaymentID, test.on, cancel)
				}
				_, err := ask(ctx)
				cancel()
				// then
				if !errors.Is(err, gateway.ErrUnknown) {
					t.Fatalf("try %d: got %v, want ErrUnknown", try+1, err)
				}
				if done := g.recorded(t, r.PaymentID, test.on); done == test.before {
					t.Fatalf("try %d: done %t", try+1, done)
				}
			}
			first := mustApprove(t)(ask(t.Context()))
			if again := mustApprove(t)(ask(t.Context())); again != first {
				t.Errorf("got %+v, then %+v", first, again)
			}
		})
	}
}

// upTo brings a payment to where the kind of call comes next, and returns that call.
func (tr *trial) upTo(t *testing.T, kind gateway.Kind, r gateway.Request) func(context.Context) (gateway.Result, error) {
	t.Helper()
	if kind == gateway.KindAuthorize {
		return func(ctx context.Context) (gateway.Result, error) { return tr.Authorize(ctx, r) }
	}
	reference := mustAuthorize(t, tr, r).Reference
	if kind == gateway.KindRefund {
		mustApprove(t)(tr.Capture(t.Context(), r.PaymentID+":capture:1", reference, r.Amount))
	}
	call := map[gateway.Kind]func(context.Context, string, string, money.Amount) (gateway.Result, error){
		gateway.KindCapture: tr.Capture, gateway.KindRelease: tr.Release, gateway.KindRefund: tr.Refund,
	}[kind]
	return func(ctx context.Context) (gateway.Result, error) {
		return call(ctx, r.PaymentID+":"+string(kind)+":1", reference, r.Amount)
	}
}

func (tr *trial) recorded(t *testing.T, paymentID string, kind gateway.Kind) bool {
	t.Helper()
	for record, err := range tr.Records(t.Context(), paymentID) {
		if err != nil {
			t.Fatal(err)
		}
		if record.Kind == kind {
			return true
		}
	}
	return false
}

// untilRecorded polls the ledger and calls done when the kind of call is in them.
func (tr *trial) untilRecorded(ctx context.Context, paymentID string, kind gateway.Kind, done func()) {
	for ctx.Err() == nil {
		for record, err := range tr.Records(ctx, paymentID) {
			if err == nil && record.Kind == kind {
				done()
			}
		}
	}
}

func TestSlowAnswerComes(t *testing.T) {
	g := newTrial(t, sandbox.Options{SlowDelay: 20 * time.Millisecond})
	began := time.Now()
	mustAuthorize(t, g, newRequest(eur(10004)))
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("answered after %s", took)
	}
}

func TestSlowAnswerIsOnRecordBeforeItComes(t *testing.T) {
	// given a client that is less patient than the answer is slow
	g := newTrial(t, sandbox.Options{SlowDelay: time.Hour})
	r := newRequest(eur(10004))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go g.untilRecorded(ctx, r.PaymentID, gateway.KindAuthorize, cancel)
	if _, err := g.Authorize(ctx, r); !errors.Is(err, gateway.ErrUnknown) {
		t.Fatalf("got %v, want ErrUnknown", err)
	}
	// when it asks again / then the answer comes at once
	mustAuthorize(t, g, r)
}

func TestClientGivesUp(t *testing.T) {
	g := newTrial(t, sandbox.Options{})
	hasty := newClient(t, g.url, 50*time.Millisecond)
	_, err := hasty.Authorize(t.Context(), newRequest(eur(10005)))
	if !errors.Is(err, gateway.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want ErrUnknown because of the deadline", err)
	}
}

func TestCaptureRefusedForGoodEndsTheHold(t *testing.T) {
	g := newTrial(t, sandbox.Options{})
	r := newRequest(eur(10007))
	reference := mustAuthorize(t, g, r).Reference
	refused := mustRefuse(t, gateway.CaptureRefused)(g.Capture(t.Context(), r.PaymentID+":capture:1", reference, r.Amount))
	if !refused.Refusal.Final {
		t.Error("not final")
	}
	mustRefuse(t, gateway.HoldNotActive)(g.Release(t.Context(), r.PaymentID+":release:1", reference, r.Amount))
}

func TestRefundRefusedOnce(t *testing.T) {
	g := newTrial(t, sandbox.Options{})
	r := newRequest(eur(10009))
	reference := mustAuthorize(t, g, r).Reference
	mustApprove(t)(g.Capture(t.Context(), r.PaymentID+":capture:1", reference, r.Amount))
	refused := mustRefuse(t, gateway.RefundRefused)(g.Refund(t.Context(), r.PaymentID+":refund:1", reference, r.Amount))
	if refused.Refusal.Final {
		t.Error("final")
	}
	mustApprove(t)(g.Refund(t.Context(), r.PaymentID+":refund:2", reference, r.Amount))
}

func TestHoldLapses(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		minor int64
		later time.Duration
		code  string // "": approved
	}{
		"11 lapses at once":      {10011, 0, gateway.HoldExpired},
		"in time":                {10000, time.Hour - time.Microsecond, ""},
		"at the end of the hold": {10000, time.Hour, gateway.HoldExpired},
	}
	for name, test := range tests {
		for _, kind := range []gateway.Kind{gateway.KindCapture, gateway.KindRelease} {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				t.Parallel()
				// given
				clock := now
				g := newTrial(t, sandbox.Options{HoldDuration: time.Hour, Now: func() time.Time { return clock }})
				ask := g.upTo(t, kind, newRequest(eur(test.minor)))
				// when
				clock = now.Add(test.later)
				// then
				if test.code == "" {
					mustApprove(t)(ask(t.Context()))
				} else {
					mustRefuse(t, test.code)(ask(t.Context()))
				}
			})
		}
	}
}

func TestRestartKeepsTheRecords(t *testing.T) {
	// given an answer that never came, and a key that has failed once
	g := newTrial(t, sandbox.Options{})
	silent, failing := newRequest(eur(10005)), newRequest(eur(10006))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() { g.untilRecorded(ctx, silent.PaymentID, gateway.KindAuthorize, g.server.Stop) })
	if _, err := g.Authorize(ctx, silent); !errors.Is(err, gateway.ErrUnknown) {
		t.Fatalf("got %v, want ErrUnknown", err)
	}
	cancel()
	watching.Wait()
	if _, err := g.Authorize(t.Context(), failing); !errors.Is(err, gateway.ErrUnknown) {
		t.Fatalf("got %v, want ErrUnknown", err)
	}
	// when
	g.start(t, sandbox.Options{})
	// then
	mustAuthorize(t, g, silent)
	if _, err := g.Authorize(t.Context(), failing); !errors.Is(err, gateway.ErrUnknown) {
		t.Fatalf("second try: got %v, want ErrUnknown", err)
	}
	mustAuthorize(t, g, failing)
}

// The table in the package's documentation and the endings that misbehave are the same.
func TestDocumentedAmounts(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, match := range regexp.MustCompile(`(?m)^//\t(\d\d) (\w+):`).FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, match[1]+" "+match[2])
	}
	if got := sandbox.Endings(); !slices.Equal(got, documented) {
		t.Errorf("misbehaves: %q\ndocumented: %q", got, documented)
	}
}
