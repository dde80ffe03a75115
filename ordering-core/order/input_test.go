package order_test

import (
	"errors"
	"testing"

	"countersign.example/ordering-core/order"
)

func TestReasonsFollowTheRulesOfTexts(t *testing.T) {
	draft := order.Order{ID: "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", ContractorID: "ada", State: order.StateDraft}
	for typed, want := range map[string]struct{ kept, says string }{
		"\u200b\u3164":    {"", "Say why, for the contractor to read."},
		"a \u202e b":      {"", "Remove the invisible characters that turn the direction of the text."},
		"a\u2029b":        {"", "Use ordinary line breaks only."},
		" Ku\u0308che\n1": {"Küche\n1", ""},
	} {
		body, err := draft.Cancel(typed, order.ByManager)
		var refusal *order.Refusal
		if want.says == "" {
			if err != nil || body.Reason != want.kept {
				t.Errorf("%+q: %+q, %v", typed, body.Reason, err)
			}
		} else if !errors.As(err, &refusal) || refusal.Message != want.says {
			t.Errorf("%+q: %v", typed, err)
		}
	}
}
