package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// verdict asks the payment for the event of a decision.
type verdict func(p payment.Payment, by event.Meta) (payment.Body, error)

// decide writes a decision: event, outbox, push and read model in one transaction, under the stream's lock. A
// *payment.Refusal is returned if the payment does not allow it any more.
func (h *handlers) decide(ctx context.Context, id string, v verdict) (p payment.Payment, err error) {
	err = h.db.InTx(ctx, func(tx *pg.Tx) error {
		name := payment.Stream(id)
		streams, err := h.journal.Load(ctx, tx, name)
		if err != nil {
			return err
		}
		stream := streams[name]
		p, _ = readmodel.Fold(stream)
		by := event.MetaFrom(ctx)
		body, err := v(p, by)
		if err != nil {
			return err
		}
		e := payment.New(h.journal.Source(), id, body)
		e.Time, e.Meta = h.now(), by
		if err := h.journal.Append(ctx, tx, &stream, e); err != nil {
			return err
		}
		return readmodel.Save(tx, stream)
	})
	return p, err
}

func (h *handlers) accept(c echo.Context) error {
	verdict := func(p payment.Payment, by event.Meta, note string) (payment.Body, error) { return p.Accept(by, note) }
	return h.answer(c, ruling{verdict, "note", "accepted", web.Good}, h.showAccept)
}

func (h *handlers) reject(c echo.Context) error {
	verdict := func(p payment.Payment, by event.Meta, reason string) (payment.Body, error) {
		return p.Reject(by, reason)
	}
	return h.answer(c, ruling{verdict, "reason", "rejected", web.Neutral}, h.showReject)
}

// ruling is what accepting and rejecting differ in.
type ruling struct {
	verdict func(p payment.Payment, by event.Meta, text string) (payment.Body, error)
	field   string // with the text
	past    string
	tone    web.Tone
}

// answer writes the decision that a form asks for; again shows the form with what is wrong with it.
func (h *handlers) answer(c echo.Context, r ruling, again func(echo.Context, *web.Form) error) error {
	id, err := paymentID(c)
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	if !form.OK() {
		return again(c, form)
	}
	p, err := h.decide(c.Request().Context(), id, func(p payment.Payment, by event.Meta) (payment.Body, error) {
		return r.verdict(p, by, form.Value(r.field))
	})
	var refusal *payment.Refusal
	if errors.As(err, &refusal) {
		return h.refused(c, refusal, r, form, again)
	}
	if err != nil {
		return err
	}
	web.Flash(c, r.tone, fmt.Sprintf("%s: %s for %s.", sentence(r.past), p.Amount, p.ContractorName))
	return web.Redirect(c, whereFrom(c, id))
}

// showAccept shows the payment's page again, with what is wrong with the note.
func (h *handlers) showAccept(c echo.Context, form *web.Form) error {
	return h.showPayment(c, form.Status(), func(page *paymentPage) { page.AcceptForm = form })
}

// rejectPage asks for the reason.
type rejectPage struct {
	payment.Payment
	Form *web.Form
}

var rejectView = web.NewView[rejectPage]("reject")

// askReason begins with what was already written into the field beside the button, if anything.
func (h *handlers) askReason(c echo.Context) error {
	return h.showReject(c, web.NewForm(map[string]string{"reason": c.QueryParam("note")}))
}

// showReject shows the form, unless the payment is decided already: then its page says so.
func (h *handlers) showReject(c echo.Context, form *web.Form) error {
	id, err := paymentID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	stream, err := h.journal.Read(ctx, payment.Stream(id))
	if err != nil {
		return err
	}
	p, _ := readmodel.Fold(stream)
	if !p.Exists() {
		return errNoPayment
	}
	if p.Decision != payment.DecisionRequested {
		_, err := p.Reject(event.MetaFrom(ctx), "any")
		var refusal *payment.Refusal
		if errors.As(err, &refusal) {
			web.Flash(c, web.Info, sentence(refusal.Error())+".")
		}
		return web.Redirect(c, paymentPath(id))
	}
	return rejectView.Render(c, form.Status(), web.Page{Title: "Reject payment", Nav: "payments",
		Subject: stream.ID, Revision: stream.Revision()}, rejectPage{Payment: p, Form: form})
}

// refused answers what the payment's rules do not allow: beside the field what is wrong with the input, no
// error for the same verdict twice, and a page with who and when for everything else.
func (h *handlers) refused(c echo.Context, r *payment.Refusal, tried ruling, form *web.Form, again func(echo.Context, *web.Form) error) error {
	switch r.Code {
	case payment.Invalid:
		form.Fail(r.Field, r.Message)
		return again(c, form)
	case payment.NotRequested, payment.NotYours:
		return errNoPayment
	case payment.SameVerdict:
		web.Flash(c, web.Info, sentence(r.Error())+".")
		return web.Redirect(c, whereFrom(c, c.Param("id")))
	}
	return h.showPayment(c, http.StatusConflict, func(page *paymentPage) {
		page.Notice = notice{
			Tone: web.Warning, Title: "Not " + tried.past, Text: sentence(r.Error()), At: r.At, Typed: form.Value(tried.field),
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
