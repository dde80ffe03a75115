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

// Members are the streams of an order's process: the order's, and those of the payments that are requested
// for it.
var Members = processlock.NamedBy(order.Stream, payment.Stream, payment.OrderOf)
