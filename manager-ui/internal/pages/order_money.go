package pages

import (
	"strings"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/locale"
)

// moneyOf describes what became of the money of an order that ended without being paid; "" of any other, and
// of one that none was asked for.
func moneyOf(seen orderview.History) string {
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
		return "The hold of " + locale.Amount(p.AuthorizedAmount) + " cannot be released: the gateway refused. An operator has been told."
	case payment.Refund:
		return locale.Amount(p.CapturedAmount) + " was taken and cannot be refunded: the gateway refused. An operator has been told."
	}
	switch p.Money {
	case payment.MoneyAuthorized:
		return "The hold of " + locale.Amount(p.AuthorizedAmount) + " is being released."
	case payment.MoneyCaptured:
		return locale.Amount(p.CapturedAmount) + " was taken and is being refunded."
	case payment.MoneyReleased:
		return "The hold of " + locale.Amount(p.ReleasedAmount) + " was released."
	case payment.MoneyRefunded:
		return locale.Amount(p.RefundedAmount) + " was refunded."
	}
	if p.Decision == payment.DecisionAccepted && !p.Final {
		return locale.Amount(p.Amount) + " is being authorized; what is held of it is released."
	}
	return ""
}
