package pages

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/core"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/web"
)

// past is what a command would have done.
var past = map[core.Kind]string{core.Capture: "captured", core.Release: "released"}

// command has payments-core capture or release what is on hold. The form carries the key: pressing twice, or again after
// no answer came, is one command.
func (h *handlers) command(kind core.Kind) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := paymentID(c)
		if err != nil {
			return err
		}
		form, err := web.ReadForm(c)
		if err != nil {
			return err
		}
		key := form.Value("key")
		if badKey(form) {
			return web.BadRequest("This form is not complete. Please open the payment again.")
		}
		var reason string
		if kind == core.Release {
			reason = form.Value("reason")
		}
		if len([]rune(reason)) > payment.MaxText {
			form.Fail("reason", "Write 2,000 characters at most.")
		}
		if !form.OK() {
			return h.showPayment(c, form.Status(), func(page *paymentPage) { page.MoneyForm = form })
		}
		// The page is there only for payments that we know; payments-core is not asked about others.
		known, err := h.exists(c, id)
		if err != nil {
			return err
		}
		if !known {
			return errNoPayment
		}
		ctx := c.Request().Context()
		err = h.core.Send(ctx, core.Command{
			Kind: kind, PaymentID: id, Key: string(kind) + ":" + key, Reason: reason, // one page, one key, two commands
		})
		if err != nil {
			return h.showNotDone(c, kind, form, err)
		}
		if err := h.noteUnderWay(ctx, id, underWay{kind, web.PersonOf(c).Name, h.now()}); err != nil {
			return err // pressing again has the same answer, and notes it then
		}
		return web.Redirect(c, paymentPath(id))
	}
}

// showNotDone shows the page again with what was typed, and why nothing came of it.
func (h *handlers) showNotDone(c echo.Context, kind core.Kind, form *web.Form, err error) error {
	var refusal *api.Refusal
	said := notice{Tone: web.Warning, Title: "Not " + past[kind]}
	status := http.StatusServiceUnavailable
	switch {
	case errors.As(err, &refusal):
		status, said.Text, said.At = refusal.Status, sentence(refusal.Detail), whenOf(refusal)
		if status == http.StatusNotFound { // it is known here: payments-core hears of it later
			status, said.Text = http.StatusConflict, "payments-core has not heard of this payment yet. Please try again in a moment"
		}
		if u := underWayOf(refusal); u != nil {
			if err := h.noteUnderWay(c.Request().Context(), c.Param("id"), *u); err != nil {
				return err
			}
		}
	case errors.Is(err, api.ErrAway):
		said.Text = "payments-core cannot be reached at the moment. Nothing was changed; please try again"
	case errors.Is(err, api.ErrDenied):
		said.Text = "payments-core does not take this from us. Nothing was changed; please tell those who operate Countersign"
	case errors.Is(err, api.ErrUnknown):
		said.Title = "Perhaps not " + past[kind]
		said.Text = "payments-core gave no clear answer. Please try again: pressing again does nothing twice"
	default:
		return err
	}
	if status >= 500 {
		h.logNotDone(c.Request().Context(), err)
	}
	return h.showPayment(c, status, func(page *paymentPage) {
		page.Notice, page.MoneyForm = said, form
		if refusal == nil {
			page.Key = form.Value("key") // a refusal has spent it
		}
		if !page.CanCapture || page.UnderWay != nil { // there is no field to keep it in
			page.Notice.Typed = form.Value("reason")
		}
	})
}

// whenOf is when the thing happened, or began, that a refusal names; zero if it names none.
func whenOf(refusal *api.Refusal) (at time.Time) {
	if raw, says := refusal.Extra["at"]; says {
		_ = json.Unmarshal(raw, &at)
	}
	return at
}

func (h *handlers) exists(c echo.Context, id string) (bool, error) {
	stream, err := h.journal.Read(c.Request().Context(), payment.Stream(id))
	if err != nil {
		return false, err
	}
	p, _ := readmodel.Fold(stream)
	return p.Exists(), nil // as its page has it: other events may have come before the request
}
