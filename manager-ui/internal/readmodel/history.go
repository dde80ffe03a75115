package readmodel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/evidence"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/signing"
)

// Histories reads payments and orders with everything that happened to them.
type Histories struct {
	*orderview.Histories
	db      *pg.DB
	journal *journal.Journal
}

// NewHistories returns the histories that are in the journal.
func NewHistories(db *pg.DB, j *journal.Journal) *Histories {
	return &Histories{orderview.NewHistories(db, j), db, j}
}

// PaymentHistory is a payment with everything that happened to it.
type PaymentHistory struct {
	paymentview.History
	Command *PendingCommand // nil for none
}

// PendingCommand is a capture or a release that payments-core has accepted. Until an event says what came of
// it, nothing else can be asked for.
type PendingCommand struct {
	Operation payment.OperationKind
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

// Payment reads a payment, with the one that asks again for it and its pending command. One that nobody has
// requested does not exist.
func (h *Histories) Payment(ctx context.Context, id string) (p PaymentHistory, err error) {
	if p.History, err = h.Histories.Payment(ctx, id); err != nil || !p.Exists() {
		return p, err
	}
	if p.SupersededBy, err = SupersededBy(ctx, h.db, id); err != nil {
		return p, err
	}
	p.Command, err = h.pendingCommand(ctx, id)
	return p, err
}

// Evidence is what proves a payment's events that have come from the log.
func (h *Histories) Evidence(ctx context.Context, id string, keys *signing.Keys) (evidence.Bundle, error) {
	records, err := h.journal.ReadSigned(ctx, payment.Stream(id))
	return evidence.Of(id, records, keys), err
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
