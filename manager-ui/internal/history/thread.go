package history

import (
	"cmp"
	"slices"
	"strings"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/text"
)

// sortFolded puts a stream's events in the order in which they are folded: as the log holds them, then the
// pending ones.
func sortFolded(events []Event) {
	slices.SortFunc(events, func(a, b Event) int {
		if (a.Log > 0) != (b.Log > 0) {
			return cmp.Compare(b.Log, a.Log)
		}
		return cmp.Or(cmp.Compare(a.Log, b.Log), cmp.Compare(a.Version, b.Version))
	})
}

// entries are the events as their aggregate folds them.
func (t Thread) entries() []aggregate.Entry {
	entries := make([]aggregate.Entry, len(t.Events))
	for i, e := range t.Events {
		entries[i] = aggregate.Entry{Event: e.Event, Confirmed: e.Log > 0}
	}
	return entries
}

// IsPayment tells whether the stream is a payment's.
func (t Thread) IsPayment() bool { return strings.HasPrefix(t.Stream, payment.Stream("")) }

// IsOrder tells whether the stream is an order's.
func (t Thread) IsOrder() bool { return strings.HasPrefix(t.Stream, order.Stream("")) }

// read folds the events, and says what each meant. Where the beginning is missing, the types alone say so.
func (t *Thread) read() {
	t.steps = make([]Step, len(t.Events))
	for i, e := range t.Events {
		known, _ := Type(e.Type)
		t.steps[i] = Step{Event: e, Effect: true, Text: cmp.Or(strings.TrimSuffix(known.Description, "."), e.Type)}
	}
	if t.Partial {
		return
	}
	var said func(i int) (string, bool)
	switch {
	case t.IsPayment():
		p, steps := payment.Fold(t.entries())
		t.Payment = p
		said = func(i int) (string, bool) { return paymentview.StepText(steps[i]), steps[i].Effect }
	case t.IsOrder():
		o, steps := order.Fold(t.entries())
		t.Order = o
		said = func(i int) (string, bool) { return orderview.StepText(steps[i]), steps[i].Effect }
	default:
		return
	}
	for i := range t.steps {
		s := &t.steps[i]
		s.Text, s.Effect = said(i)
		s.Text = text.Capital(s.Text)
	}
}
