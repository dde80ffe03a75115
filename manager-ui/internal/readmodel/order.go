package readmodel

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"gorm.io/gorm"

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
	ContractorName string    `json:"contractor_name"`
	CustomerID     *string   `json:"customer_id"` // nil until one is chosen
	Minor          int64     `gorm:"column:total" json:"total"`
	SearchTerms    string    `gorm:"column:words" json:"words"`
	Payments       []Payment `gorm:"-" json:"-"` // the oldest first
}

var orders = readmodel.NewTable[Order]("order_rows", orderTerms)

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
	return Order{
		Row: row, ContractorName: o.ContractorName, CustomerID: readmodel.Optional(o.CustomerID), Minor: orderview.Fixed(o).Minor,
		SearchTerms: search.Later("", append([]string{o.ContractorName}, orderview.SearchTexts(o)...)...),
	}, ok
}

// ProjectOrders is a journal.Projector: it folds the changed streams of orders and writes their rows.
func ProjectOrders(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	return orders.Queue(tx, readmodel.Fold(streams, order.Stream(""), orderOf))
}

// OrderQuery asks for one page of the orders, newest first unless it says otherwise.
type OrderQuery struct {
	readmodel.Query
	State order.State // none: all of them
}

// OfContractor and ForCustomer narrow a list of orders to somebody's.
func OfContractor(id string) readmodel.Condition {
	return readmodel.Where("contractor_id = ?", id).On("contractor_id")
}

// ForCustomer is for those of a customer.
func ForCustomer(id string) readmodel.Condition {
	return readmodel.Where("customer_id = ?::uuid", id).On("customer_id")
}

// ByOrderTotal and ByOrderContractor are other orders of a list of orders.
var (
	ByOrderTotal      = orderview.ByTotal("total")
	ByOrderContractor = ByContractor.InAllTabs()
)

// Place is where the row is in a list.
func (o Order) Place(s readmodel.Sort) readmodel.Place {
	switch s.Name {
	case ByOrderTotal.Name:
		return o.PlaceByTotal(o.Minor)
	case ByOrderContractor.Name:
		return readmodel.Place{Key: readmodel.TextKey(o.ContractorName), ID: o.ID}
	}
	return o.Row.Place(s)
}

// query asks for the orders in its state, or in all of them.
func (q OrderQuery) query() readmodel.Query {
	if q.Sort.SQL == "" {
		q.Sort = orderview.Newest
	}
	q.Limit = cmp.Or(q.Limit, PageSize)
	if q.State != order.StateNone {
		q.Where = append(slices.Clip(q.Where), readmodel.Where("state = ?", q.State).On(readmodel.InTab))
	}
	return q.Query
}

// WholeOrders reads all of a list.
func WholeOrders(ctx context.Context, db *pg.DB, q OrderQuery) iter.Seq2[Order, error] {
	return orderview.Quoting(ctx, db, orders.All(ctx, db, q.query()), rowOf)
}

// AddUpOrders counts and adds up what a narrowed list has, and by state what of it still waits.
func AddUpOrders(ctx context.Context, db *pg.DB, q OrderQuery) (readmodel.Sums, map[order.State]readmodel.Sums, error) {
	return orderview.AddUpFound(ctx, db, orders, q.query(), "total")
}

func rowOf(o *Order) *orderview.Row { return &o.Row }

// ListOrders reads a page, each order with its payments.
func ListOrders(ctx context.Context, db *pg.DB, q OrderQuery) (readmodel.Page[Order], error) {
	page, err := orders.Page(ctx, db, q.query())
	if err != nil {
		return page, err
	}
	return page, complete(ctx, db, page.Rows)
}

// FindOrders reads some orders, in no order, each with its payments; those that are not there are left out.
func FindOrders(ctx context.Context, db *pg.DB, ids ...string) ([]Order, error) {
	rows, err := orders.Find(ctx, db, "id", ids...)
	if err != nil {
		return nil, err
	}
	return rows, complete(ctx, db, rows)
}

// complete adds to orders their payments, and to drafts what they come to now.
func complete(ctx context.Context, db *pg.DB, to []Order) error {
	if err := orderview.QuoteDrafts(ctx, db, to, rowOf); err != nil {
		return err
	}
	return orderview.AddPayments(ctx, db, paymentsAlone, to, func(o *Order, p Payment) { o.Payments = append(o.Payments, p) })
}

// CountOrders counts the orders that still wait for something, by state.
func CountOrders(ctx context.Context, db *pg.DB) (map[order.State]readmodel.Sums, error) {
	return orderview.CountWaiting(ctx, db, "")
}

// Buyer is somebody who has orders, to filter by.
type Buyer struct{ ID, Name string }

// MaxContractors is how many contractors a filter offers; the others' orders are found by searching for their
// names.
const MaxContractors = 200

// Contractors are those who have orders, by the name that each has in the newest: so many at most, and chosen
// in any case.
func Contractors(ctx context.Context, db *pg.DB, chosen string) (some []Buyer, err error) {
	return contractorsOf(ctx, db, "order_rows", "drafted_at", chosen)
}

// PaymentContractors are those who have asked for payments, as Contractors are.
func PaymentContractors(ctx context.Context, db *pg.DB, chosen string) ([]Buyer, error) {
	return contractorsOf(ctx, db, "payment_rows", "requested_at", chosen)
}

// contractorsOf are those who have rows in a table, which has an index by them and the column at.
func contractorsOf(ctx context.Context, db *pg.DB, table, at, chosen string) (some []Buyer, err error) {
	// One step of the index for each, however many orders they have: backwards, so that the newest order comes
	// first.
	err = db.Gorm(ctx).Raw(fmt.Sprintf(`with recursive had as (
		(select contractor_id as id, contractor_name as name from %[1]s order by contractor_id desc, %[2]s desc, %[1]s.id desc limit 1)
		union all
		select o.id, o.name from had cross join lateral (select contractor_id as id, contractor_name as name from %[1]s
			where contractor_id < had.id order by contractor_id desc, %[2]s desc, %[1]s.id desc limit 1) o)
		select id, name from (select id, name from had limit ?) as first order by name, id`, table, at), MaxContractors).Scan(&some).Error
	if err != nil {
		return nil, fmt.Errorf("list contractors: %w", err)
	}
	if chosen == "" || slices.ContainsFunc(some, func(b Buyer) bool { return b.ID == chosen }) {
		return some, nil
	}
	var found []Buyer
	err = db.Search(ctx, true, func(db *gorm.DB) error {
		return db.Raw(fmt.Sprintf(`select contractor_id as id, contractor_name as name from %[1]s where contractor_id = ?
			order by %[2]s desc, %[1]s.id desc limit 1`, table, at), chosen).Scan(&found).Error
	})
	if err != nil {
		return nil, fmt.Errorf("find a contractor: %w", err)
	}
	return append(some, found...), nil
}
