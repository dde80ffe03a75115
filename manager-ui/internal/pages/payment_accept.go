package pages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/people"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

// decision is what accepting and rejecting differ in.
type decision struct {
	send     func(ctx context.Context, id, text, seen string) (payment.Payment, error)
	field    string // with the text
	page     string // of the form, below the payment's own
	done     string // in a word
	tone     web.Tone
	showForm func(echo.Context, *web.Form) error // with what is wrong with it
}

func (h *handlers) acceptPayment(c echo.Context) error {
	return h.sendDecision(c, decision{h.payments.Accept, "note", "", "accepted", web.Good, h.showAcceptForm})
}

// sendDecision sends the decision that a form asks for.
func (h *handlers) sendDecision(c echo.Context, d decision) error {
	id, form, err := paymentForm(c)
	if err != nil {
		return err
	}
	if !form.OK() {
		return d.showForm(c, form)
	}
	if err := h.mustConfirm(c, d, form); err != nil {
		return err
	}
	p, err := d.send(c.Request().Context(), id, form.Value(d.field), form.Value("seen"))
	var refusal *payment.Refusal
	if errors.As(err, &refusal) {
		return h.decisionRefused(c, refusal, d, form)
	}
	if over, is := errors.AsType[*people.Refusal](err); is {
		return h.decisionStopped(c, p, web.Message{Tone: web.Warning, Title: "Not " + d.done, Text: strings.TrimSuffix(over.Message, "."), Typed: form.Value(d.field)})
	}
	if err != nil {
		return err
	}
	m := web.Message{
		Tone: d.tone, Text: fmt.Sprintf("%s: %s for %s.", sentence(d.done), locale.Amount(p.Amount), p.ContractorName), About: paymentLink(p),
	}
	if p.Decision == payment.DecisionAccepted {
		m.Offer = undoOf(p.ID, p.Decided.EventID.String())
	}
	web.Tell(c, m)
	return web.Redirect(c, cmp.Or(web.Back(c, paymentsPath), paymentPath(id)))
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
	}
	id := c.Param("id")
	p, err := h.histories.Payment(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if refusal.Code == payment.SameVerdict {
		web.Tell(c, web.Message{Tone: web.Info, Text: sentence(refusal.Error()) + ".", About: paymentLink(p.Payment)})
		return web.Redirect(c, whereFrom(c, id))
	}
	return h.decisionStopped(c, p.Payment, web.Message{Tone: web.Warning, Title: "Not " + d.done, Text: sentence(refusal.Error()), At: refusal.At, Typed: form.Value(d.field)})
}

// decisionStopped tells why a decision was not taken. Whoever pressed in the list stays there; the message
// names the payment.
func (h *handlers) decisionStopped(c echo.Context, p payment.Payment, m web.Message) error {
	m.About = paymentLink(p)
	if from := web.CameFrom(c, paymentsPath); from != "" {
		web.Tell(c, m)
		return web.Redirect(c, from)
	}
	return h.renderPayment(c, http.StatusConflict, func(page *paymentPage) { page.Message = m })
}

// paymentLink leads to a payment by what it is for.
func paymentLink(p payment.Payment) *web.Link {
	return &web.Link{Label: paymentview.Titled(p.Reference, clip(p.Description)), Href: paymentPath(p.ID)}
}

// whereFrom is the list that a row's button was pressed in, or the payment's page.
func whereFrom(c echo.Context, id string) string {
	return cmp.Or(web.CameFrom(c, paymentsPath), paymentPath(id))
}
