package confirming

import (
	"context"
	"maps"
	"slices"
	"strings"

	"countersign.example/ordering-core/internal/orders"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Manager runs the process in the transactions that record received events.
type Manager struct {
	journal *journal.Journal
	orders  *orders.Service
}

// New returns a manager.
func New(j *journal.Journal, orders *orders.Service) *Manager {
	return &Manager{journal: j, orders: orders}
}

// Project decides about the orders whose payments have changed, and records the decision. It is a
// journal.Projector, and needs the process locks of processlock.Before. A change of the order itself decides
// nothing: its captured payments were decided about when their events were received.
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
	locked, err := m.orders.Load(ctx, tx, orderID)
	if err != nil {
		return err
	}
	payments, err := m.Payments(ctx, tx, locked)
	if err != nil {
		return err
	}
	for {
		command, wanted := Next(locked.Order, payments...)
		if !wanted {
			return nil
		}
		if err := m.orders.Record(event.WithMeta(ctx, event.CausedBy(command.Cause)), tx, locked, command.Body); err != nil {
			return err
		}
	}
}

// Payments returns the payments that were requested for an order, whose process the transaction has locked.
func (m *Manager) Payments(ctx context.Context, tx *pg.Tx, locked *orders.Locked) ([]Payment, error) {
	ids := slices.DeleteFunc(slices.Clone(locked.Members), func(id string) bool { return !isPayment(id) })
	streams, err := m.journal.Load(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	var payments []Payment
	for _, s := range streams {
		if p := fold(s); p.OrderID == locked.ID {
			payments = append(payments, p)
		}
	}
	return payments, nil
}

func isPayment(stream string) bool { return strings.HasPrefix(stream, payment.Stream("")) }

// fold is the payment that a stream comes to.
func fold(s journal.Stream) Payment { return Fold(journal.Entries(s)) }
