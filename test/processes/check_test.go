package processes

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
)

// brief is a payment as a failure shows it.
type brief struct{ payment.Payment }

func (b brief) String() string {
	return fmt.Sprintf("%s by %s: %s %q", b.ID, b.ContractorID, b.Decision, b.Money)
}

// check holds at every moment.
func (w *world) check(t *rapid.T) {
	if err := w.ordering.Err(); err != nil {
		t.Fatalf("ordering-core: %v", err)
	}
	if err := w.core.Err(); err != nil {
		t.Fatalf("payments-core: %v", err)
	}
	for _, id := range w.payments {
		p := w.core.Payment(id)
		if p.AuthorizedAmount.Minor < p.CapturedAmount.Minor+p.ReleasedAmount.Minor || p.CapturedAmount.Minor < p.RefundedAmount.Minor {
			t.Fatalf("payment %s: %s authorized, %s captured, %s released, %s refunded", id, p.AuthorizedAmount, p.CapturedAmount, p.ReleasedAmount, p.RefundedAmount)
		}
	}
}

// checkDrained holds once everything written has been received, and the gateway has answered everything.
func (w *world) checkDrained(t *rapid.T) {
	if err := w.foldsAgree(); err != nil {
		t.Fatal(err)
	}
	kept, alive := map[string][]brief{}, map[string][]brief{}
	for _, id := range w.payments {
		p := w.core.Payment(id)
		if p != w.payment(t, id) {
			t.Fatalf("payment %s: payments-core's is not the fold of the topic", id)
		}
		if _, ended := p.Ended(); !ended {
			alive[p.OrderID] = append(alive[p.OrderID], brief{p})
		}
		if p.Money == payment.MoneyCaptured {
			kept[p.OrderID] = append(kept[p.OrderID], brief{p})
		}
	}
	for _, id := range w.orders {
		o := w.ordering.Order(id)
		switch o.State {
		case order.StatePaid:
			// paid if and only if exactly one captured, unrefunded payment of its total names it
			if len(kept[id]) != 1 || kept[id][0].ID != o.PaidBy || kept[id][0].CapturedAmount != o.Total || kept[id][0].ContractorID != o.ContractorID {
				t.Fatalf("order %s is paid by %s, and %d payments keep money for it: %v", id, o.PaidBy, len(kept[id]), kept[id])
			}
			if len(alive[id]) != 1 {
				t.Fatalf("order %s is paid, and other payments for it go on: %v", id, alive[id])
			}
			if slices.ContainsFunc(o.Refused, func(r order.RefusedPayment) bool { return r.PaymentID == o.PaidBy }) {
				t.Fatalf("order %s refused payment %s, which paid it", id, o.PaidBy)
			}
		case order.StateExpired, order.StateCancelled:
			// no hold and no money kept, nor anything that could still become one
			if len(alive[id]) > 0 {
				t.Fatalf("order %s is %s, and has payments that go on: %v", id, o.State, alive[id])
			}
		default:
			if len(kept[id]) > 0 {
				t.Fatalf("order %s is %s, and payments keep money for it: %v", id, o.State, kept[id])
			}
		}
		delete(kept, id)
		w.orderAgrees(t, id, o)
	}
	for id, payments := range kept {
		t.Fatalf("there is no order %s, and payments keep money for it: %v", id, payments)
	}
}

// payment is the fold of the topic.
func (w *world) payment(t *rapid.T, id string) payment.Payment {
	var entries []payment.Entry
	for _, e := range w.ofTopic("payment_", id) {
		entries = append(entries, payment.Entry{Event: e, Confirmed: true})
	}
	p, _ := payment.Fold(entries)
	return p
}

// orderAgrees holds an order to the fold of the topic, in which every event has its effect: it has one
// writer.
func (w *world) orderAgrees(t *rapid.T, id string, o order.Order) {
	var entries []order.Entry
	for _, e := range w.ofTopic("order_", id) {
		entries = append(entries, order.Entry{Event: e, Confirmed: true})
	}
	folded, steps := order.Fold(entries)
	paid := 0
	for _, step := range steps {
		if !step.Effect && step.Entry.Source == order.Source {
			t.Fatalf("order %s: %s has no effect: %v", id, step.Entry.Type, step.Refusal)
		}
		if step.Effect && step.Entry.Type == order.TypePaid {
			paid++
		}
	}
	if paid > 1 || folded.State != o.State || folded.Sequence != o.Sequence || folded.PaidBy != o.PaidBy || len(folded.Refused) != len(o.Refused) {
		t.Fatalf("order %s: ordering-core's is not the fold of the topic", id)
	}
}
