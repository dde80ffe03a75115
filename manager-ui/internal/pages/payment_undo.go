package pages

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

// undoOf offers to take a payment's acceptance back.
func undoOf(p payment.Payment) *web.Offer {
	return &web.Offer{Label: "Undo", Action: paymentPath(p.ID) + "/undo", Name: "acceptance", Value: p.Decided.EventID.String()}
}

// Undo is what the payment's page offers while nobody knows that the money moves; nil then. payments-core
// refuses it once it has asked the gateway.
func (p paymentPage) Undo() *web.Offer {
	if p.Decision != payment.DecisionAccepted || p.Money != payment.MoneyNone || p.Stuck != payment.NoOperation {
		return nil
	}
	return undoOf(p.Payment)
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
		return h.renderPayment(c, status, func(page *paymentPage) { page.Message = shown })
	}
	web.Tell(c, web.Message{
		Tone: web.Neutral, Text: fmt.Sprintf("Undone: %s for %s waits again.", locale.Amount(p.Amount), p.ContractorName), About: paymentLink(p),
	})
	return web.Redirect(c, whereFrom(c, id))
}
