package orders

import (
	"context"
	"fmt"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/pg"
)

// Due is when an order ends by itself: a submitted one at its ExpiresAt, a draft once it has lain idle for
// long enough. It is zero for an order that has ended.
func (s *Service) Due(o order.Order) time.Time {
	switch o.State {
	case order.StateDraft:
		return o.UpdatedAt.Add(s.rules.DraftTTL)
	case order.StateSubmitted:
		return o.ExpiresAt
	}
	return time.Time{}
}

// schedule brings the order's deadline up to date. The caller holds the order's process lock. A draft gets
// its deadline when it is begun, and its edits write none: the sweeper checks how long it has lain idle.
func (s *Service) schedule(ctx context.Context, tx *pg.Tx, o order.Order, because order.Body) error {
	if _, begun := because.(order.Drafted); o.State == order.StateDraft && !begun {
		return nil
	}
	return s.reschedule(ctx, tx, o)
}

// reschedule stores the deadline that the order has now, or deletes it.
func (s *Service) reschedule(ctx context.Context, tx *pg.Tx, o order.Order) error {
	due := s.Due(o)
	if due.IsZero() {
		if _, err := tx.Exec(ctx, "delete from deadlines where order_id = $1", o.ID); err != nil {
			return fmt.Errorf("drop the deadline of an order: %w", err)
		}
		return nil
	}
	// The same deadline again must not undo that a payment delays it.
	_, err := tx.Exec(ctx, `insert into deadlines (order_id, due_at, sweep_at) values ($1, $2, $2)
		on conflict (order_id) do update set due_at = excluded.due_at, sweep_at = excluded.sweep_at, failures = 0, last_error = ''
		where deadlines.due_at <> excluded.due_at`, o.ID, due)
	if err != nil {
		return fmt.Errorf("set the deadline of an order: %w", err)
	}
	return nil
}
