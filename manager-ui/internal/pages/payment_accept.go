package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/web"
)

// decision is what accepting and rejecting differ in.
type decision struct {
	send     func(ctx context.Context, id, text string) (payment.Payment, error)
	field    string // with the text
	done     string // in a word
	tone     web.Tone
	showForm func(echo.Context, *web.Form) error // with what is wrong with it
}

func (h *handlers) acceptPayment(c echo.Context) error {
	return h.sendDecision(c, decision{h.payments.Accept, "note", "accepted", web.Good, h.showAcceptForm})
}

// sendDecision sends the decision that a form asks for.
func (h *handlers) sendDecision(c echo.Context, d decision) error {
	id, err := paymentID(c)
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	if !form.OK() {
		return d.showForm(c, form)
	}
	p, err := d.send(c.Request().Context(), id, form.Value(d.field))
	var refusal *payment.Refusal
	if errors.As(err, &refusal) {
		return h.decisionRefused(c, refusal, d, form)
	}
	if err != nil {
		return err
	}
	web.Flash(c, d.tone, fmt.Sprintf("%s: %s for %s.", sentence(d.done), p.Amount, p.ContractorName))
	return web.Redirect(c, whereFrom(c, id))
}

// showAcceptForm shows the payment's page again, with what is wrong with the note.
func (h *handlers) showAcceptForm(c echo.Context, form *web.Form) error {
	return h.renderPayment(c, form.Status(), func(page *paymentPage) { page.AcceptForm = form })
}

// decisionRefused answers what the payment's rules do not allow: beside the field what is wrong with the
// input, no error for the same decision twice, and a page with who and when for everything else.
func (h *handlers) decisionRefused(c echo.Context, refusal *payment.Refusal, d decision, form *web.Form) error {
	switch refusal.Code {
	case payment.Invalid:
		form.Fail(refusal.Field, refusal.Message)
		return d.showForm(c, form)
	case payment.NotRequested, payment.NotYours:
		return errNoPayment
	case payment.SameVerdict:
		web.Flash(c, web.Info, sentence(refusal.Error())+".")
		return web.Redirect(c, whereFrom(c, c.Param("id")))
	}
	return h.renderPayment(c, http.StatusConflict, func(page *paymentPage) {
		page.Notice = notice{
			Tone: web.Warning, Title: "Not " + d.done, Text: sentence(refusal.Error()), At: refusal.At, Typed: form.Value(d.field),
		}
	})
}

// whereFrom is the list that a row's button was pressed in, or the payment's page.
func whereFrom(c echo.Context, id string) string {
	from, err := url.Parse(c.Request().Referer())
	if err == nil && from.Host == c.Request().Host && from.Path == "/payments" {
		return from.RequestURI()
	}
	return paymentPath(id)
}
