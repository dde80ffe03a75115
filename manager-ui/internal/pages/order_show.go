package pages

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// readOrder reads an order with its payments.
func (h *handlers) readOrder(ctx context.Context, id string) (orderview.History, error) {
	o, err := h.histories.Order(ctx, id)
	if err == nil && !o.Exists() {
		err = errNoOrder
	}
	return o, err
}

// orderPage is an order with its payments and everything that happened to them.
type orderPage struct {
	order.Order
	List              web.Link
	Lines             []orderLine // a draft's as submitting it now would freeze them, with the totals
	PricesChanged     bool        // since they were added
	Problem           string      // why there is no total
	Chosen            orderview.Customer
	ChosenSubject     string // whose archiving changes a draft's page
	Title, Contractor string
	Theirs            string // the address of the customer's orders
	Status            web.Badge
	Discount          *money.Amount // nil for none
	Percent           string        // of the discount
	Ended             string        // "Cancelled by Mia Weber"; "" while it has not
	EndedAt           time.Time
	Money             string    // what became of the money of an order that ended
	Paid              *web.Link // the payment that paid it; nil for none
	Payments          []orderPayment
	Steps             []web.Step
	IsDraft           bool
	CanEnd            bool // be cancelled or expire
	CancelReason      web.Field
	SetDiscount       web.Field
	Typed             orderForms  // what live refreshes must leave as it is
	Key               string      // the idempotency key of what is pressed on this page
	Message           web.Message // about what was just tried, and did not happen
}

// orderLine is one product of an order.
type orderLine struct {
	order.QuotedLine
	Subject  string // what a draft's line shows of its product
	Revision int64
}

// orderPayment is one of its payments, as a line.
type orderPayment struct {
	Name, Href  string
	Amount      money.Amount
	Status      web.Badge
	Money       string
	RequestedAt time.Time
	Refused     string // why it could not pay the order
}

var (
	orderView  = web.NewView[orderPage]("order")
	expireView = web.NewView[orderPage]("expire-order")
)

func (h *handlers) showOrder(c echo.Context) error {
	return h.renderOrder(c, orderForms{}, newFormState(0))
}

// confirmExpire asks whether an order is really to expire. One that has ended is shown instead.
func (h *handlers) confirmExpire(c echo.Context) error {
	return h.renderOrder(c, orderForms{expire: true}, newFormState(0))
}

// orderForms are the forms of an order's page as they come back; nil for one that was not sent.
type orderForms struct {
	cancel, discount *web.Form
	expire           bool // which has a page of its own
}

// Cancel and Discount tell which one was sent.
func (f orderForms) Cancel() bool   { return f.cancel != nil }
func (f orderForms) Discount() bool { return f.discount != nil }

// renderOrder shows an order, with what somebody has just tried in vain, if anything.
func (h *handlers) renderOrder(c echo.Context, forms orderForms, a formState) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	seen, err := h.readOrder(c.Request().Context(), id)
	if err != nil {
		return err
	}
	page := describeOrder(seen)
	if err := h.addDraft(c.Request().Context(), &page); err != nil {
		return err
	}
	page.addTotals()
	page.Key, page.Message, page.List = a.Key, a.Message, web.BackLink(c, "Orders", ordersPath)
	page.addForms(forms)
	if forms.cancel != nil && !page.CanEnd { // there is no field to keep it in
		page.Message.Typed = forms.cancel.Value(fieldReason)
	}
	view := orderView
	if forms.expire && page.CanEnd {
		view = expireView
	}
	return view.Render(c, a.Status, web.Page{
		Title: page.Title, Nav: "orders", Subject: order.Stream(id), Revision: seen.Revision, Now: cmp.Or(page.Ended, page.Status.Text),
		Back: page.List.Href, Message: page.Message,
	}, page)
}

func describeOrder(seen orderview.History) orderPage {
	o := seen.Order
	page := orderPage{
		Order: o, Title: orderTitle(o), Contractor: nameOr(o.ContractorName, o.ContractorID), Status: orderview.StateBadge(o.State),
		IsDraft: o.State == order.StateDraft, CanEnd: !o.Ended(), Money: moneyOf(seen), Paid: seen.PaidWith(), Steps: orderview.Timeline(seen, paymentview.StepText),
	}
	if o.CustomerID != "" {
		page.Theirs = customersOrders(o.CustomerID)
	}
	for _, line := range o.Lines {
		page.Lines = append(page.Lines, orderLine{QuotedLine: order.QuotedLine{Line: line}})
	}
	page.Reason = text.Capital(o.Reason)
	switch o.State {
	case order.StateCancelled:
		page.Ended, page.EndedAt = endedBy("Cancelled", o.Cancelled), o.Cancelled.At
	case order.StateExpired:
		page.Ended, page.EndedAt = endedBy("Expired", o.Expired), o.Expired.At
	}
	for i, p := range seen.Payments {
		shown := orderPayment{
			Name: orderview.PaymentName(p.Reference, i, len(seen.Payments)), Href: paymentPath(p.ID), Amount: p.Amount, Status: status(p.Payment), RequestedAt: p.Requested.At,
		}
		if label := paymentview.MoneyLabel(p.Payment); !strings.EqualFold(label, moneyWord(p.Payment)) { // which the status says
			shown.Money = label
		}
		shown.Refused = sentence(seen.Refused(p.ID))
		page.Payments = append(page.Payments, shown)
	}
	return page
}

// addDraft shows a draft as submitting it now would freeze it.
func (h *handlers) addDraft(ctx context.Context, page *orderPage) error {
	if !page.IsDraft {
		return nil
	}
	prices, err := orderview.ReadPrices(ctx, h.db, page.Order.Lines)
	if err != nil {
		return err
	}
	if page.Chosen, err = orderview.Chosen(ctx, h.db, page.CustomerID); err != nil {
		return err
	}
	if page.CustomerID != "" {
		page.ChosenSubject = catalog.CustomerStream(page.CustomerID)
	}
	quoted, err := prices.Quote(page.Order.Lines, page.BasisPoints)
	if err != nil {
		page.Problem, page.Subtotal, page.Total = sentence(err.Error())+".", money.Amount{}, money.Amount{}
		quoted.Lines = pg.Column(page.Order.Lines, func(line order.Line) order.QuotedLine { return order.QuotedLine{Line: line} })
	} else {
		page.Subtotal, page.Total = quoted.Subtotal, quoted.Total
	}
	page.Lines = pg.Column(quoted.Lines, func(line order.QuotedLine) orderLine {
		page.PricesChanged = page.PricesChanged || line.Was.Currency != ""
		return orderLine{line, catalog.ProductStream(line.ProductID), prices[line.ProductID].Revision}
	})
	return nil
}

// addTotals shows what the discount takes away.
func (p *orderPage) addTotals() {
	if p.BasisPoints == 0 {
		return
	}
	p.Percent = order.Percent(p.BasisPoints)
	if less, err := p.Subtotal.Sub(p.Total); err == nil && len(p.Lines) > 0 {
		p.Discount = &less
	}
}

func orderTitle(o order.Order) string {
	if o.Number != "" {
		return "Order " + o.Number
	}
	return "Draft of " + nameOr(o.ContractorName, o.ContractorID)
}

func nameOr(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

func endedBy(what string, act order.Act) string {
	if who := nameOr(act.ByName, act.By); who != "" {
		return what + " by " + who
	}
	return what
}

// Due is by when it must be paid; zero unless it waits for that.
func (p orderPage) Due() (at time.Time) {
	if p.State == order.StateSubmitted {
		at = p.ExpiresAt
	}
	return at
}
