package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/payments"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

// operationDone and operationOngoing are what becomes of a hold, in a word.
var (
	operationDone    = map[payment.OperationKind]string{payment.Capture: "captured", payment.Release: "released"}
	operationOngoing = map[payment.OperationKind]string{payment.Capture: "capturing", payment.Release: "releasing"}
)

// pendingCommand is a capture or a release that payments-core has accepted, as the payment's page shows it.
type pendingCommand struct{ readmodel.PendingCommand }

// Badge is a short text about it.
func (p pendingCommand) Badge() string { return sentence(operationOngoing[p.Operation]) + "…" }

// Done is what will have been done.
func (p pendingCommand) Done() string { return operationDone[p.Operation] }

func (h *handlers) capturePayment(c echo.Context) error {
	return h.sendOperation(c, payment.Capture, func(ctx context.Context, id string, form *web.Form) error {
		return h.payments.Capture(ctx, id, form.Value("key"), form.Value("seen"))
	})
}

func (h *handlers) releasePayment(c echo.Context) error {
	return h.sendOperation(c, payment.Release, func(ctx context.Context, id string, form *web.Form) error {
		return h.payments.Release(ctx, id, form.Value("key"), form.Value("reason"), form.Value("seen"))
	})
}

// sendOperation has payments-core capture or release what is on hold. The form carries the key: pressing
// twice, or again after no answer came, is one command.
func (h *handlers) sendOperation(
	c echo.Context, operation payment.OperationKind, send func(ctx context.Context, id string, form *web.Form) error,
) error {
	id, form, err := paymentForm(c)
	if err != nil {
		return err
	}
	if badKey(form) {
		return web.BadRequest("This form is not complete. Please open the payment again.")
	}
	if operation == payment.Release && len([]rune(form.Value("reason"))) > payment.MaxText {
		form.Fail("reason", fmt.Sprintf("Write %s characters at most.", locale.Count(payment.MaxText)))
	}
	if !form.OK() {
		return h.renderPayment(c, form.Status(), func(page *paymentPage) { page.MoneyForm = form })
	}
	if err := send(c.Request().Context(), id, form); err != nil {
		return h.operationNotDone(c, operation, form, err)
	}
	p, err := h.histories.Payment(c.Request().Context(), id)
	if err != nil {
		return err
	}
	web.Tell(c, web.Message{
		Tone: web.Good, Text: fmt.Sprintf("%s: %s for %s.", sentence(operationOngoing[operation]), locale.Amount(p.AuthorizedAmount), p.ContractorName),
		About: paymentLink(p.Payment),
	})
	return web.Redirect(c, paymentPath(id))
}

// operationNotDone shows the page again with what was typed, and why nothing came of it.
func (h *handlers) operationNotDone(c echo.Context, operation payment.OperationKind, form *web.Form, err error) error {
	shown, status, err := h.whyNotDone(c, operationDone[operation], err)
	if err != nil {
		return err
	}
	return h.renderPayment(c, status, func(page *paymentPage) {
		page.Message, page.MoneyForm = shown, form
		if status >= 500 {
			page.Key = form.Value("key") // a refusal has spent it
		}
		if !page.CanCapture || page.PendingCommand != nil { // there is no field to keep it in
			page.Message.Typed = form.Value("reason")
		}
	})
}

// whyNotDone is what people are told where payments-core did not do what it was asked for, and the answer's
// status; or the error, where the request has failed in another way.
func (h *handlers) whyNotDone(c echo.Context, done string, err error) (shown web.Message, status int, failed error) {
	var refusal *api.Refusal
	var stale *payment.Refusal
	shown, status = web.Message{Tone: web.Warning, Title: "Not " + done}, http.StatusServiceUnavailable
	switch {
	case errors.Is(err, payments.ErrNoPayment):
		return shown, status, errNoPayment
	case errors.As(err, &stale):
		status, shown.Text = http.StatusConflict, sentence(stale.Error())
	case errors.As(err, &refusal):
		status, shown.Text, shown.At = refusal.Status, sentence(refusal.Detail), whenOf(refusal)
		if status == http.StatusNotFound { // it is known here: payments-core receives it later
			status, shown.Text = http.StatusConflict, "payments-core has not heard of this payment yet. Please try again in a moment"
		}
	case errors.Is(err, api.ErrUnreachable):
		shown.Text = "payments-core cannot be reached at the moment. Nothing was changed; please try again"
	case errors.Is(err, api.ErrDenied):
		shown.Text = "payments-core does not take this from us. Nothing was changed; please tell those who operate Countersign"
	case errors.Is(err, api.ErrUnknown):
		shown.Title = "Perhaps not " + done
		shown.Text = "payments-core gave no clear answer. Please try again: pressing again does nothing twice"
	default:
		return shown, status, err
	}
	if status >= 500 {
		h.logNotDone(c.Request().Context(), err)
	}
	return shown, status, nil
}

// whenOf is when the thing happened, or began, that a refusal names; zero if it names none.
func whenOf(refusal *api.Refusal) (at time.Time) {
	if raw, named := refusal.Extra["at"]; named {
		_ = json.Unmarshal(raw, &at)
	}
	return at
}
