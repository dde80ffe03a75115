package sandbox

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/money"
)

// Whatever is asked for in whatever order, no more is taken, freed or given back than there is, and a
// refusal changes nothing.
func TestHoldNeverGivesMoreThanItHas(t *testing.T) {
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		h := hold{amount: money.Amount{Minor: rapid.Int64Range(1, 20).Draw(t, "hold"), Currency: "EUR"}, expiresAt: start.Add(5)}
		now := start
		for range rapid.IntRange(1, 12).Draw(t, "orders") {
			before := h
			now = now.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "pass")))
			k := rapid.SampledFrom([]gateway.Kind{capture, release, refund}).Draw(t, "kind")
			amount := money.Amount{
				Minor:    rapid.Int64Range(1, 20).Draw(t, "amount"),
				Currency: rapid.SampledFrom([]string{"EUR", "EUR", "EUR", "USD"}).Draw(t, "currency"),
			}
			refused := h.apply(k, amount, now)
			switch {
			case refused != nil && h != before:
				t.Fatalf("refused with %s, and changed %+v to %+v", refused.Code, before, h)
			case refused == nil && h.captured+h.released+h.refunded != before.captured+before.released+before.refunded+amount.Minor:
				t.Fatalf("%s of %d changed %+v to %+v", k, amount.Minor, before, h)
			case refused == nil && amount.Currency != "EUR":
				t.Fatal("approved in another currency")
			case refused == nil && k != refund && !now.Before(h.expiresAt):
				t.Fatalf("%s approved after the hold had lapsed", k)
			case h.captured+h.released > h.amount.Minor || h.refunded > h.captured:
				t.Fatalf("too much: %+v", h)
			}
		}
	})
}
