package readmodel

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

// OrderQuery asks for one page of the orders, newest first: from its beginning, or the one After or Before a
// position.
type OrderQuery struct {
	State                order.State // none: all of them
	Contractor, Customer string      // their ids; "": of anybody
	Search               string
	After, Before        *Position
}

// ListOrders reads a page, each order with its payments.
func ListOrders(ctx context.Context, db *pg.DB, q OrderQuery) (page Page[Order], err error) {
	backwards := q.Before != nil
	var rows []Order
	err = db.Search(ctx, q.Search+q.Contractor+q.Customer, func(db *gorm.DB) error {
		find := db.Limit(PageSize + 1) // one more shows whether there is more
		if q.State != order.StateNone {
			find = find.Where("state = ?", q.State)
		}
		if q.Contractor != "" {
			find = find.Where("contractor_id = ?", q.Contractor)
		}
		if q.Customer != "" {
			find = find.Where("customer_id = ?::uuid", q.Customer)
		}
		if q.Search != "" {
			found, args := search.Where("order_search_terms", q.Search)
			find = find.Where(found, args...)
		}
		switch {
		case backwards:
			find = find.Where("(drafted_at, id) > (?, ?::uuid)", q.Before.At, q.Before.ID).Order("drafted_at, id")
		case q.After != nil:
			find = find.Where("(drafted_at, id) < (?, ?::uuid)", q.After.At, q.After.ID).Order("drafted_at desc, id desc")
		default:
			find = find.Order("drafted_at desc, id desc")
		}
		return find.Find(&rows).Error
	})
	if err != nil {
		return page, fmt.Errorf("list orders: %w", err)
	}
	page = readmodel.Cut(rows, PageSize, q.After != nil, backwards)
	return page, addPayments(ctx, db, page.Rows)
}

// FindOrders reads some orders, in no order, each with its payments; those that are not there are left out.
func FindOrders(ctx context.Context, db *pg.DB, ids ...string) (rows []Order, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if err := db.Gorm(ctx).Find(&rows, "id = any(?::uuid[])", uuidArray(ids)).Error; err != nil {
		return nil, fmt.Errorf("find orders: %w", err)
	}
	return rows, addPayments(ctx, db, rows)
}

// addPayments gives orders their contractors' payments; somebody else's that names an order is no part of it.
func addPayments(ctx context.Context, db *pg.DB, orders []Order) error {
	if len(orders) == 0 {
		return nil
	}
	ids, places := make([]string, len(orders)), make(map[string]*Order, len(orders))
	for i := range orders {
		ids[i], places[orders[i].ID] = orders[i].ID, &orders[i]
	}
	var payments []Payment
	if err := db.Gorm(ctx).Order("requested_at, id").Find(&payments, "order_id = any(?::uuid[])", uuidArray(ids)).Error; err != nil {
		return fmt.Errorf("find the payments of orders: %w", err)
	}
	for _, p := range payments {
		if o := places[*p.OrderID]; o.ContractorID == p.ContractorID {
			o.Payments = append(o.Payments, p)
		}
	}
	return nil
}

// CountOrders counts the orders that still wait for something, by state.
func CountOrders(ctx context.Context, db *pg.DB) (map[order.State]int, error) {
	var groups []struct {
		State order.State
		Count int
	}
	err := db.Gorm(ctx).Model(&Order{}).Where("state in (?, ?)", order.StateDraft, order.StateSubmitted).
		Select("state, count(*) as count").Group("state").Find(&groups).Error
	if err != nil {
		return nil, fmt.Errorf("count orders: %w", err)
	}
	counts := map[order.State]int{}
	for _, g := range groups {
		counts[g.State] = g.Count
	}
	return counts, nil
}

// Buyer is somebody who has orders, to filter by.
type Buyer struct{ ID, Name string }

// MaxContractors is how many contractors a filter offers; the others' orders are found by searching for their
// names.
const MaxContractors = 200

// Contractors are those who have orders, by the name that each has in the newest: so many at most, and chosen
// in any case.
func Contractors(ctx context.Context, db *pg.DB, chosen string) (some []Buyer, err error) {
	// One step of the index for each, however many orders they have: backwards, so that the newest order comes
	// first.
	err = db.Gorm(ctx).Raw(`with recursive had as (
		(select contractor_id as id, contractor_name as name from orders order by contractor_id desc, drafted_at desc, orders.id desc limit 1)
		union all
		select o.id, o.name from had cross join lateral (select contractor_id as id, contractor_name as name from orders
			where contractor_id < had.id order by contractor_id desc, drafted_at desc, orders.id desc limit 1) o)
		select id, name from (select id, name from had limit ?) as first order by name, id`, MaxContractors).Scan(&some).Error
	if err != nil {
		return nil, fmt.Errorf("list contractors: %w", err)
	}
	if chosen == "" || slices.ContainsFunc(some, func(b Buyer) bool { return b.ID == chosen }) {
		return some, nil
	}
	var found []Buyer
	err = db.Search(ctx, chosen, func(db *gorm.DB) error {
		return db.Raw(`select contractor_id as id, contractor_name as name from orders where contractor_id = ?
			order by drafted_at desc, id desc limit 1`, chosen).Scan(&found).Error
	})
	if err != nil {
		return nil, fmt.Errorf("find a contractor: %w", err)
	}
	return append(some, found...), nil
}
