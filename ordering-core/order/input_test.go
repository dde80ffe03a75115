package order_test

import (
	"errors"
	"strings"
	"testing"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
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

// A refusal's numbers are marked, so that each reader has them in the way of their language.
func TestRefusalsHaveNumbersAsTheirReadersHaveThem(t *testing.T) {
	cement := order.Product{ID: "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", SKU: "C", Name: "Cement", Price: money.Amount{Minor: 1250_00, Currency: "EUR"}}
	draft := order.Order{ID: cement.ID, ContractorID: "ada", State: order.StateDraft, Subtotal: cement.Price, Lines: []order.Line{{ProductID: cement.ID, Name: "Cement", Price: cement.Price, Quantity: 1000}}}
	_, cancelling := draft.Cancel(strings.Repeat("x", order.MaxText+1), order.ByManager)
	_, setting := draft.SetQuantity(cement, order.MaxQuantity+1)
	_, adding := draft.Add(cement, 0)
	_, more := draft.Add(cement, order.MaxQuantity)
	_, fewer := draft.Remove(cement.ID, 1001)
	crane := order.Product{ID: "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1c", SKU: "R", Name: "Crane", Price: money.Amount{Minor: 1900_00, Currency: "USD"}}
	_, other := draft.Add(crane, 1)
	stale := draft.Check(order.TypeSubmitted, order.Seen{Total: cement.Price}, map[string]order.Product{cement.ID: cement})
	_, percent := order.ParsePercent("x")
	submitted := draft
	submitted.State, submitted.Total = order.StateSubmitted, cement.Price
	_, paying := submitted.Pay("p", money.Amount{Minor: 1, Currency: "EUR"}, "ada")
	for says, err := range map[string]error{
		"Write 2.000 characters at most (these are 2.001).":                     cancelling,
		"Enter a quantity from 0 to 1.000.000.":                                 setting,
		"Enter a quantity from 1 to 1.000.000.":                                 adding,
		"an order has 1.000.000 of one product at most, and this one has 1.000": more,
		"there are only 1.000 of it in the order":                               fewer,
		"this order is in EUR, and Crane costs 1.900,00 USD":                    other,
		"the total is 1.250.000,00 EUR now, and you saw 1.250,00 EUR":           stale,
		"Enter a percentage in digits, for example 12,5\u00a0%.":                percent,
		"the payment is of 0,01 EUR, and the order of 1.250,00 EUR":             paying,
	} {
		if err == nil || locale.Locale("de").Write(err.Error()) != says {
			t.Errorf("%v, not %s", err, says)
		}
	}
}
