package paymentview_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/locale"
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
		case want != "" && !strings.Contains(locale.English.Write(refusal.Error()), want):
			t.Errorf("%q: %v, want %q", seen, err, want)
		}
	}
}

func TestWhatChangedIsToldWhateverTheClocksSay(t *testing.T) {
	amount := money.Amount{Minor: 125_000, Currency: "EUR"}
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	step := func(at time.Time, name string, body payment.Body, effect bool) payment.Step {
		s := payment.Step{Body: body, Effect: effect, Payment: payment.Payment{Amount: amount, AuthorizedAmount: amount}}
		s.Entry.Time, s.Entry.Actor, s.Entry.ActorName = at, name, name
		return s
	}
	asked, accepted := noon, noon.Add(-time.Minute) // by a clock that is behind
	authorized := noon.Add(-time.Hour)              // by one that is further behind
	steps := []payment.Step{
		step(asked, "Ada Nowak", payment.Requested{Amount: amount}, true), step(accepted, "Tom Berg", payment.Accepted{}, true),
		step(authorized, "", payment.Authorized{}, true),
	}
	p := payment.Payment{Amount: amount, UpdatedAt: authorized}
	const prefix, yes, hold = "it has changed since you looked at it: ", "Tom Berg accepted it", "1,250.00 EUR put on hold at the gateway"
	for seen, want := range map[time.Time]string{
		asked: prefix + yes + "; " + hold, accepted: prefix + hold,
		// of a step that has lost its effect
		noon.Add(time.Hour): prefix + "Ada Nowak asked for 1,250.00 EUR; " + yes + "; " + hold,
	} {
		err := paymentview.CheckSeen(paymentview.Seen(seen, amount), p, "", steps)
		var refusal *payment.Refusal
		if !errors.As(err, &refusal) || locale.English.Write(refusal.Message) != want {
			t.Errorf("seen at %s: %v, not %q", seen, err, want)
		}
	}
}
