package orders

import (
	"context"
	"fmt"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/pg"
)

// Due is when an order ends by itself: a submitted one when it says, a draft when it has lain idle for long enough.
// It is zero for what has ended.
func (d *Desk) Due(o order.Order) time.Time {
	switch o.State {
	case order.StateDraft:
		return o.UpdatedAt.Add(d.rules.DraftTTL)
	case order.StateSubmitted:
		return o.ExpiresAt
	}
	return time.Time{}
}

// schedule brings the order's deadline to what the order is now. The caller holds the order's case. A draft gets its
// deadline when it is begun: its edits cost no write, and who sweeps looks for how long it has lain idle.
func (d *Desk) schedule(ctx context.Context, tx *pg.Tx, o order.Order, because order.Body) error {
	if _, begun := because.(order.Drafted); o.State == order.StateDraft && !begun {
		return nil
	}
	return d.reschedule(ctx, tx, o)
}

// reschedule gives the order the deadline that it is to have now.
func (d *Desk) reschedule(ctx context.Context, tx *pg.Tx, o order.Order) error {
	due := d.Due(o)
	if due.IsZero() {
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
