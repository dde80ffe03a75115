package pages

import (
	"errors"

	"github.com/labstack/echo/v4"

	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/web"
)

// rejectPage asks for the reason.
type rejectPage struct {
	payment.Payment
	List web.Link
	Keep string // the address to go to instead
	Form *web.Form
}

// Seen is what the press on the page carries.
func (p rejectPage) Seen() string { return paymentview.Seen(p.UpdatedAt, p.Amount) }

var rejectView = web.NewView[rejectPage]("reject")

// confirmReject begins with what was already written into the field beside the button, if anything.
func (h *handlers) confirmReject(c echo.Context) error {
	if kept := h.sessions.Kept(c, c.Request().URL.Path); kept != nil {
		return h.showRejectForm(c, kept)
	}
	return h.showRejectForm(c, web.NewForm(map[string]string{"reason": c.QueryParam("note")}))
}

func (h *handlers) rejectPayment(c echo.Context) error {
	return h.sendDecision(c, decision{h.payments.Reject, "reason", "/reject", "rejected", web.Neutral, h.showRejectForm})
}

// showRejectForm shows the form, unless the payment is decided already: then its page shows that.
func (h *handlers) showRejectForm(c echo.Context, form *web.Form) error {
	p, err := h.readPayment(c)
	if err != nil {
		return err
	}
	if p.Decision != payment.DecisionRequested {
		_, err := p.Reject(event.MetaFrom(c.Request().Context()), "any")
		var refusal *payment.Refusal
		if errors.As(err, &refusal) {
			web.Flash(c, web.Info, sentence(refusal.Error())+".")
		}
		return web.Redirect(c, paymentPath(p.ID))
	}
	list := paymentsLink(c)
	keep := web.CameFrom(c, paymentsPath)
	if keep == "" {
		keep = web.Address(paymentPath(p.ID), map[string]string{"back": web.Back(c, paymentsPath)})
	}
	return rejectView.Render(c, form.Status(), web.Page{
		Title: "Reject payment", Nav: "payments", Subject: payment.Stream(p.ID), Revision: p.Revision, Now: paymentview.DecisionLabel(p.Decision), Back: list.Href,
	}, rejectPage{Payment: p.Payment, List: list, Keep: keep, Form: form})
}
