package sandbox_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/money"
)

// testGateway is what every gateway.Gateway must do. Its payments are its own, of amounts that end in 00 or
// 50.
func testGateway(t *testing.T, g gateway.Gateway) {
	tests := map[string]func(*testing.T, gateway.Gateway){
		"a hold has a reference and an end":                       holds,
		"a key asked for again gives the same result":             repeats,
		"a key asked for at the same time is one hold":            repeatsAtOnce,
		"a key of another request is a fault of ours":             refusesOtherRequests,
		"what is held can be captured in part and the rest freed": splits,
		"captures at the same time never take more than is held":  capturesAtOnce,
		"no more is refunded than was captured":                   refunds,
		"another currency is refused":                             refusesOtherCurrency,
		"a hold that nobody knows is unknown, not refused":        unknownHold,
		"a context that has ended leaves the outcome unknown":     endedContext,
		"the records say what was answered":                       records,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, g) })
	}
}

func holds(t *testing.T, g gateway.Gateway) {
	result := mustAuthorize(t, g, newRequest(eur(10000)))
	if result.Reference == "" || result.ExpiresAt.IsZero() {
		t.Errorf("got %+v, want a reference and an end", result)
	}
}

func repeats(t *testing.T, g gateway.Gateway) {
	r := newRequest(eur(10000))
	first := mustAuthorize(t, g, r)
	if second := mustAuthorize(t, g, r); second != first {
		t.Errorf("authorized again: got %+v, want %+v", second, first)
	}
	key := r.PaymentID + ":capture:1"
	captured := mustApprove(t)(g.Capture(t.Context(), key, first.Reference, r.Amount))
	if again := mustApprove(t)(g.Capture(t.Context(), key, first.Reference, r.Amount)); again != captured {
		t.Errorf("captured again: got %+v, want %+v", again, captured)
	}
}

func repeatsAtOnce(t *testing.T, g gateway.Gateway) {
	r := newRequest(eur(10000))
	results := atOnce(8, func(int) (gateway.Result, error) { return g.Authorize(t.Context(), r) })
	for _, got := range results {
		if got.err != nil || got.result != results[0].result {
			t.Errorf("got %+v, %v; want %+v", got.result, got.err, results[0].result)
		}
	}
	if n := len(recordsOf(t, g, r.PaymentID)); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

func refusesOtherRequests(t *testing.T, g gateway.Gateway) {
	// given
	r := newRequest(eur(10000))
	reference := mustAuthorize(t, g, r).Reference
	other := map[string]func() (gateway.Result, error){
		"amount":   func() (gateway.Result, error) { o := r; o.Amount = eur(10050); return g.Authorize(t.Context(), o) },
		"currency": func() (gateway.Result, error) { o := r; o.Amount.Currency = "USD"; return g.Authorize(t.Context(), o) },
		"payment": func() (gateway.Result, error) {
			o := r
			o.PaymentID = uuid.NewString()
			return g.Authorize(t.Context(), o)
		},
		"description": func() (gateway.Result, error) { o := r; o.Description = "else"; return g.Authorize(t.Context(), o) },
		"kind":        func() (gateway.Result, error) { return g.Capture(t.Context(), r.Key, reference, r.Amount) },
	}
	for name, send := range other {
		// when
		_, err := send()
		// then
		if !errors.Is(err, gateway.ErrKeyReused) || errors.Is(err, gateway.ErrUnknown) {
			t.Errorf("other %s: got %v, want ErrKeyReused", name, err)
		}
	}
}

func splits(t *testing.T, g gateway.Gateway) {
	r := newRequest(eur(10000))
	reference := mustAuthorize(t, g, r).Reference
	key := func(n string) string { return r.PaymentID + n }

	mustRefuse(t, gateway.AmountTooLarge)(g.Capture(t.Context(), key(":capture:1"), reference, eur(10001)))
	mustApprove(t)(g.Capture(t.Context(), key(":capture:2"), reference, eur(6000)))
	mustRefuse(t, gateway.AmountTooLarge)(g.Release(t.Context(), key(":release:1"), reference, eur(4001)))
	mustApprove(t)(g.Release(t.Context(), key(":release:2"), reference, eur(4000)))
	mustRefuse(t, gateway.HoldNotActive)(g.Capture(t.Context(), key(":capture:3"), reference, eur(1)))
	mustRefuse(t, gateway.HoldNotActive)(g.Release(t.Context(), key(":release:3"), reference, eur(1)))
}

func capturesAtOnce(t *testing.T, g gateway.Gateway) {
	r := newRequest(eur(10000))
	reference := mustAuthorize(t, g, r).Reference
	results := atOnce(6, func(i int) (gateway.Result, error) {
		return g.Capture(t.Context(), r.PaymentID+":capture:"+string(rune('a'+i)), reference, eur(4000))
	})
	approved := 0
	for _, got := range results {
		if got.err != nil {
			t.Fatal(got.err)
		}
		if got.result.Approved() {
			approved++
		}
	}
	if approved != 2 {
		t.Errorf("%d captures of 40.00 of 100.00 approved, want 2", approved)
	}
}

func refunds(t *testing.T, g gateway.Gateway) {
	r := newRequest(eur(10000))
	reference := mustAuthorize(t, g, r).Reference
	key := func(n string) string { return r.PaymentID + n }

	mustRefuse(t, gateway.AmountTooLarge)(g.Refund(t.Context(), key(":refund:1"), reference, eur(1)))
	mustApprove(t)(g.Capture(t.Context(), key(":capture:1"), reference, eur(6000)))
	mustRefuse(t, gateway.AmountTooLarge)(g.Refund(t.Context(), key(":refund:2"), reference, eur(6001)))
	mustApprove(t)(g.Refund(t.Context(), key(":refund:3"), reference, eur(6000)))
	mustRefuse(t, gateway.AmountTooLarge)(g.Refund(t.Context(), key(":refund:4"), reference, eur(1)))
}

func refusesOtherCurrency(t *testing.T, g gateway.Gateway) {
	r := newRequest(eur(10000))
	reference := mustAuthorize(t, g, r).Reference
	dollars := money.Amount{Minor: 100, Currency: "USD"}
	mustRefuse(t, gateway.CurrencyMismatched)(g.Capture(t.Context(), r.PaymentID+":capture:1", reference, dollars))
}

func unknownHold(t *testing.T, g gateway.Gateway) {
	_, err := g.Capture(t.Context(), uuid.NewString(), "hold_"+uuid.NewString(), eur(100))
	if !errors.Is(err, gateway.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}

func endedContext(t *testing.T, g gateway.Gateway) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := g.Authorize(ctx, newRequest(eur(10000)))
	if !errors.Is(err, gateway.ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want ErrUnknown because of context.Canceled", err)
	}
}

func records(t *testing.T, g gateway.Gateway) {
	// given
	r := newRequest(eur(10000))
	held := mustAuthorize(t, g, r)
	captured := mustApprove(t)(g.Capture(t.Context(), r.PaymentID+":capture:1", held.Reference, eur(4000)))
	refused := mustRefuse(t, gateway.AmountTooLarge)(g.Refund(t.Context(), r.PaymentID+":refund:1", held.Reference, eur(5000)))
	want := []gateway.Record{
		{Key: r.Key, Kind: gateway.KindAuthorize, PaymentID: r.PaymentID, Amount: r.Amount, Result: held},
		{Key: r.PaymentID + ":capture:1", Kind: gateway.KindCapture, PaymentID: r.PaymentID, Amount: eur(4000), Result: captured},
		{Key: r.PaymentID + ":refund:1", Kind: gateway.KindRefund, PaymentID: r.PaymentID, Amount: eur(5000), Result: refused},
	}
	// when
	got := recordsOf(t, g, r.PaymentID)
	// then
	if !slices.EqualFunc(got, want, sameRecord) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if all := recordsOf(t, g, ""); !slices.ContainsFunc(all, func(a gateway.Record) bool { return sameRecord(a, want[1]) }) {
		t.Error("the capture is not among all records")
	}
}

// sameRecord compares all but the time.
func sameRecord(got, want gateway.Record) bool {
	a, b := got.Result.Refusal, want.Result.Refusal
	if (a == nil) != (b == nil) || (a != nil && *a != *b) {
		return false
	}
	got.Result.Refusal, got.At = nil, want.At
	want.Result.Refusal = nil
	return got == want
}
