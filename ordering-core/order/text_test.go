package order_test

import (
	"slices"
	"testing"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

// stepText is what a reader of English sees of a step.
func stepText(s order.Step) string { return locale.English.Write(orderview.StepText(s)) }

func TestATimelineInWords(t *testing.T) {
	entries := more(full(), ada, order.ItemRemoved{ProductID: drillID, Quantity: 1}, added(drill, 1))
	entries = more(entries, mia, order.DiscountSet{BasisPoints: 1250}, order.DiscountReset{})
	entries = more(entries, ada, frozen(), added(saw, 1))
	entries = more(entries, event.Meta{}, order.PaymentRefused{PaymentID: otherID, Reason: "another amount."}, order.Paid{PaymentID: paymentID})
	entries = more(entries, mia, order.Cancelled{By: order.ByManager, Reason: "late"})
	_, steps := order.Fold(entries)
	var got []string
	for _, s := range steps {
		got = append(got, stepText(s))
	}
	want := []string{
		"Ada Nowak began this order",
		"Ada Nowak added 2 × Cordless drill at 129.00 EUR",
		"Ada Nowak chose the customer Hotel Sonne",
		"Ada Nowak removed 1 × Cordless drill",
		"Ada Nowak added 1 × Cordless drill at 129.00 EUR",
		"Mia Weber set a discount of 12.5%",
		"Mia Weber took the discount away",
		"Ada Nowak submitted it as 2026/11/000042 for 258.00 EUR",
		"not added: Ada Nowak had already submitted it",
		"the money cannot pay the order and goes back: another amount",
		"paid: its payment was captured",
		"not cancelled: it was already paid",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestASubmitTellsNewPrices(t *testing.T) {
	for want, before := range map[string]money.Amount{
		"Ada Nowak submitted it as 2026/11/000042 for 258.00 EUR":                                                                     eur(129_00),
		"Ada Nowak submitted it as 2026/11/000042 for 258.00 EUR, with new prices: Cordless drill at 129.00 EUR instead of 99.00 EUR": eur(99_00),
	} {
		cheaper := drill
		cheaper.Price = before
		_, steps := order.Fold(more(draft(added(cheaper, 2)), ada, order.CustomerChosen{CustomerID: customerID, Name: "Hotel Sonne"}, frozen()))
		if got := stepText(steps[len(steps)-1]); got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	}
}

func TestWhatOnePersonRepeatsIsToldOnce(t *testing.T) {
	dearer := drill
	dearer.Price = eur(130_00)
	entries := draft(added(drill, 1), added(drill, 1), added(drill, 3), added(saw, 1), added(drill, 1), added(dearer, 2), added(dearer, 1))
	entries = more(entries, ada, order.ItemRemoved{ProductID: sawID, Quantity: 1}, order.ItemRemoved{ProductID: sawID, Quantity: 1},
		order.ItemRemoved{ProductID: drillID, Quantity: 2}, order.ItemRemoved{ProductID: drillID, Quantity: 3})
	entries = more(entries, mia, order.DiscountSet{BasisPoints: 1000}, order.DiscountSet{BasisPoints: 1000})
	_, steps := order.Fold(entries)
	var got []string
	for _, s := range orderview.Condense(steps) {
		got = append(got, stepText(s))
	}
	want := []string{
		"Ada Nowak began this order",
		"Ada Nowak added 5 × Cordless drill at 129.00 EUR",
		"Ada Nowak added 1 × Saw at 45.50 EUR",
		"Ada Nowak added 1 × Cordless drill at 129.00 EUR",
		"Ada Nowak added 3 × Cordless drill at 130.00 EUR",
		"Ada Nowak removed 1 × Saw",
		"not removed: there are none of it in the order",
		"Ada Nowak removed 5 × Cordless drill",
		"Mia Weber set a discount of 10%",
		"Mia Weber set a discount of 10%",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if len(steps) != len(entries) || stepText(steps[1]) != "Ada Nowak added 1 × Cordless drill at 129.00 EUR" {
		t.Error("the steps themselves have changed")
	}
}

func TestAPaymentThatComesTooLateInWords(t *testing.T) {
	for state, want := range map[order.State]string{
		order.StatePaid:      "the money arrived after another payment had paid the order; it goes back",
		order.StateExpired:   "the money arrived after the order had expired; it goes back",
		order.StateCancelled: "the money arrived after Mia Weber had cancelled the order; it goes back",
	} {
		refused := order.PaymentRefused{PaymentID: otherID, Reason: "the order is already " + string(state)}
		_, steps := order.Fold(more(states()[state], event.Meta{}, refused))
		if got := stepText(steps[len(steps)-1]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAnotherCurrencyInWords(t *testing.T) {
	crane := order.Product{ID: sawID, SKU: "CR-1", Name: "Crane", Price: money.Amount{Minor: 9_00, Currency: "USD"}}
	_, err := given(full()).Add(crane, 1)
	if want := "this order is in EUR, and Crane costs " + locale.Amount(money.Amount{Minor: 900, Currency: "USD"}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestEndingsInWords(t *testing.T) {
	for want, last := range map[string]struct {
		by   event.Meta
		body order.Body
	}{
		"expired: not paid in time":                 {event.Meta{}, order.Expired{Reason: "not paid in time"}},
		"expired by Mia Weber":                      {mia, order.Expired{}},
		"Mia Weber cancelled it: “moved away”":      {mia, order.Cancelled{By: order.ByManager, Reason: "moved away"}},
		"Ada Nowak cancelled it":                    {ada, order.Cancelled{By: order.ByContractor}},
		"not begun: Ada Nowak had already begun it": {ada, order.Draft(orderID, "ada")},
		"not paid: it had not been submitted":       {event.Meta{}, order.Paid{PaymentID: paymentID}},
	} {
		_, steps := order.Fold(more(full(), last.by, last.body))
		if got := stepText(steps[len(steps)-1]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for state, entries := range states() {
		if given(entries).State != state || orderview.StateLabel(state) == "" {
			t.Errorf("%q: %q", state, orderview.StateLabel(state))
		}
	}
}

func TestPaymentName(t *testing.T) {
	for _, test := range []struct {
		i, of int
		name  string
	}{{0, 1, "Payment"}, {0, 2, "First payment"}, {1, 2, "Second payment"}, {2, 4, "Third payment"}, {3, 4, "Payment 4"}} {
		if name := orderview.PaymentName("", test.i, test.of); name != test.name {
			t.Errorf("payment %d of %d is called %q, want %q", test.i, test.of, name, test.name)
		}
	}
	if name := orderview.PaymentName("P-2026-004217", 1, 2); name != "P-2026-004217" {
		t.Errorf("one with a reference is called %q", name)
	}
}
