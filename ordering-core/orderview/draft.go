package orderview

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/api"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
)

// A draft costs what submitting it now would freeze: the prices of the catalog count, not those of when
// something was added. So wherever a draft is shown, its total is reckoned when it is shown.

// Draft is what a draft's total is reckoned from, beside the catalog.
type Draft struct {
	// Sequence is the order's with it: the version before leaves an older draft in the row.
	Sequence    int64        `json:"sequence"`
	CustomerID  string       `json:"customer_id"`
	BasisPoints int64        `json:"basis_points"`
	Lines       []order.Line `json:"lines"`
}

// draftOf is nil for an order that is none any more.
func draftOf(o order.Order) *Draft {
	if o.State != order.StateDraft {
		return nil
	}
	return &Draft{Sequence: o.Sequence, CustomerID: o.CustomerID, BasisPoints: o.BasisPoints, Lines: o.Lines}
}

var (
	products  = readmodel.NewTable[Product]("products", "")
	customers = readmodel.NewTable[Customer]("customers", "")
)

// Prices are products of drafts, by id, as the catalog has them now. One that has not come here yet counts as
// it was when it was added.
type Prices map[string]Product

// ReadPrices reads those of some drafts' lines.
func ReadPrices(ctx context.Context, db *pg.DB, drafts ...[]order.Line) (Prices, error) {
	var ids []string
	for _, line := range slices.Concat(drafts...) {
		if api.IsID(line.ProductID) {
			ids = append(ids, line.ProductID)
		}
	}
	slices.Sort(ids)
	found, err := products.Find(ctx, db, "id", slices.Compact(ids)...)
	prices := make(Prices, len(found))
	for _, p := range found {
		prices[p.ID] = p
	}
	return prices, err
}

// Quote is what submitting a draft's lines now would freeze.
func (p Prices) Quote(lines []order.Line, basisPoints int64) (order.Quoted, error) {
	current := make(map[string]order.Product, len(lines))
	for _, line := range lines {
		current[line.ProductID] = order.Product{ID: line.ProductID, SKU: line.SKU, Name: line.Name, Price: line.Price}
		if now, known := p[line.ProductID]; known {
			current[line.ProductID] = order.Product{ID: now.ID, SKU: now.SKU, Name: now.Name, Price: now.Price(), Archived: now.Archived}
		}
	}
	return order.Quote(lines, current, basisPoints)
}

// parts are the lines' products for data-live-parts.
func (p Prices) parts(lines []order.Line) string {
	var parts []string
	for _, line := range lines {
		parts = append(parts, fmt.Sprintf("%s@%d", catalog.ProductStream(line.ProductID), p[line.ProductID].Revision))
	}
	return strings.Join(parts, " ")
}

// QuoteDrafts reckons what the drafts among rows come to now.
func QuoteDrafts[O any](ctx context.Context, db *pg.DB, rows []O, row func(*O) *Row) error {
	var drafts []*Row
	var lines [][]order.Line
	for i := range rows {
		if r := row(&rows[i]); r.Draft != nil && r.Draft.Sequence == r.Sequence && r.State == order.StateDraft {
			drafts, lines = append(drafts, r), append(lines, r.Draft.Lines)
		}
	}
	prices, err := ReadPrices(ctx, db, lines...)
	if err != nil {
		return fmt.Errorf("quote drafts: %w", err)
	}
	for i, r := range drafts {
		r.Parts, r.Quoted = prices.parts(lines[i]), &order.Quoted{}
		if quoted, err := prices.Quote(lines[i], r.Draft.BasisPoints); err == nil {
			r.Quoted = &quoted
		}
	}
	return nil
}

// quotedAtOnce is how many rows of a file are quoted in one statement.
const quotedAtOnce = 500

// Quoting quotes the drafts among rows that are read for a file.
func Quoting[O any](ctx context.Context, db *pg.DB, rows iter.Seq2[O, error], row func(*O) *Row) iter.Seq2[O, error] {
	return func(yield func(O, error) bool) {
		some := make([]O, 0, quotedAtOnce)
		send := func() bool {
			err := QuoteDrafts(ctx, db, some, row)
			for _, o := range some {
				if !yield(o, err) {
					return false
				}
			}
			some = some[:0]
			return true
		}
		for o, err := range rows {
			if err != nil {
				yield(o, err)
				return
			}
			if some = append(some, o); len(some) == quotedAtOnce && !send() {
				return
			}
		}
		send()
	}
}

// TotalOf is what an order comes to; nil where that cannot be said. stored is the total that its row has.
func (r Row) TotalOf(stored int64) *money.Amount {
	total := money.Amount{Minor: stored, Currency: r.Currency}
	if r.Quoted != nil {
		total = r.Quoted.Total
	}
	if total.Currency == "" {
		return nil
	}
	return &total
}

// Priced is an order as it is shown: a draft's totals are what submitting it now would freeze, without a
// currency where that cannot be said.
func Priced(ctx context.Context, db *pg.DB, o order.Order) (order.Order, error) {
	if o.State != order.StateDraft {
		return o, nil
	}
	prices, err := ReadPrices(ctx, db, o.Lines)
	if err != nil {
		return o, err
	}
	quoted, _ := prices.Quote(o.Lines, o.BasisPoints)
	o.Subtotal, o.Total = quoted.Subtotal, quoted.Total
	return o, nil
}

// Chosen is a draft's customer as the read model has them now: perhaps they have been archived.
func Chosen(ctx context.Context, db *pg.DB, id string) (c Customer, err error) {
	if !api.IsID(id) {
		return c, nil
	}
	found, err := customers.Find(ctx, db, "id", id)
	if len(found) > 0 {
		c = found[0]
	}
	return c, err
}
