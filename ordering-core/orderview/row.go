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
	Currency     string      `json:"currency"`      // "" without a line, and of a draft; see Fixed
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
var ByCustomer = readmodel.ByText("customer", "customer_name").InAllTabs()

// ByTotal is another order of it, by the column of the total. What a draft costs changes with the catalog and
// stands nowhere: drafts come before everything else.
func ByTotal(minor string) readmodel.Sort {
	fixed := fmt.Sprintf(`((case when state = 'draft' or currency = '' then '' else currency || lpad(%s::text, 19, '0') end) collate "C")`, minor)
	return readmodel.Sort{Name: totalSort, SQL: fixed, Type: "text", OfAll: true}.OfMoney(fixedCurrency, minor)
}

const totalSort = "total"

// fixedCurrency is the currency of the total that an order has for good, for sums of many: "" of a draft.
const fixedCurrency = "(case when state = 'draft' then '' else currency end)"

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
		CustomerName: o.CustomerName, Currency: Fixed(o).Currency, State: o.State, DraftedAt: event.Kept(o.Drafted.At),
		SubmittedAt: readmodel.OptionalTime(o.Submitted.At), ExpiresAt: readmodel.OptionalTime(o.ExpiresAt), UpdatedAt: event.Kept(o.UpdatedAt),
		Draft: draftOf(o),
	}, o, true
}

// Fixed is the total that an order has for good, which its row holds: of a draft none. What a draft comes to
// changes with each item, and is in no index then, so that such a change writes the row alone.
func Fixed(o order.Order) money.Amount {
	if o.State == order.StateDraft {
		return money.Amount{}
	}
	return o.Total
}

// AddUpFound adds up a narrowed list of orders by the column of its totals, and counts by state what of it
// still waits.
func AddUpFound[T readmodel.Row](
	ctx context.Context, db *pg.DB, orders readmodel.Table[T], q readmodel.Query, minor string,
) (readmodel.Sums, map[order.State]readmodel.Sums, error) {
	var tabs []readmodel.Condition
	var states []order.State
	for _, t := range Tabs {
		if t.Counted {
			tabs, states = append(tabs, readmodel.Where("state = ?", t.State)), append(states, t.State)
		}
	}
	sums, found, err := orders.AddUp(ctx, db, q, fixedCurrency, minor, tabs...)
	counts := map[order.State]readmodel.Sums{}
	for i, n := range found {
		counts[states[i]] = n
	}
	return sums, counts, err
}

// CountWaiting counts the orders that still wait for something, by state: a contractor's in contractor-ui,
// and with the owner "" everybody's in manager-ui.
func CountWaiting(ctx context.Context, db *pg.DB, owner string) (map[order.State]readmodel.Sums, error) {
	parts, err := readmodel.KeptSums(ctx, db, "orders", owner)
	counts := map[order.State]readmodel.Sums{}
	for state, n := range parts {
		counts[order.State(state)] = n
	}
	return counts, err
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
