package payment_test

import (
	"errors"
	"testing"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// A description that cannot be seen is none, and one that shows other words than it holds is refused.
func TestTextsOfCommandsFollowTheRules(t *testing.T) {
	for typed, want := range map[string]struct{ kept, says string }{
		"\u200b":            {"", "Say what the payment is for."},
		"\u2060\u200d":      {"", "Say what the payment is for."},
		"\u2800":            {"", "Say what the payment is for."},
		"\u3164\u00ad":      {"", "Say what the payment is for."},
		"\u202e":            {"", "Say what the payment is for."},
		"\u0301":            {"", "Say what the payment is for."},
		"42 \u202eevil":     {"", "Remove the invisible characters that turn the direction of the text."},
		"two\u2028lines":    {"", "Use ordinary line breaks only."},
		"a\x00b":            {"", "Remove the characters that are not text."},
		" Ku\u0308che\r\n1": {"Küche\n1", ""},
	} {
		body := payment.Requested{
			PaymentID: "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", ContractorID: "ada", Description: typed,
			Amount: money.Amount{Minor: 1, Currency: "EUR"},
		}
		got, err := payment.NewRequest(body)
		var refusal *payment.Refusal
		if want.says == "" {
			if err != nil || got.Description != want.kept {
				t.Errorf("%+q: %+q, %v", typed, got.Description, err)
			}
		} else if !errors.As(err, &refusal) || refusal.Field != "description" || refusal.Message != want.says {
			t.Errorf("%+q: %v", typed, err)
		}
	}
	requested, err := payment.NewRequest(payment.Requested{
		PaymentID: "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", ContractorID: "ada", Description: "Tiles", Amount: money.Amount{Minor: 1, Currency: "EUR"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := payment.Payment{ID: requested.PaymentID, ContractorID: "ada", Amount: requested.Amount, Decision: payment.DecisionRequested}
	if note, err := p.Accept(event.Meta{Actor: "mia"}, "\u200b"); err != nil || note.Note != "" {
		t.Errorf("accepted with %+q, %v", note.Note, err)
	}
	var refusal *payment.Refusal
	if _, err := p.Reject(event.Meta{Actor: "mia"}, "\u3164"); !errors.As(err, &refusal) || refusal.Field != "reason" {
		t.Errorf("rejected without a reason: %v", err)
	}
	if declined, err := (payment.Payment{}).Decline("x", "no\u202e!", true); err == nil && declined.Reason != "no!" {
		t.Errorf("declined: %+q", declined.Reason)
	}
}
