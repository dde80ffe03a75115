package confirming

import (
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/processlock"
)

// Payment is a payment, with the event of its capture.
type Payment struct {
	payment.Payment
	capture event.Event
}

// Fold folds a payment from the entries of its stream.
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

// AwaitsOutcome reports whether the payment waits for no person any more, and its outcome is not known yet.
func (p Payment) AwaitsOutcome() bool {
	_, ended := p.Ended()
	return p.CaptureMethod == payment.Automatic && p.Decision == payment.DecisionAccepted && !ended && !p.Kept()
}

// Members returns which streams an event makes members of which process: an order's stream joins the order's
// process, and a payment's the process of the order that it is requested for.
func Members(e event.Event, stream string) []processlock.Member {
	if stream == order.Stream(e.Subject) {
		return []processlock.Member{{Process: e.Subject, Stream: stream}}
	}
	if e.Type != payment.TypeRequested || stream != payment.Stream(e.Subject) {
		return nil
	}
	body, err := payment.Decode(e.Type, e.Data)
	requested, ok := body.(payment.Requested)
	if err != nil || !ok || requested.OrderID == "" {
		return nil
	}
	return []processlock.Member{
		{Process: requested.OrderID, Stream: order.Stream(requested.OrderID)},
		{Process: requested.OrderID, Stream: stream},
	}
}
