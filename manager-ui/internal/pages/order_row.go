package pages

import (
	"strings"
	"time"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

// orderRow is an order in the list, and in pushes to it.
type orderRow struct {
	ID, Name   string // Name is its number, or what a draft is called
	Revision   int64
	Sort       string
	Whose      string // the contractor's id
	Contractor string
	Customer   string // "" while none is chosen
	Theirs     string // the address of the customer's orders
	Total      *money.Amount
	Parts      string // see orderview.Row
	DraftedAt  time.Time
	State      web.Badge
	Payment    web.Badge // of the last one; no text without any, nor of a paid order, which says it all
	PayBy      time.Time // by when a submitted order must be paid; zero for others

	ByTotal, ByCustomer, ByContractor string // what lists are sorted by
}

func orderRowOf(o readmodel.Order) orderRow {
	r := orderRow{
		ID: o.ID, Name: orderName(o.Number), Revision: o.Shown(), Sort: sortKey(o.DraftedAt),
		Whose: o.ContractorID, Contractor: nameOr(o.ContractorName, o.ContractorID), Customer: clip(o.CustomerName), DraftedAt: o.DraftedAt, State: orderview.StateBadge(o.State),
		Total: o.Total(), Parts: o.Parts, ByTotal: o.Place(readmodel.ByOrderTotal).Key,
		ByCustomer: o.Place(orderview.ByCustomer).Key, ByContractor: o.Place(readmodel.ByOrderContractor).Key,
	}
	if o.CustomerID != nil {
		r.Theirs = customersOrders(*o.CustomerID)
	}
	if o.State == order.StateSubmitted && o.ExpiresAt != nil {
		r.PayBy = *o.ExpiresAt
	}
	if n := len(o.Payments); n > 0 && o.State != order.StatePaid {
		r.Payment = status(o.Payments[n-1].Payment())
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
