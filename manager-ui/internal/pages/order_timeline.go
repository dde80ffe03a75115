package pages

import (
	"strings"
	"time"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/web"
)

// orderTimeline is what happened to an order and its payments, in one.
func orderTimeline(seen readmodel.OrderHistory) []orderStep {
	threads := make([][]orderStep, 1, 1+len(seen.Payments))
	names := map[string]string{}
	for i, p := range seen.Payments {
		of := order.PaymentName(i, len(seen.Payments))
		names[p.ID] = of
		var thread []orderStep
		for _, s := range p.Steps {
			thread = append(thread, orderStep{
				step: stepOf(s.Text(), s.Entry.ActorName, s.Entry.Time, s.Effect, s.Entry.Confirmed), Of: of, Href: paymentPath(p.ID),
			})
		}
		threads = append(threads, thread)
	}
	for _, s := range order.Condense(seen.Steps) {
		shown := orderStep{step: stepOf(s.Text(), s.Entry.ActorName, s.Entry.Time, s.Effect, s.Entry.Confirmed)}
		if refused, ok := s.Body.(order.PaymentRefused); ok && names[refused.PaymentID] != "" {
			shown.Of, shown.Href = names[refused.PaymentID], paymentPath(refused.PaymentID)
		}
		threads[0] = append(threads[0], shown)
	}
	return web.MergeByTime(func(s orderStep) time.Time { return s.At }, threads...)
}

// stepOf is an entry of a timeline.
func stepOf(text, by string, at time.Time, effect, confirmed bool) step {
	shown := step{Text: sentence(text), At: at, Effect: effect, Pending: !confirmed}
	if !effect {
		shown.By = by
	}
	return shown
}

// moneyOf describes what became of the money of an order that ended without being paid; "" of any other, and
// of one that none was asked for.
func moneyOf(seen readmodel.OrderHistory) string {
	if seen.State != order.StateExpired && seen.State != order.StateCancelled || len(seen.Payments) == 0 {
		return ""
	}
	var moved []string
	for _, p := range seen.Payments {
		if text := moneyBack(p.Payment); text != "" {
			moved = append(moved, text)
		}
	}
	if len(moved) == 0 {
		return "Nothing was taken."
	}
	return strings.Join(moved, " ")
}

// moneyBack describes how the money of a payment goes back; "" where none was ever taken or held, nor will
// be.
func moneyBack(p payment.Payment) string {
	switch p.Stuck {
	case payment.Release:
		return "The hold of " + p.AuthorizedAmount.String() + " cannot be released: the gateway refused. An operator has been told."
	case payment.Refund:
		return p.CapturedAmount.String() + " was taken and cannot be refunded: the gateway refused. An operator has been told."
	}
	switch p.Money {
	case payment.MoneyAuthorized:
		return "The hold of " + p.AuthorizedAmount.String() + " is being released."
	case payment.MoneyCaptured:
		return p.CapturedAmount.String() + " was taken and is being refunded."
	case payment.MoneyReleased:
		return "The hold of " + p.ReleasedAmount.String() + " was released."
	case payment.MoneyRefunded:
		return p.RefundedAmount.String() + " was refunded."
	}
	if p.Decision == payment.DecisionAccepted && !p.Final {
		return p.Amount.String() + " is being authorized; what is held of it is released."
	}
	return ""
}
