package confirming

import (
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/cases"
	"countersign.example/pkg/event"
)

// Payment is a payment as everybody folds it, with what this process manager asks about it.
type Payment struct {
	payment.Payment
	capture event.Event
}

// Fold is the payment that the entries of its stream come to.
func Fold(entries []payment.Entry) Payment {
	folded, steps := payment.Fold(entries)
	p := Payment{Payment: folded}
	for _, step := range steps {
		if step.Effect && step.Entry.Type == payment.TypeCaptured {
			p.capture = step.Entry.Event
		}
	}
	return p
}

// Kept reports whether the payment's money was captured and has not gone back.
func (p Payment) Kept() bool { return p.Money == payment.MoneyCaptured }

// TakesItsCourse reports whether nobody is asked any more about the payment, and its outcome is not known yet.
func (p Payment) TakesItsCourse() bool {
	_, ended := p.Ended()
	return p.CaptureMethod == payment.Automatic && p.Decision == payment.DecisionAccepted && !ended && !p.Kept()
}

// Members says which case a stream belongs to by what event says: an order to its own, and a payment to the case
// of the order that it was requested for.
func Members(e event.Event, stream string) []cases.Member {
	if stream == order.Stream(e.Subject) {
		return []cases.Member{{Case: e.Subject, Stream: stream}}
	}
	if e.Type != payment.TypeRequested || stream != payment.Stream(e.Subject) {
		return nil
	}
	body, err := payment.Decode(e.Type, e.Data)
	requested, ok := body.(payment.Requested)
	if err != nil || !ok || requested.OrderID == "" {
		return nil
	}
	return []cases.Member{
		{Case: requested.OrderID, Stream: order.Stream(requested.OrderID)},
		{Case: requested.OrderID, Stream: stream},
	}
}
