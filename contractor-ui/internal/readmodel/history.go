package readmodel

import (
	"context"

	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Histories reads payments and orders with everything that happened to them.
type Histories struct {
	*orderview.Histories
	db *pg.DB
}

// NewHistories returns the histories that are in the journal.
func NewHistories(db *pg.DB, j *journal.Journal) *Histories {
	return &Histories{orderview.NewHistories(db, j), db}
}

// PaymentHistory is a payment with everything that happened to it.
type PaymentHistory struct{ paymentview.History }

// Shown counts every change of what is shown of the payment, as Payment.Shown does.
func (p PaymentHistory) Shown() int64 {
	if p.SupersededBy != "" {
		return p.Revision + 1
	}
	return p.Revision
}

// Payment reads a payment, with the one that asks again for it. One that nobody has requested does not exist.
func (h *Histories) Payment(ctx context.Context, id string) (PaymentHistory, error) {
	p, err := h.Histories.Payment(ctx, id)
	if err == nil && p.Exists() {
		p.SupersededBy, err = SupersededBy(ctx, h.db.Pool(), id)
	}
	return PaymentHistory{p}, err
}
