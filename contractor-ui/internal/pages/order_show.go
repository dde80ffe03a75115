package pages

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

var errNoOrder = web.NotFound("There is no such order.")

// ownOrder reads an order of the contractor's with its payments. Anybody else's does not exist.
func (h *handlers) ownOrder(ctx context.Context, id, contractor string) (orderview.History, error) {
	o, err := h.histories.Order(ctx, id)
	if err == nil && (!o.Exists() || o.ContractorID != contractor) {
		err = errNoOrder
	}
	return o, err
}

// orderPage is one order in whatever state: what is in it, what can be done, and what happened.
type orderPage struct {
	ID          string
	List        web.Link
	Title       string
	State       web.Badge
	Draft       *draftPart // only of a draft
	Lines       []orderLine
	Totals      orderTotals
	Customer    string
	Facts       orderFacts
	Payments    []orderPayment
	Ask         *askPart  // what can be done about its payment; nil unless it is submitted
	Paid        *web.Link // the payment that paid it; nil for none
	CanCancel   bool
	Steps       []web.Step
	NothingSeen bool // a new order, of which nothing is kept yet
}

// orderLine is one product of an order.
type orderLine struct {
	ProductID, SKU, Name string
	Quantity             int64
	Price                money.Amount
	Was                  *money.Amount // the price when it was added, if another one
	Archived             bool
	Total                money.Amount
	// What a draft's line shows of its product.
	Subject  string
	Revision int64
	// The forms that change it; only of a draft.
	Key, QuantityKey string
	Typing           web.Field // how many
	Typed            bool
}

// orderTotals is what an order comes to.
type orderTotals struct {
	Subtotal, Discount, Total *money.Amount // nil where there is nothing to say
	Percent                   string        // of the discount
	Problem                   string        // why there is no total
}

type orderFacts struct {
	Number                       string
	Submitted, ExpiresAt, PaidAt time.Time
	Ended                        string // "Cancelled by Ada Nowak"
	EndedAt                      time.Time
	Reason                       string
	Money                        string // what became of the money of an order that ended
}

// orderPayment is one of its payments, as a line.
type orderPayment struct {
	Name, Href      string
	Amount          money.Amount
	Decision, Money web.Badge
	RequestedAt     time.Time
	Reason          string // why it did not pay the order
}

func (h *handlers) showOrder(c echo.Context) error {
	id, err := orderIDOf(c.Param("id"))
	if err != nil {
		return err
	}
	seen, err := h.ownOrder(c.Request().Context(), id, web.PersonOf(c).ID)
	if err != nil {
		return err
	}
	return h.renderOrder(c, http.StatusOK, seen, formState{})
}

// renderOrder shows an order with what somebody has just tried in vain, if anything.
func (h *handlers) renderOrder(c echo.Context, status int, seen orderview.History, tried formState) error {
	page := orderPage{
		ID: seen.ID, List: web.BackLink(c, "Orders", "/orders"), Title: orderTitle(seen.Order), State: orderview.StateBadge(seen.State), Customer: seen.CustomerName,
		Facts: factsOf(seen), Paid: seen.PaidWith(), CanCancel: seen.State == order.StateDraft || seen.State == order.StateSubmitted,
		Steps: timeline(seen),
	}
	for i := range seen.Payments {
		page.Payments = append(page.Payments, orderPaymentOf(seen, i))
	}
	if seen.State != order.StateDraft {
		page.addFrozen(seen.Order)
	} else if err := h.addDraft(c, &page, seen.Order, tried); err != nil {
		return err
	}
	if tried.changes.Now.Currency == "" && page.Totals.Total != nil {
		tried.changes.Now = *page.Totals.Total
	}
	if seen.State == order.StateSubmitted {
		page.Ask = askOf(seen, tried)
	}
	return orderView.Render(c, status, web.Page{
		Title: page.Title, Nav: "orders", Subject: order.Stream(seen.ID), Revision: seen.Revision,
		Now: cmp.Or(page.Facts.Ended, orderview.StateLabel(seen.State)), Back: page.List.Href, Message: tried.changes.message(),
	}, page)
}

func orderTitle(o order.Order) string {
	switch {
	case o.Number != "":
		return "Order " + o.Number
	case o.State == order.StateDraft && o.CustomerName != "":
		return "Draft for " + clip(o.CustomerName, 60)
	case o.State == order.StateDraft:
		return "Draft order"
	}
	return "Order that was a draft"
}

// addFrozen shows lines and totals as they were submitted, or as they stood when a draft ended.
func (page *orderPage) addFrozen(o order.Order) {
	for _, line := range o.Lines {
		page.Lines = append(page.Lines, orderLine{
			ProductID: line.ProductID, SKU: line.SKU, Name: line.Name, Quantity: line.Quantity, Price: line.Price, Total: line.Total,
		})
	}
	if len(o.Lines) == 0 {
		return
	}
	page.Totals = totalsShown(o.Subtotal, o.Total, o.BasisPoints)
}

func totalsShown(subtotal, total money.Amount, basisPoints int64) orderTotals {
	t := orderTotals{Total: &total}
	if basisPoints > 0 {
		t.Subtotal, t.Percent = &subtotal, order.Percent(basisPoints)
		if less, err := subtotal.Sub(total); err == nil {
			t.Discount = &less
		}
	}
	return t
}

func factsOf(o orderview.History) orderFacts {
	f := orderFacts{Number: o.Number, Submitted: o.Submitted.At, PaidAt: o.Paid.At, Reason: o.Reason}
	end := o.Expired
	switch o.State {
	case order.StateSubmitted:
		f.ExpiresAt = o.ExpiresAt
	case order.StateCancelled:
		end, f.Ended = o.Cancelled, "Cancelled"
	case order.StateExpired:
		f.Ended = "Expired"
	}
	if f.Ended != "" {
		f.EndedAt = end.At
		if end.ByName != "" {
			f.Ended += " by " + end.ByName
		}
		if n := len(o.Payments); n > 0 {
			f.Money = paymentview.MoneyLabel(o.Payments[n-1].Payment)
		}
	}
	return f
}

func orderPaymentOf(o orderview.History, i int) orderPayment {
	p := o.Payments[i]
	shown := orderPayment{
		Name: orderview.PaymentName(p.Reference, i, len(o.Payments)), Href: paymentPath(p.ID), Amount: p.Amount, Decision: decisionBadge(p.Decision, p.Money),
		Money: moneyBadge(p.Payment), RequestedAt: p.Requested.At, Reason: whyEnded(o.Order, p.Payment),
	}
	if why := o.Refused(p.ID); why != "" {
		shown.Reason = text.Capital(why)
	}
	return shown
}

// whyEnded is the reason for which a payment came to nothing, if there is one: a person's as it was typed.
func whyEnded(o order.Order, p payment.Payment) string {
	reason := p.MoneyReason
	switch {
	case p.Stuck != payment.NoOperation:
		reason = p.StuckReason
	case p.Decision == payment.DecisionRejected || p.Decision == payment.DecisionWithdrawn:
		return p.Reason
	case p.Decision == payment.DecisionCancelled:
		reason = p.Reason
	case p.Money == payment.MoneyDeclined:
		reason = p.DeclineReason
	}
	if rest, own := strings.CutPrefix(reason, "order "+o.Number); own && o.Number != "" {
		reason = "the order" + rest
	}
	return text.Capital(reason)
}

// orderIDOf reads an order's id in its one spelling.
func orderIDOf(id string) (string, error) {
	if !api.IsID(id) {
		return "", errNoOrder
	}
	return id, nil
}

func newKey() string { return event.NewID().String() }

// count is a number of things as a label: "3 products".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return locale.Count(n) + " " + thing + "s"
}
