package readmodel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

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
	Revision int64           // of its stream
	Command  *PendingCommand // nil for none
}

// PendingCommand is a capture or a release that payments-core has accepted. Until an event says what came of
// it, nothing else can be asked for.
type PendingCommand struct {
	Operation payment.Operation
	ByName    string
	At        time.Time
}

// Shown counts every change of what is shown of the payment, as Payment.Shown does.
func (p PaymentHistory) Shown() int64 {
	shown := p.Revision
	if p.SupersededBy != "" {
		shown++
	}
	if p.Command != nil {
		shown++
	}
	return shown
}

// OrderHistory is an order with its contractor's payments.
type OrderHistory struct {
	order.Order
	Steps    []order.Step
	Payments []PaymentHistory // the oldest first; what asks again for them, and their commands, are not read
	Revision int64            // of the order's stream and of its payments' together, as Order.Shown has it
}

// Payment reads a payment, with the one that asks again for it and its pending command. One that nobody has
// requested does not exist.
func (h *Histories) Payment(ctx context.Context, id string) (PaymentHistory, error) {
	p, err := h.payment(ctx, id)
	if err != nil || !p.Exists() {
		return p, err
	}
	if p.SupersededBy, err = SupersededBy(ctx, h.db, id); err != nil {
		return p, err
	}
	p.Command, err = h.pendingCommand(ctx, id)
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

func (h *Histories) pendingCommand(ctx context.Context, id string) (*PendingCommand, error) {
	var p PendingCommand
	const query = "select kind, by_name, at from under_way where payment_id = $1"
	err := h.db.Pool().QueryRow(ctx, query, id).Scan(&p.Operation, &p.ByName, &p.At)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the pending command of a payment: %w", err)
	}
	return &p, nil
}

// Order reads an order with its payments. One that nobody has drafted does not exist.
func (h *Histories) Order(ctx context.Context, id string) (o OrderHistory, err error) {
	stream, err := h.journal.Read(ctx, order.Stream(id))
	if err != nil {
		return o, err
	}
	o.Order, o.Steps = FoldOrder(stream)
	o.Revision = stream.Revision()
	if !o.Exists() {
		return o, nil
	}
	rows, err := FindOrders(ctx, h.db, id)
	if err != nil || len(rows) == 0 {
		return o, err
	}
	for _, row := range rows[0].Payments {
		p, err := h.payment(ctx, row.ID)
		if err != nil {
			return o, err
		}
		o.Payments = append(o.Payments, p)
		o.Revision += p.Revision
	}
	return o, nil
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
