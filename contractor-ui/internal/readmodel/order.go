package readmodel

import (
	"context"
	"iter"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

// Order is a row of the table order_rows, with its payments.
type Order struct {
	orderview.Row
	Lines       int       `json:"lines"`
	Minor       int64     `gorm:"column:total_minor" json:"total_minor"`
	SearchTerms string    `gorm:"column:words" json:"words"`
	Drafted     []string  `gorm:"-" json:"drafted"` // the products in a draft
	Payments    []Payment `gorm:"-" json:"-"`       // the oldest first
}

var orders = readmodel.NewTable[Order]("order_rows", orderTerms)

// ByOrderTotal is another order of a list of orders.
var ByOrderTotal = orderview.ByTotal("total_minor")

// Place is where the row is in a list.
func (o Order) Place(s readmodel.Sort) readmodel.Place {
	if s.Name == ByOrderTotal.Name {
		return o.PlaceByTotal(o.Minor)
	}
	return o.Row.Place(s)
}

// Total is what the order comes to, a draft by today's prices; nil where that cannot be said.
func (o Order) Total() *money.Amount { return o.TotalOf(o.Minor) }

// Shown counts every change of what is shown of the order: its own and its payments'.
func (o Order) Shown() int64 {
	shown := o.Revision
	for _, p := range o.Payments {
		shown += p.Revision
	}
	return shown
}

func orderOf(s journal.Stream) (Order, bool) {
	row, o, ok := orderview.RowOf(s)
	drafted := []string{}
	if o.State == order.StateDraft {
		for _, line := range o.Lines {
			drafted = append(drafted, line.ProductID)
		}
	}
	return Order{
		Row: row, Lines: len(o.Lines), Minor: orderview.Fixed(o).Minor, Drafted: drafted,
		SearchTerms: search.Later(search.Mark(o.ContractorID), orderview.SearchTexts(o)...),
	}, ok
}

// ProjectOrders writes the rows of the orders among streams that the consumer has received. It is a
// journal.Projector.
func ProjectOrders(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	return orders.Queue(tx, readmodel.Fold(streams, order.Stream(""), orderOf))
}

// orderQuery asks for a contractor's orders.
func orderQuery(q Query) readmodel.Query { return query(orderview.Newest, "state", q) }

// WholeOrders reads all of a list.
func WholeOrders(ctx context.Context, db *pg.DB, q Query) iter.Seq2[Order, error] {
	return orderview.Quoting(ctx, db, orders.All(ctx, db, orderQuery(q)), rowOf)
}

// AddUpOrders counts and adds up what a narrowed list has, and by state what of it still waits.
func AddUpOrders(ctx context.Context, db *pg.DB, q Query) (readmodel.Sums, map[order.State]readmodel.Sums, error) {
	return orderview.AddUpFound(ctx, db, orders, orderQuery(q), "total_minor")
}

func rowOf(o *Order) *orderview.Row { return &o.Row }

// ListOrders reads a page of orders, each with its payments.
func ListOrders(ctx context.Context, db *pg.DB, q Query) (readmodel.Page[Order], error) {
	found, err := orders.Page(ctx, db, orderQuery(q))
	if err != nil {
		return found, err
	}
	return found, complete(ctx, db, found.Rows)
}

// FindOrders returns the rows of the orders that are in the read model, each with its payments.
func FindOrders(ctx context.Context, db *pg.DB, ids ...string) ([]Order, error) {
	found, err := orders.Find(ctx, db, "id", ids...)
	if err != nil {
		return nil, err
	}
	return found, complete(ctx, db, found)
}

// complete adds to orders their payments, and to drafts what they come to now.
func complete(ctx context.Context, db *pg.DB, to []Order) error {
	if err := orderview.QuoteDrafts(ctx, db, to, rowOf); err != nil {
		return err
	}
	return orderview.AddPayments(ctx, db, payments, to, func(o *Order, p Payment) { o.Payments = append(o.Payments, p) })
}

// CountOrders counts a contractor's orders that still wait for something, by state.
func CountOrders(ctx context.Context, db *pg.DB, contractor string) (map[order.State]readmodel.Sums, error) {
	return orderview.CountWaiting(ctx, db, contractor)
}
