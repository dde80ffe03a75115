package readmodel

import (
	"context"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Histories reads payments and orders with everything that happened to them. A row of the tables has no
// events.
type Histories struct {
	db      *pg.DB
	journal *journal.Journal
}

// NewHistories returns the histories that are in the journal.
func NewHistories(db *pg.DB, j *journal.Journal) *Histories { return &Histories{db: db, journal: j} }

// PaymentHistory is a payment with what became of each of its events.
type PaymentHistory struct {
	payment.Payment
	Steps    []payment.Step
	Revision int64 // of its stream
}

// Shown counts every change of what is shown of the payment, as Payment.Shown does.
func (p PaymentHistory) Shown() int64 {
	if p.SupersededBy != "" {
		return p.Revision + 1
	}
	return p.Revision
}

// OrderHistory is an order with its contractor's payments.
type OrderHistory struct {
	order.Order
	Steps    []order.Step
	Payments []PaymentHistory // the oldest first; what asks again for them is not read
	Revision int64            // of the order's stream and of its payments' together, as Order.Shown has it
}

// Payment reads a payment, with the one that asks again for it. One that nobody has requested does not exist.
func (h *Histories) Payment(ctx context.Context, id string) (PaymentHistory, error) {
	p, err := h.payment(ctx, id)
	if err != nil || !p.Exists() {
		return p, err
	}
	p.SupersededBy, err = SupersededBy(ctx, h.db.Pool(), id)
	return p, err
}

func (h *Histories) payment(ctx context.Context, id string) (PaymentHistory, error) {
	stream, err := h.journal.Read(ctx, payment.Stream(id))
	if err != nil {
		return PaymentHistory{}, err
	}
	p, steps := Fold(stream)
	return PaymentHistory{Payment: p, Steps: steps, Revision: stream.Revision()}, nil
}

// Order reads an order with its payments. One that nobody has drafted does not exist.
func (h *Histories) Order(ctx context.Context, id string) (OrderHistory, error) {
	o, err := h.OrderAlone(ctx, id)
	if err != nil || !o.Exists() {
		return o, err
	}
	ids, err := PaymentsOf(ctx, h.db.Pool(), id, o.ContractorID)
	if err != nil {
		return o, err
	}
	for _, id := range ids {
		p, err := h.payment(ctx, id)
		if err != nil {
			return o, err
		}
		o.Payments = append(o.Payments, p)
		o.Revision += p.Revision
	}
	return o, nil
}

// OrderAlone reads an order without its payments.
func (h *Histories) OrderAlone(ctx context.Context, id string) (OrderHistory, error) {
	stream, err := h.journal.Read(ctx, order.Stream(id))
	if err != nil {
		return OrderHistory{}, err
	}
	o, steps := FoldOrder(stream)
	return OrderHistory{Order: o, Steps: steps, Revision: stream.Revision()}, nil
}

// AwaitOrder waits until ordering-core's version of an order is here, and reports whether it is before ctx
// ends.
func (h *Histories) AwaitOrder(ctx context.Context, id string, sequence int64) bool {
	return h.journal.Await(ctx, order.Stream(id), func(s journal.Stream) bool {
		o, _ := FoldOrder(s)
		return o.Sequence >= sequence
	})
}
