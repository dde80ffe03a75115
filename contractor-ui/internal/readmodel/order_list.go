package readmodel

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/search"
)

// OrderQuery selects which of a contractor's orders to list, newest first.
type OrderQuery struct {
	Contractor string
	State      order.State // none: all of them
	Search     string      // words or beginnings of words of its number, customer and lines, or of its id
	Range
}

// OrderPage is a page of a list, and where those beside it begin.
type OrderPage struct {
	Orders []Order
	Range
}

// ListOrders reads a page, each order with its payments.
func ListOrders(ctx context.Context, db *pg.DB, q OrderQuery) (page OrderPage, err error) {
	page.Orders, page.Range, err = keyset(q.Range, func(from *Position, newer bool) (rows []Order, err error) {
		return rows, db.Search(ctx, q.Search, func(db *gorm.DB) error {
			find := beyond(db, q.Contractor, "drafted_at", from, newer)
			if q.State != "" {
				find = find.Where("state = ?", q.State)
			}
			if q.Search != "" {
				found, args := search.Where("order_search_terms", q.Search, search.Mark(q.Contractor))
				find = find.Where(found, args...)
			}
			return find.Find(&rows).Error
		})
	})
	if err != nil {
		return OrderPage{}, fmt.Errorf("list orders: %w", err)
	}
	return page, addPayments(ctx, db, page.Orders)
}

// FindOrders returns the rows of the orders that are in the read model, each with its payments.
func FindOrders(ctx context.Context, db *pg.DB, ids []uuid.UUID) (rows []Order, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if err := among(db.Gorm(ctx), "id", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find orders: %w", err)
	}
	return rows, addPayments(ctx, db, rows)
}

// addPayments gives orders their contractor's payments; somebody else's that names the order is no part of
// it.
func addPayments(ctx context.Context, db *pg.DB, orders []Order) error {
	if len(orders) == 0 {
		return nil
	}
	ids, places := make([]uuid.UUID, len(orders)), make(map[uuid.UUID]*Order, len(orders))
	for i := range orders {
		ids[i], places[orders[i].ID] = orders[i].ID, &orders[i]
	}
	var theirs []Payment
	if err := among(payments(db.Gorm(ctx)), "order_id", ids).Order("requested_at, id").Find(&theirs).Error; err != nil {
		return fmt.Errorf("find the payments of orders: %w", err)
	}
	for _, p := range theirs {
		if o := places[*p.OrderID]; o.ContractorID == p.ContractorID {
			o.Payments = append(o.Payments, p)
		}
	}
	return nil
}

// CountOrders counts a contractor's orders that still wait for something, by state: those that have ended are
// many.
func CountOrders(ctx context.Context, db *pg.DB, contractor string) (map[order.State]int64, error) {
	rows, err := db.Pool().Query(ctx, `select state, count(*) from orders
		where contractor_id = $1 and state in ('draft', 'submitted') group by state`, contractor)
	if err != nil {
		return nil, fmt.Errorf("count orders: %w", err)
	}
	counts := map[order.State]int64{}
	var state order.State
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error {
		counts[state] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count orders: %w", err)
	}
	return counts, nil
}

// PaymentsOf returns the ids of a contractor's payments for an order, the oldest first.
func PaymentsOf(ctx context.Context, db querier, orderID, contractor string) ([]string, error) {
	rows, err := db.Query(ctx, `select id::text from payments where order_id = $1 and contractor_id = $2
		order by requested_at, id`, orderID, contractor)
	if err != nil {
		return nil, fmt.Errorf("find the payments of an order: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find the payments of an order: %w", err)
	}
	return ids, nil
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}
