package pages

import (
	"strings"
	"time"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// orderRow is an order in the list, and in pushes to it.
type orderRow struct {
	ID, Sort  string // HTML id and data-sort
	Revision  int64
	Href      string
	Name      string // its number, or what a draft is called
	Lines     string // "3 products"
	Customer  string // "" while none is chosen
	Total     *money.Amount
	Parts     string // see orderview.Row
	DraftedAt time.Time
	State     web.Badge
	Payment   web.Badge // of the payment that counts; no text without one
	Stuck     string    // why that payment's money does not move: "the release is stuck at the gateway"
	PayBy     time.Time // until when a submitted order must be paid; zero for others

	ByTotal, ByCustomer string // what lists are sorted by
}

func orderRowOf(o readmodel.Order) orderRow {
	r := orderRow{
		ID: order.Stream(o.ID), Sort: sortKey(o.DraftedAt, o.ID), Revision: o.Shown(), Href: orderPath(o.ID),
		Name: o.Number, Lines: count(o.Lines, "product"), Customer: clip(o.CustomerName, shownText),
		DraftedAt: o.DraftedAt, State: orderview.StateBadge(o.State), Total: o.Total(), Parts: o.Parts,
		ByTotal: o.Place(readmodel.ByOrderTotal).Key, ByCustomer: o.Place(orderview.ByCustomer).Key,
	}
	if r.Name == "" {
		r.Name = "Draft"
	}
	if o.State == order.StateSubmitted && o.ExpiresAt != nil {
		r.PayBy = *o.ExpiresAt
	}
	if n := len(o.Payments); n > 0 && o.State != order.StatePaid {
		r.Payment, r.Stuck = paymentBadge(o.Payments[n-1])
	}
	return r
}

// paymentBadge is a payment in one badge: what became of the money, or else the decision. Where the money is
// stuck, stuck says so, in the words of the payment's own row.
func paymentBadge(p readmodel.Payment) (badge web.Badge, stuck string) {
	badge = moneyBadge(p.Payment())
	if badge.Text == "" {
		badge = decisionBadge(p.Decision, p.Money)
	}
	short, detail, _ := strings.Cut(badge.Text, ", ")
	if p.Stuck != payment.NoOperation {
		stuck = detail
	}
	return web.Badge{Tone: badge.Tone, Text: "Payment " + text.Small(short)}, stuck
}

// orderPath is an order's page.
func orderPath(id string) string { return "/orders/" + id }
