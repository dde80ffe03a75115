// Package orderview is what both web apps show of orders, products and customers: the rows of their lists,
// their histories, and the texts for people.
//
// Invariants:
//   - A row is the fold of its stream, at the revision that it carries.
//   - An order that nobody has drafted has no row, whatever has been received about it.
//   - An order shows its own contractor's payments. Somebody else's that names it is no part of it.
package orderview

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
)

// Row is what the tables of both apps have of an order. The JSON names are the columns'.
type Row struct {
	ID           string      `gorm:"primaryKey" json:"id"`
	Revision     int64       `json:"revision"` // of its own stream
	Sequence     int64       `json:"sequence"` // ordering-core's own version
	Number       string      `json:"number"`   // "" until it is submitted
	ContractorID string      `json:"contractor_id"`
	CustomerName string      `json:"customer_name"` // "" until one is chosen
	Currency     string      `json:"currency"`      // "" without a line
	State        order.State `json:"state"`
	DraftedAt    time.Time   `json:"drafted_at"`
	SubmittedAt  *time.Time  `json:"submitted_at"`
	ExpiresAt    *time.Time  `json:"expires_at"`
	UpdatedAt    time.Time   `gorm:"autoUpdateTime:false" json:"updated_at"`
	Draft        *Draft      `gorm:"serializer:json" json:"draft"` // nil of what is none

	// Of a draft, as QuoteDrafts reckons it from the catalog.
	Quoted *order.Quoted `gorm:"-" json:"-"` // its total has no currency where that cannot be said
	Parts  string        `gorm:"-" json:"-"` // what the total depends on, for data-live-parts
}

// Newest is the order of a list of orders.
var Newest = readmodel.Sort{Name: "at", SQL: "drafted_at", Type: "timestamptz", Desc: true}

// ByCustomer is another order of it.
var ByCustomer = readmodel.ByText("customer", "customer_name")

// ByTotal is another order of it, by the column of the total. What a draft costs changes with the catalog and
// stands nowhere: drafts come before everything else.
func ByTotal(minor string) readmodel.Sort {
	fixed := fmt.Sprintf(`((case when state = 'draft' or currency = '' then '' else currency || lpad(%s::text, 19, '0') end) collate "C")`, minor)
	return readmodel.Sort{Name: totalSort, SQL: fixed, Type: "text"}
}

const totalSort = "total"

// FixedCurrency is the currency of the total that an order has for good, for sums of many: "" of a draft.
const FixedCurrency = "case when state = 'draft' then '' else currency end"

// Sorts are the orders that a tab has beside others of an app: drafts have no fixed total.
func Sorts(tab order.State, byTotal readmodel.Sort) (sorts []readmodel.Sort, money readmodel.Sort) {
	sorts = []readmodel.Sort{Newest.Backwards(), ByCustomer}
	if tab == order.StateDraft {
		return sorts, money
	}
	return append(sorts, byTotal), byTotal
}

// FilterNote says what a filter cannot find in a tab.
func FilterNote(tab order.State) string {
	if tab == order.StateNone {
		return "Drafts have no fixed total: a currency or an amount finds none of them."
	}
	return ""
}

// Place is where the row is in a list.
func (r Row) Place(s readmodel.Sort) readmodel.Place {
	if s.Name == ByCustomer.Name {
		return readmodel.Place{Key: readmodel.TextKey(r.CustomerName), ID: r.ID}
	}
	return readmodel.TimePlace(r.DraftedAt, r.ID)
}

// PlaceByTotal is where the row is in a list by total.
func (r Row) PlaceByTotal(minor int64) readmodel.Place {
	p := readmodel.Place{ID: r.ID}
	if r.State != order.StateDraft && r.Currency != "" {
		p.Key = readmodel.MoneyKey(money.Amount{Minor: minor, Currency: r.Currency})
	}
	return p
}

// RowOf folds a stream and makes the order's row; false while nobody has drafted it.
func RowOf(s journal.Stream) (Row, order.Order, bool) {
	o, _ := Fold(s)
	if !o.Exists() {
		return Row{}, o, false
	}
	return Row{
		ID: o.ID, Revision: s.Revision(), Sequence: o.Sequence, Number: o.Number, ContractorID: o.ContractorID,
		CustomerName: o.CustomerName, Currency: o.Total.Currency, State: o.State, DraftedAt: event.Kept(o.Drafted.At),
		SubmittedAt: readmodel.OptionalTime(o.Submitted.At), ExpiresAt: readmodel.OptionalTime(o.ExpiresAt), UpdatedAt: event.Kept(o.UpdatedAt),
		Draft: draftOf(o),
	}, o, true
}

// CountNarrowed counts the orders of a narrowed list that still wait for something, by state, up to a bound.
func CountNarrowed[T readmodel.Row](
	ctx context.Context, db *pg.DB, orders readmodel.Table[T], query func(order.State) readmodel.Query,
) (map[order.State]int, error) {
	counts := map[order.State]int{}
	for _, t := range Tabs {
		if !t.Counted {
			continue
		}
		n, err := orders.CountNarrowed(ctx, db, query(t.State))
		if err != nil {
			return nil, err
		}
		counts[t.State] = n
	}
	return counts, nil
}

// Fold reads an order from its stream.
func Fold(s journal.Stream) (order.Order, []order.Step) { return order.Fold(journal.Entries(s)) }

// SearchTexts are what an order is found by: its number, also by its last part without the zeros, its
// customer and its lines.
func SearchTexts(o order.Order) []string {
	texts := []string{o.Number, strings.TrimLeft(o.Number[strings.LastIndex(o.Number, "/")+1:], "0"), o.CustomerName}
	for _, line := range o.Lines {
		texts = append(texts, line.Name, line.SKU)
	}
	return texts
}

// OfOrder returns the order's id, and whose it is.
func (r Row) OfOrder() (id, contractor string) { return r.ID, r.ContractorID }
