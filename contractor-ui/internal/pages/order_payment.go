package pages

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

// askPart is what can be done about the payment of a submitted order: one at a time is under way.
type askPart struct {
	NotEnded   *web.Link // the one that is
	Confirming bool      // the last one has ended, which the log has not confirmed yet
	// The form, where neither is so.
	PaymentID string
	Again     bool // in place of one that has ended
	Capture   web.Field
}

func askOf(o orderview.History, tried formState) *askPart {
	values, _ := tried.valuesOf(formPayment, map[string]string{fieldCapture: string(payment.Automatic)})
	ask := &askPart{PaymentID: tried.keyOf(formPayment), Capture: captureField(values)}
	all := make([]payment.Payment, len(o.Payments))
	for i, p := range o.Payments {
		all[i] = p.Payment
	}
	last, ended, confirmed := payments.LastOf(all)
	switch {
	case !ended:
		ask.NotEnded = &web.Link{Label: locale.Amount(last.Amount), Href: paymentPath(last.ID)}
	case !confirmed:
		ask.Confirming = true
	}
	ask.Again = last.Exists()
	return ask
}

// requestOrderPayment asks for the payment of a submitted order, unless one is under way.
func (h *handlers) requestOrderPayment(c echo.Context) error {
	id, err := orderIDOf(c.Param("id"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	ctx, contractor := c.Request().Context(), web.PersonOf(c).ID
	made, added, err := h.payments.RequestForOrder(ctx, payment.Requested{
		PaymentID: form.Value(fieldPayment), ContractorID: contractor, OrderID: id,
		CaptureMethod: payment.CaptureMethod(form.Value(fieldCapture)),
	})
	refusal := refusalOf(err)
	switch {
	case err == nil:
		if added {
			web.Tell(c, askedFor(made))
		}
	case errors.Is(err, payments.ErrNoPayment):
		return errNoPayment
	case errors.Is(err, payments.ErrNoOrder):
		return errNoOrder
	case errors.Is(err, payments.ErrNotEnded):
		web.Flash(c, web.Warning, "Not asked again: a payment of this order is under way.")
	case refusal == nil:
		return err
	case refusal.Code == payment.AlreadyAsked:
		web.Flash(c, web.Warning, "Not asked again: "+refusal.Error()+".")
	case refusal.Code == payment.Invalid && refusal.Field == "capture_method":
		seen, err := h.ownOrder(ctx, id, contractor)
		if err != nil {
			return err
		}
		return h.renderOrder(c, http.StatusUnprocessableEntity, seen, formState{form: formPayment, values: failField(form, refusal)})
	default:
		web.Flash(c, web.Warning, "Not requested: "+refusal.Error()+".")
	}
	return web.Redirect(c, orderPath(id))
}
