package pages

import (
	"errors"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// withdrawPayment takes a request back while it waits; afterwards it shows who was first.
func (h *handlers) withdrawPayment(c echo.Context) error {
	id, err := idOf(c.Param("id"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	err = h.payments.Withdraw(ctx, id, form.Value("seen"))
	refusal := refusalOf(err)
	about := &web.Link{Label: "See the payment", Href: paymentPath(id)}
	if p, err := h.ownPayment(ctx, id, web.PersonOf(c).ID); err == nil {
		about.Label = paymentview.Titled(p.Reference, locale.Amount(p.Amount)+" for “"+clip(p.Description, 60)+"”")
	}
	switch {
	case err == nil:
		web.Tell(c, web.Message{Tone: web.Good, Text: "Withdrawn.", About: about})
	case errors.Is(err, payments.ErrNoPayment):
		return errNoPayment
	case refusal == nil:
		return err
	case refusal.Code != payment.SameVerdict: // twice withdrawn is withdrawn
		web.Tell(c, web.Message{Tone: web.Warning, Text: text.Capital(notDone(refusal)) + ".", About: about})
	}
	return web.Redirect(c, paymentPath(id))
}

// notDone is the text of a refusal, as in a timeline: "not withdrawn: Mia Weber had already accepted it".
func notDone(refusal *payment.Refusal) string {
	if refusal.Code == payment.Stale {
		return "not withdrawn: " + refusal.Error()
	}
	tried := payment.Entry{Event: event.Event{Type: refusal.Tried}}
	return paymentview.StepText(payment.Step{Entry: tried, Refusal: refusal})
}
