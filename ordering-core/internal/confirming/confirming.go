// Package confirming is the process manager that marks an order paid once a payment for it is captured, or
// refuses the payment, so that its money goes back.
//
// Its decision is a pure function of everything that happened to an order and to the payments for it. So
// neither the order of arrival nor a duplicate matters, and a second instance that decides about the same
// process finds nothing left to do.
//
// Invariants:
//   - payments-core decides what the state of a payment is: it is folded by payment.Fold, here as everywhere.
//   - An order is paid by one captured payment of its total, requested by its contractor, while it waits to
//     be paid.
//   - Every other captured payment that names it is refused, once, with a reason for people. One whose money
//     went back already is left alone.
//   - Whoever decides holds the order's process lock, from before reading until the decision is recorded.
package confirming

import (
	"cmp"
	"slices"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/processlock"
)

// Command is what to record about the order.
type Command struct {
	Body  order.Body
	Cause event.Event // the capture
}

// Next returns the next command that the payments for an order cause; false if there is none. The caller
// records it, and calls Next again. The payment that was captured first, of those that can pay the order,
// pays it.
func Next(o order.Order, payments ...Payment) (Command, bool) {
	payments = slices.Clone(payments)
	slices.SortStableFunc(payments, func(a, b Payment) int {
		return cmp.Or(a.Captured.At.Compare(b.Captured.At), cmp.Compare(a.ID, b.ID))
	})
	for _, p := range payments {
		if !p.Kept() || o.PaidBy == p.ID || o.HasRefused(p.ID) {
			continue
		}
		paid, err := o.Pay(p.ID, p.CapturedAmount, p.ContractorID)
		if err == nil {
			return Command{paid, p.capture}, true
		}
		// Only a payment that was refused before cannot be refused.
		if refused, refusal := o.RefusePayment(p.ID, err.Error()); refusal == nil {
			return Command{refused, p.capture}, true
		}
	}
	return Command{}, false
}

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
