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
	"countersign.example/pkg/event"
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
		if !p.Kept() || settled(o, p.ID) {
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

// settled reports whether the order was paid by a payment, or has refused it.
func settled(o order.Order, paymentID string) bool {
	refused := func(r order.RefusedPayment) bool { return r.PaymentID == paymentID }
	return o.PaidBy == paymentID || slices.ContainsFunc(o.Refused, refused)
}
