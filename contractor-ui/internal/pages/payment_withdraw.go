package pages

import (
	"errors"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// withdrawPayment takes a request back while it waits; afterwards it shows who was first.
func (h *handlers) withdrawPayment(c echo.Context) error {
	id, err := idOf(c.Param("id"))
	if err != nil {
		return err
	}
	err = h.payments.Withdraw(c.Request().Context(), id)
	refusal := refusalOf(err)
	switch {
	case err == nil:
		web.Flash(c, web.Good, "Withdrawn.")
	case errors.Is(err, payments.ErrNoPayment):
		return errNoPayment
	case refusal == nil:
		return err
	case refusal.Code != payment.SameVerdict: // twice withdrawn is withdrawn
		web.Flash(c, web.Warning, text.Capital(notDone(refusal))+".")
	}
	return web.Redirect(c, paymentPath(id))
}

// notDone is the text of a refusal, as in a timeline: "not withdrawn: Mia Weber had already accepted it".
func notDone(refusal *payment.Refusal) string {
	tried := payment.Entry{Event: event.Event{Type: refusal.Tried}}
	return paymentview.StepText(payment.Step{Entry: tried, Refusal: refusal})
}
