package pages

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/api"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// paymentPage is one payment: its facts, and everything that happened to it.
type paymentPage struct {
	ID, Reference   string
	List            web.Link
	Seen            string // what a press on the page carries
	Amount          money.Amount
	Description     string
	Decision, Money web.Badge
	Pending         bool
	RequestedAt     time.Time
	DecidedBy       string
	DecidedAt       time.Time // zero while it waits
	Reason, Note    string
	CaptureMethod   payment.CaptureMethod
	Order           *web.Link // that it is for
	GatewayRef      string
	Earlier, Later  *web.Link // the payments that this one asks again for, and that ask again for it
	CanWithdraw     bool
	CanAskAgain     bool
	SoonAskAgain    bool   // once the log has confirmed what ended it
	NextPayment     string // the id of the one that asks again, for its order's total
	Steps           []web.Step
}

func (h *handlers) showPayment(c echo.Context) error {
	ctx, contractor := c.Request().Context(), web.PersonOf(c).ID
	if reference, ok := payment.ReadReference(c.Param("id")); ok {
		return h.showReferred(c, contractor, reference)
	}
	id, err := idOf(c.Param("id"))
	if err != nil {
		return err
	}
	p, err := h.ownPayment(ctx, id, contractor)
	if err != nil {
		return err
	}
	page := web.Page{Title: paymentview.Titled(p.Reference, clip(p.Description, 60)), Nav: "payments", Subject: payment.Stream(id), Revision: p.Shown(), Now: decidedText(p.Payment)}
	data := paymentPageOf(p, contractor)
	data.List = web.BackLink(c, "Payments", "/")
	page.Back = data.List.Href
	if err := h.addOrder(ctx, &data, p.Payment); err != nil {
		return err
	}
	if data.Earlier, data.Later, err = paymentview.Others(p.Payment, func(ids []string) ([]paymentview.Row, error) {
		rows, err := readmodel.Find(ctx, h.db, ids...)
		return pg.Column(rows, func(p readmodel.Payment) paymentview.Row { return p.Row }), err
	}); err != nil {
		return err
	}
	return paymentView.Render(c, http.StatusOK, page, data)
}

// showReferred leads to the contractor's payment that a reference names, or to all that have it.
func (h *handlers) showReferred(c echo.Context, contractor, reference string) error {
	found, err := readmodel.FindReferred(c.Request().Context(), h.db, contractor, reference)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return errNoPayment
	case len(found) > 1:
		return web.Redirect(c, web.Address("/", map[string]string{"q": reference}))
	}
	return web.Redirect(c, paymentPath(found[0].ID))
}

// decidedText is the decision, with who took it.
func decidedText(p payment.Payment) string {
	if p.Decided.ByName != "" {
		return paymentview.DecisionLabel(p.Decision) + " by " + p.Decided.ByName
	}
	return paymentview.DecisionLabel(p.Decision)
}

// addOrder links the order that the payment is for, which says how much is asked for again, and whether it
// can be.
func (h *handlers) addOrder(ctx context.Context, page *paymentPage, p payment.Payment) error {
	if !api.IsID(p.OrderID) {
		return nil
	}
	orders, err := readmodel.FindOrders(ctx, h.db, p.OrderID)
	if err != nil {
		return err
	}
	if len(orders) == 0 || orders[0].ContractorID != p.ContractorID {
		page.CanAskAgain, page.SoonAskAgain = false, false
		return nil
	}
	page.NextPayment = newKey()
	label := orders[0].Number
	if label == "" {
		label = "Draft"
	}
	page.Order = &web.Link{Label: label, Href: orderPath(p.OrderID)}
	page.CanAskAgain = page.CanAskAgain && orders[0].State == order.StateSubmitted
	page.SoonAskAgain = page.SoonAskAgain && orders[0].State == order.StateSubmitted
	return nil
}

func paymentPageOf(p readmodel.PaymentHistory, contractor string) paymentPage {
	decided := paymentview.DecidedBy(p.Payment)
	page := paymentPage{
		ID: p.ID, Reference: p.Reference, Seen: paymentview.Seen(p.UpdatedAt, p.Amount), Amount: p.Amount, Description: p.Description,
		Decision: decisionBadge(p.Decision, p.Money), Money: moneyBadge(p.Payment),
		Pending: p.Pending, RequestedAt: p.Requested.At, DecidedBy: decided.ByName, DecidedAt: decided.At,
		Reason: p.Reason, Note: p.Note, CaptureMethod: p.CaptureMethod,
		GatewayRef: p.GatewayReference, CanWithdraw: p.Decision == payment.DecisionRequested,
	}
	err := p.CanAskAgain(contractor)
	page.CanAskAgain = err == nil
	if refusal := refusalOf(err); refusal != nil {
		page.SoonAskAgain = refusal.Code == payment.BeingConfirmed
	}
	for _, s := range p.Steps {
		page.Steps = append(page.Steps, web.StepOf(paymentview.StepText(s), s.Entry, s.Effect))
	}
	return page
}
