package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// askPart is what can be done about the payment of a submitted order: one at a time is under way.
type askPart struct {
	UnderWay   *web.Link // the one that is
	Confirming bool      // the last one has ended, which the log has not confirmed yet
	// The form, where neither is so.
	PaymentID string
	Again     bool // in place of one that has ended
	Capture   web.Field
}

func askOf(o seenOrder, tried attempt) *askPart {
	values, _ := tried.valuesOf(formPayment, map[string]string{fieldCapture: string(payment.Automatic)})
	ask := &askPart{PaymentID: tried.keyOf(formPayment), Capture: captureField(values)}
	last, underWay, confirmed := standing(o.payments)
	switch {
	case underWay:
		ask.UnderWay = &web.Link{Label: last.Amount.String(), Href: address(last.ID)}
	case !confirmed:
		ask.Confirming = true
	}
	ask.Again = last.Exists()
	return ask
}

// standing is how an order's payments stand: the one that is under way, or else the last one, and whether the
// log has confirmed that it has ended.
func standing(payments []seenPayment) (last payment.Payment, underWay, confirmed bool) {
	confirmed = true
	for _, p := range payments {
		end, ended := p.Ended()
		if !ended {
			return p.Payment, true, false
		}
		last, confirmed = p.Payment, end.Confirmed
	}
	return last, false, confirmed
}

// errUnderWay says that an order has a payment that has not ended.
var errUnderWay = errors.New("a payment of this order is under way")

// payOrder asks for the payment of a submitted order, unless one is under way.
func (h *Handlers) payOrder(c echo.Context) error {
	id, err := orderIDOf(c.Param("id"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	wanted := payment.Requested{
		PaymentID: form.Value(fieldPayment), ContractorID: web.PersonOf(c).ID, OrderID: id,
		CaptureMethod: payment.CaptureMethod(form.Value(fieldCapture)),
	}
	err = h.DB.InTx(ctx, func(tx *pg.Tx) error {
		wanted, err = h.writeForOrder(ctx, tx, wanted)
		return err
	})
	refusal := refusalOf(err)
	switch {
	case err == nil:
		web.Flash(c, web.Good, fmt.Sprintf("You asked for %s. It waits for a manager.", wanted.Amount))
	case errors.Is(err, errAskedBefore):
	case errors.Is(err, errUnderWay):
		web.Flash(c, web.Warning, "Not asked again: a payment of this order is under way.")
	case errors.Is(err, readmodel.ErrSuperseded):
		web.Flash(c, web.Warning, "Not asked again: it has been asked for again already.")
	case refusal == nil:
		return err
	case refusal.Code == payment.Invalid && refusal.Field == "capture_method":
		seen, err := h.ownOrder(ctx, id, wanted.ContractorID)
		if err != nil {
			return err
		}
		return h.renderOrder(c, http.StatusUnprocessableEntity, seen, attempt{form: formPayment, values: failed(form, refusal)})
	default:
		web.Flash(c, web.Warning, "Not requested: "+refusal.Error()+".")
	}
	return web.Redirect(c, orderAddress(id))
}

// writeForOrder appends the request. It holds the order's stream, and so is alone with the order's payments here: the log
// has no payment of this app's that this database lacks.
func (h *Handlers) writeForOrder(ctx context.Context, tx *pg.Tx, wanted payment.Requested) (payment.Requested, error) {
	if _, err := idOf(wanted.PaymentID); err != nil {
		return wanted, &payment.Refusal{Code: payment.Invalid, Tried: payment.TypeRequested, Field: "payment_id",
			Message: "the form has lost its number; please try again"}
	}
	streams, err := h.Journal.Load(ctx, tx, order.Stream(wanted.OrderID))
	if err != nil {
		return wanted, err
	}
	o, _ := readmodel.FoldOrder(streams[order.Stream(wanted.OrderID)])
	if !o.Exists() || o.ContractorID != wanted.ContractorID {
		return wanted, errNoOrder
	}
	ids, err := readmodel.PaymentsOf(ctx, tx, wanted.OrderID, wanted.ContractorID)
	if err != nil {
		return wanted, err
	}
	own := payment.Stream(wanted.PaymentID)
	names := []string{own}
	for _, id := range ids {
		names = append(names, payment.Stream(id))
	}
	// After the order's: streams are locked in the order of their names, everywhere.
	if streams, err = h.Journal.Load(ctx, tx, names...); err != nil {
		return wanted, err
	}
	seen := seenOrder{Order: o}
	for _, name := range names[1:] {
		seen.add(streams[name])
	}
	if len(streams[own].Records) > 0 {
		return wanted, sameOrder(streams[own], wanted)
	}
	body, err := requestFor(seen, wanted)
	if err != nil {
		return wanted, err
	}
	return body, h.append(ctx, tx, streams[own], body)
}

// sameOrder tells that the form has made this payment before, or that its id is somebody else's.
func sameOrder(stream journal.Stream, wanted payment.Requested) error {
	p, _, err := own(stream, wanted.ContractorID)
	if err != nil {
		return err
	}
	if p.OrderID != wanted.OrderID {
		return errNoPayment
	}
	return errAskedBefore
}

// requestFor is the command: the order's total, under its number, in place of the payment that ended.
func requestFor(o seenOrder, wanted payment.Requested) (payment.Requested, error) {
	if o.State != order.StateSubmitted {
		return wanted, &payment.Refusal{Code: payment.Invalid, Tried: payment.TypeRequested, Field: "order_id",
			Message: "this order is " + lower(o.State.Words())}
	}
	last, underWay, confirmed := standing(o.payments)
	switch {
	case underWay:
		return wanted, errUnderWay
	case !confirmed:
		return wanted, &payment.Refusal{Code: payment.BeingConfirmed, Tried: payment.TypeRequested}
	}
	wanted.Amount, wanted.Description, wanted.Supersedes = o.Total, "Order "+o.Number, last.ID
	return payment.NewRequest(wanted)
}
