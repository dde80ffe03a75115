package pages

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

// undoOf offers to take a payment's acceptance back.
func undoOf(id, acceptanceID string) *web.Offer {
	return &web.Offer{Label: "Undo", Action: paymentPath(id) + "/undo", Name: "acceptance", Value: acceptanceID}
}

// canUndo reports whether an acceptance stands, and nobody knows that the money moves. payments-core refuses to
// take it back once it has asked the gateway.
func canUndo(p payment.Payment) bool {
	return p.Decision == payment.DecisionAccepted && p.Money == payment.MoneyNone && p.Stuck == payment.NoOperation
}

// Undo is what the payment's page offers; nil when it is too late.
func (p paymentPage) Undo() *web.Offer {
	if !canUndo(p.Payment) {
		return nil
	}
	return undoOf(p.ID, p.Decided.EventID.String())
}

// undoAcceptance has payments-core take an acceptance back.
func (h *handlers) undoAcceptance(c echo.Context) error {
	id, form, err := paymentForm(c)
	if err != nil {
		return err
	}
	p, err := h.payments.Reopen(c.Request().Context(), id, form.Value("acceptance"))
	if err != nil {
		shown, status, err := h.whyNotDone(c, "undone", err)
		if err != nil {
			return err
		}
		if from := web.CameFrom(c, paymentsPath); from != "" {
			shown.About = paymentLink(p)
			web.Tell(c, shown)
			return web.Redirect(c, from)
		}
		return h.renderPayment(c, status, func(page *paymentPage) { page.Message = shown })
	}
	web.Tell(c, web.Message{
		Tone: web.Neutral, Text: fmt.Sprintf("Undone: %s for %s waits again.", locale.Amount(p.Amount), p.ContractorName), About: paymentLink(p),
	})
	return web.Redirect(c, whereFrom(c, id))
}
