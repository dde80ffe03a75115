package orderview

import (
	"cmp"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
)

// NextOf is what happens next to a payment, and who or what is waited for: what the process managers decide,
// in words. o is its order, which does not exist where it has none or none is here. asked is what the gateway
// is known to be asked; other operations may be under way, of which only payments-core knows.
func NextOf(p payment.Payment, o order.Order, asked payment.OperationKind) string {
	if !p.Exists() {
		return "It has not been requested, as far as is known here."
	}
	dead := whyUnusable(p, o)
	if _, ended := p.Ended(); ended {
		return "It has ended. Nothing is left to do."
	}
	if p.Stuck != payment.NoOperation {
		return "The " + operationNoun(p.Stuck) + " is stuck at the gateway: an operator has to retry or settle it."
	}
	if dead != "" {
		return dead + "; " + undoing(p, asked)
	}
	return living(p, o, asked)
}

// whyUnusable is why an order cannot use a payment; "" if it can, or there is no order. It is the rule of
// payments-core's process manager.
func whyUnusable(p payment.Payment, o order.Order) string {
	switch {
	case p.OrderID == "" || o.PaidBy == p.ID:
		return ""
	case o.State == order.StateExpired:
		return aggregate.By("The order expired", aggregate.NameOf(o.Expired.By, o.Expired.ByName))
	case o.State == order.StateCancelled:
		return aggregate.By("The order was cancelled", aggregate.NameOf(o.Cancelled.By, o.Cancelled.ByName))
	case o.State == order.StatePaid:
		return "Another payment has paid the order"
	case o.HasRefused(p.ID):
		return "The order does not take it"
	}
	return ""
}

// undoing is what is done about a payment that its order cannot use.
func undoing(p payment.Payment, asked payment.OperationKind) string {
	switch {
	case asked == payment.Capture:
		return "the capture is under way; then it will be refunded."
	case asked == payment.Release:
		return "the release of the hold is under way; then it has ended."
	case p.CanRelease() == nil && p.CaptureMethod == payment.Automatic:
		return "the hold is released; a capture that is under way already is awaited, and will be refunded."
	case p.CanRelease() == nil:
		return "the hold is released."
	case p.CanRefund() == nil:
		return "the money is refunded."
	case p.Decision == payment.DecisionAccepted:
		return "it is cancelled; a hold that the gateway is being asked for is awaited, and will be released."
	}
	return "it is cancelled."
}

// living is what a payment waits for that nothing stands against.
func living(p payment.Payment, o order.Order, asked payment.OperationKind) string {
	next, after := p.NextStep()
	switch {
	case p.Decision == payment.DecisionRequested:
		return "A manager has to accept or reject it."
	case asked != payment.NoOperation:
		return "The " + operationNoun(asked) + " is under way at the gateway."
	case next == payment.Authorize && p.Declines > 0:
		return "The gateway declined it, and is asked again " + after.String() + " after that."
	case next != payment.NoOperation:
		return "The " + operationNoun(next) + " is under way at the gateway, or begins shortly."
	case p.Money == payment.MoneyAuthorized:
		return "A manager has to capture or release the hold."
	case p.OrderID != "" && o.PaidBy != p.ID:
		return "ordering-core has to confirm the order with it, or to refuse it."
	}
	return "It is paid out. Nothing is left to do."
}

func operationNoun(kind payment.OperationKind) string {
	return map[payment.OperationKind]string{
		payment.Authorize: "hold", payment.Capture: "capture", payment.Release: "release", payment.Refund: "refund",
	}[kind]
}

// NextOfOrder is what an order waits for.
func NextOfOrder(o order.Order) string {
	switch o.State {
	case order.StateNone:
		return "It has not been begun, as far as is known here."
	case order.StateDraft:
		return "Its contractor has to submit it."
	case order.StateSubmitted:
		return "It waits for a captured payment of its total, until it expires."
	case order.StatePaid:
		return "It is paid. Nothing is left to do."
	}
	return cmp.Or(map[order.State]string{order.StateExpired: "It expired.", order.StateCancelled: "It was cancelled."}[o.State], "It has ended.") +
		" What is held or taken for it goes back."
}
