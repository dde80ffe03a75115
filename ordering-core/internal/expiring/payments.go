package expiring

import (
	"context"
	"fmt"
	"strings"

	"countersign.example/ordering-core/internal/orders"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// awaitsPayment reports whether a payment that can pay the order has an open outcome. The order's process is
// locked.
func (s *Sweeper) awaitsPayment(ctx context.Context, tx *pg.Tx, locked *orders.Locked) (bool, error) {
	payments, err := s.payments.Payments(ctx, tx, locked)
	if err != nil {
		return false, err
	}
	for _, p := range payments {
		if !p.AwaitsOutcome() {
			continue
		}
		if _, refusal := locked.Order.Pay(p.ID, p.Amount, p.ContractorID); refusal == nil {
			return true, nil
		}
	}
	return false, nil
}

// Project makes orders due again whose payment has changed: what delayed them may be over. It is a
// journal.Projector.
func (s *Sweeper) Project(ctx context.Context, tx *pg.Tx, streams []journal.Stream) error {
	var payments []string
	for _, stream := range streams {
		if strings.HasPrefix(stream.ID, payment.Stream("")) {
			payments = append(payments, stream.ID)
		}
	}
	if len(payments) == 0 {
		return nil
	}
	// The transaction holds these process locks, so no two of these updates wait for each other. A failed
	// order keeps its delay.
	_, err := tx.Exec(ctx, `update deadlines set sweep_at = due_at where sweep_at > due_at and failures = 0
		and order_id = any (array(select process_id from process_members where stream = any($1)))`, payments)
	if err != nil {
		return fmt.Errorf("make deadlines due again: %w", err)
	}
	return nil
}
