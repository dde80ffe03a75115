package orderview

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
)

// History is an order with its contractor's payments and what became of each event.
type History struct {
	order.Order
	Steps    []order.Step
	Payments []paymentview.History // the oldest first
	Revision int64                 // of the order's stream and of its payments' together
}

// Histories reads payments and orders with everything that happened to them. A row of the tables has no
// events.
type Histories struct {
	db      *pg.DB
	journal *journal.Journal
}

// NewHistories returns the histories that are in the journal.
func NewHistories(db *pg.DB, j *journal.Journal) *Histories { return &Histories{db: db, journal: j} }

// Payment reads a payment. One that nobody has requested does not exist.
func (h *Histories) Payment(ctx context.Context, id string) (paymentview.History, error) {
	return paymentview.Read(ctx, h.journal, id)
}

// Order reads an order with its payments. One that nobody has drafted does not exist.
func (h *Histories) Order(ctx context.Context, id string) (History, error) {
	o, err := h.OrderAlone(ctx, id)
	if err != nil || !o.Exists() {
		return o, err
	}
	ids, err := PaymentsOf(ctx, h.db.Pool(), id, o.ContractorID)
	if err != nil {
		return o, err
	}
	for _, id := range ids {
		p, err := paymentview.Read(ctx, h.journal, id)
		if err != nil {
			return o, err
		}
		o.Payments = append(o.Payments, p)
		o.Revision += p.Revision
	}
	return o, nil
}

// OrderAlone reads an order without its payments.
func (h *Histories) OrderAlone(ctx context.Context, id string) (History, error) {
	stream, err := h.journal.Read(ctx, order.Stream(id))
	if err != nil {
		return History{}, err
	}
	o, steps := Fold(stream)
	return History{Order: o, Steps: steps, Revision: stream.Revision()}, nil
}

// Await waits until its writer's version of what a stream is about is here, and reports whether it is before
// ctx ends.
func (h *Histories) Await(ctx context.Context, stream string, sequence int64) bool {
	return h.journal.Await(ctx, stream, func(s journal.Stream) bool {
		for _, r := range s.Records {
			if r.Sequence >= sequence {
				return true
			}
		}
		return false
	})
}

// PaymentsOf returns the ids of a contractor's payments for an order, the oldest first.
func PaymentsOf(ctx context.Context, q pg.Querier, orderID, contractor string) ([]string, error) {
	ids, err := pg.Rows(ctx, q, pgx.RowTo[string], `select id::text from payment_rows where order_id = $1 and contractor_id = $2
		order by requested_at, id`, orderID, contractor)
	if err != nil {
		return nil, fmt.Errorf("find the payments of an order: %w", err)
	}
	return ids, nil
}

// AddPayments reads the payments of orders, the oldest first, and adds each to its order.
func AddPayments[O interface {
	OfOrder() (id, contractor string)
}, P interface {
	readmodel.Row
	ForOrder() (id, contractor string)
}](ctx context.Context, db *pg.DB, payments readmodel.Table[P], orders []O, add func(*O, P)) error {
	ids, places := make([]string, len(orders)), make(map[[2]string]*O, len(orders))
	for i := range orders {
		id, contractor := orders[i].OfOrder()
		ids[i], places[[2]string{id, contractor}] = id, &orders[i]
	}
	found, err := payments.FindSorted(ctx, db, "requested_at, id", "order_id", ids...)
	if err != nil {
		return fmt.Errorf("find the payments of orders: %w", err)
	}
	for _, p := range found {
		id, contractor := p.ForOrder()
		if o := places[[2]string{id, contractor}]; o != nil {
			add(o, p)
		}
	}
	return nil
}
