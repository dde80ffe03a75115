package orders

import (
	"context"
	"fmt"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/pg"
)

// schedule brings the order's deadline to what the order is now: a submitted one ends when it says, a draft when it
// has lain idle for long enough, and what has ended has none. The caller holds the order's case.
func (d *Desk) schedule(ctx context.Context, tx *pg.Tx, o order.Order) error {
	var due time.Time
	switch o.State {
	case order.StateDraft:
		due = o.UpdatedAt.Add(d.rules.DraftTTL)
	case order.StateSubmitted:
		due = o.ExpiresAt
	default:
		if _, err := tx.Exec(ctx, "delete from deadlines where order_id = $1", o.ID); err != nil {
			return fmt.Errorf("drop the deadline of an order: %w", err)
		}
		return nil
	}
	// What is said again must not undo that a payment holds it back.
	_, err := tx.Exec(ctx, `insert into deadlines (order_id, due_at, sweep_at) values ($1, $2, $2)
		on conflict (order_id) do update set due_at = excluded.due_at, sweep_at = excluded.sweep_at, failures = 0, last_error = ''
		where deadlines.due_at <> excluded.due_at`, o.ID, due)
	if err != nil {
		return fmt.Errorf("set the deadline of an order: %w", err)
	}
	return nil
}
