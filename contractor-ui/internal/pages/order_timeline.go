package pages

import (
	"strings"

	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/web"
)

// timeline is what happened to an order and its payments, whose texts need not repeat its number.
func timeline(o orderview.History) []web.Step {
	return orderview.Timeline(o, func(s payment.Step) string {
		if o.Number == "" {
			return paymentview.StepText(s)
		}
		return strings.Replace(paymentview.StepText(s), " because order "+o.Number, " because the order", 1)
	})
}
