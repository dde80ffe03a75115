package confirming

import (
	"context"
	"maps"
	"slices"
	"strings"

	"countersign.example/ordering-core/internal/orders"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/cases"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Manager runs the process in the transactions that record what was heard.
type Manager struct {
	journal *journal.Journal
	desk    *orders.Desk
}

// New returns a manager that records by desk.
func New(j *journal.Journal, desk *orders.Desk) *Manager { return &Manager{journal: j, desk: desk} }

// Before locks the cases of what was heard. It is kafka.Recording's.
func (m *Manager) Before(_ context.Context, tx *pg.Tx, heard []journal.Received) error {
	var members []cases.Member
	streams := make([]string, len(heard))
	for i, h := range heard {
		streams[i] = h.Stream
		members = append(members, Members(h.Event, h.Stream)...)
	}
	cases.Hold(tx, members, streams...)
	return nil
}

// Project decides about the orders whose payments have changed, and records that. It is a journal.Projector; Before has
// locked the cases. What happens to an order changes nothing about payments that were captured before: about those
// was decided when they were heard.
func (m *Manager) Project(ctx context.Context, tx *pg.Tx, changed []journal.Stream) error {
	affected := map[string]bool{}
	for _, s := range changed {
		if !isPayment(s.ID) {
			continue
		}
		if p := fold(s); p.OrderID != "" && p.Kept() {
			affected[p.OrderID] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(affected)) {
		if err := m.decide(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) decide(ctx context.Context, tx *pg.Tx, orderID string) error {
	c, err := m.desk.Load(ctx, tx, orderID)
	if err != nil {
		return err
	}
	payments, err := m.Payments(ctx, tx, c)
	if err != nil {
		return err
	}
	for {
		command, wanted := Next(c.Order, payments...)
		if !wanted {
			return nil
		}
		if err := m.desk.Record(event.WithMeta(ctx, event.CausedBy(command.Cause)), tx, c, command.Body); err != nil {
			return err
		}
	}
}

// Payments are those that were requested for an order, whose case the transaction holds.
func (m *Manager) Payments(ctx context.Context, tx *pg.Tx, c *orders.Case) ([]Payment, error) {
	ids := slices.DeleteFunc(slices.Clone(c.Members), func(id string) bool { return !isPayment(id) })
	streams, err := m.journal.Load(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	var payments []Payment
	for _, s := range streams {
		if p := fold(s); p.OrderID == c.ID {
			payments = append(payments, p)
		}
	}
	return payments, nil
}

func isPayment(stream string) bool { return strings.HasPrefix(stream, payment.Stream("")) }

// fold is the payment that a stream comes to.
func fold(s journal.Stream) Payment { return Fold(journal.Entries[payment.Entry](s)) }
