package paymentview_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/money"
)

func TestWhoeverSawAnotherPaymentIsToldWhatChanged(t *testing.T) {
	amount := money.Amount{Minor: 125_000, Currency: "EUR"}
	asked := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	p := payment.Payment{ID: "x", Amount: amount, Decision: payment.DecisionAccepted, UpdatedAt: asked.Add(time.Minute)}
	accepted := payment.Step{
		Entry: payment.Entry{}, Body: payment.Accepted{}, Effect: true, Payment: p,
	}
	accepted.Entry.Time, accepted.Entry.ActorName = p.UpdatedAt, "Tom Berg"
	for seen, want := range map[string]string{
		"":                                    "",
		paymentview.Seen(p.UpdatedAt, amount): "",
		paymentview.Seen(asked, amount):       "it has changed since you looked at it: Tom Berg accepted it",
		paymentview.Seen(p.UpdatedAt, money.Amount{Minor: 1, Currency: "EUR"}): "it is about 1,250.00 EUR, which is not what you saw",
		"rubbish": "it is about 1,250.00 EUR, which is not what you saw",
	} {
		err := paymentview.CheckSeen(seen, p, payment.TypeAccepted, []payment.Step{accepted})
		var refusal *payment.Refusal
		switch {
		case want == "" && err != nil, want != "" && (!errors.As(err, &refusal) || refusal.Code != payment.Stale):
			t.Errorf("%q: %v", seen, err)
		case want != "" && !strings.Contains(refusal.Error(), want):
			t.Errorf("%q: %v, want %q", seen, err, want)
		}
	}
}
