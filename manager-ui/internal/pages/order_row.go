package pages

import (
	"context"
	"strings"
	"time"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/live"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

// orderRow is an order in the list, and in pushes to it.
type orderRow struct {
	ID, Name   string // Name is its number, or what a draft is called
	Revision   int64
	Sort       string
	Contractor string
	Customer   string // "" while none is chosen
	Theirs     string // the address of the customer's orders
	Total      *money.Amount
	DraftedAt  time.Time
	State      web.Badge
	Payment    web.Badge // of the last one; no text without any, nor of a paid order, which says it all
	PayBy      time.Time // by when a submitted order must be paid; zero for others
}

func orderRowOf(o readmodel.Order) orderRow {
	r := orderRow{
		ID: o.ID, Name: orderName(o.Number), Revision: o.Shown(), Sort: sortKey(o.DraftedAt),
		Contractor: nameOr(o.ContractorName, o.ContractorID), Customer: clip(o.CustomerName), DraftedAt: o.DraftedAt, State: stateBadge(order.State(o.State)),
	}
	if o.CustomerID != nil {
		r.Theirs = ordersAddress(readmodel.OrderQuery{Customer: *o.CustomerID})
	}
	if o.Currency != "" {
		total := o.Sum()
		r.Total = &total
	}
	if o.State == string(order.StateSubmitted) && o.ExpiresAt != nil {
		r.PayBy = *o.ExpiresAt
	}
	if n := len(o.Payments); n > 0 && o.State != string(order.StatePaid) {
		last := o.Payments[n-1]
		r.Payment = status(payment.Payment{
			Decision: payment.Decision(last.Decision), Money: payment.Money(last.Money), Final: last.Final,
			Stuck:         payment.Operation(last.Stuck),
			CaptureMethod: payment.CaptureMethod(last.CaptureMethod),
		})
		r.Payment.Text = "Payment " + strings.ToLower(r.Payment.Text)
	}
	return r
}

// orderName is an order's number, or what one is called that has none.
func orderName(number string) string {
	if number == "" {
		return "Draft"
	}
	return number
}

func stateBadge(s order.State) web.Badge {
	tone := map[order.State]web.Tone{
		order.StateSubmitted: web.Waiting, order.StatePaid: web.Good, order.StateExpired: web.Warning, order.StateCancelled: web.Bad,
	}[s]
	if tone == "" {
		tone = web.Neutral
	}
	return web.Badge{Tone: tone, Text: s.Label()}
}

// orderRows renders the orders among streams, and those of payments that changed, which their rows show.
func (l *Live) orderRows(ctx context.Context, streams []string, payments []readmodel.Payment) ([]live.Row, error) {
	ids := idsOf(streams, order.Stream(""))
	for _, p := range payments {
		if p.OrderID != nil {
			ids = append(ids, *p.OrderID)
		}
	}
	orders, err := readmodel.FindOrders(ctx, l.db, ids...)
	if err != nil {
		return nil, err
	}
	rows := make([]live.Row, 0, len(orders))
	for _, o := range orders {
		row := orderRowOf(o)
		html, err := orderRowFragment.HTML(l.renderer, row)
		if err != nil {
			return nil, err
		}
		rows = append(rows, live.Row{
			Audience: audience, List: orderList, ID: order.Stream(o.ID), Revision: row.Revision,
			Tabs: []string{o.State}, Sort: row.Sort, HTML: html,
		})
	}
	return rows, nil
}
