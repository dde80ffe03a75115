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

// underWay tells whether the outcome of a payment that can pay the order is to be waited for. Its case is locked.
func (s *Sweeper) underWay(ctx context.Context, tx *pg.Tx, c *orders.Case) (bool, error) {
	payments, err := s.payments.Payments(ctx, tx, c)
	if err != nil {
		return false, err
	}
	for _, p := range payments {
		if !p.TakesItsCourse() {
			continue
		}
		if _, refusal := c.Order.Pay(p.ID, p.Amount, p.ContractorID); refusal == nil {
			return true, nil
		}
	}
	return false, nil
}

// Project has orders looked at again whose payment has news: what held them back may be over. It is a
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
	// The transaction holds these cases, so no two of these wait for each other. After a failure the wait goes on.
	_, err := tx.Exec(ctx, `update deadlines set sweep_at = due_at where sweep_at > due_at and failures = 0
		and order_id = any (array(select case_id from case_members where stream = any($1)))`, payments)
	if err != nil {
		return fmt.Errorf("look at deadlines again: %w", err)
	}
	return nil
}
