package reconciling

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/pg"
)

// foldsAgainstOperations compares each payment's events with its operations, and stores which payments are
// for orders.
func (r *Reconciler) foldsAgainstOperations(ctx context.Context, tx pgx.Tx) error {
	cursor := "declare payments cursor for select distinct subject from journal where type = '" + payment.TypeRequested + "' order by 1"
	if _, err := tx.Exec(ctx, cursor); err != nil {
		return err
	}
	done := 0
	err := fill(ctx, tx, "for_orders", []string{"order_id", "payment_id"}, func(add func(...any) error) error {
		return r.pages(ctx, tx, "payments", func(ids []string) error {
			read, err := r.Journal.ReadSome(ctx, tx, pg.Column(ids, payment.Stream)...)
			if err != nil {
				return err
			}
			histories, err := operations.Histories(ctx, tx, ids...)
			if err != nil {
				return err
			}
			for _, id := range ids {
				p := operations.Fold(read[payment.Stream(id)])
				r.compare(p, histories[id])
				if p.OrderID == "" {
					continue
				}
				if err := add(p.OrderID, id); err != nil {
					return err
				}
			}
			done += len(ids)
			r.progress("compared %d payments with their operations", done)
			return nil
		})
	})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, forJoins); err != nil {
		return err
	}
	return r.differences(ctx, tx, `select distinct format('payment %s: there are operations for it, and nobody has requested it', payment_id)
		from operations o where not exists (
		select from journal j where j.stream = $1 || o.payment_id and j.type = $2) order by 1`, payment.Stream(""), payment.TypeRequested)
}

// pages calls each with the ids of a cursor, some at a time, and with the planner set for reading by keys.
func (r *Reconciler) pages(ctx context.Context, tx pgx.Tx, cursor string, each func(ids []string) error) error {
	if _, err := tx.Exec(ctx, forKeys); err != nil {
		return err
	}
	for {
		ids, err := pg.Rows(ctx, tx, pgx.RowTo[string], fmt.Sprintf("fetch %d from %s", page, cursor))
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := each(ids); err != nil {
			return err
		}
	}
}

func (r *Reconciler) compare(p payment.Payment, history operations.History) {
	done := func(kind payment.OperationKind) bool { _, ok := history.Succeeded(kind); return ok }
	for _, fact := range []struct {
		kind payment.OperationKind
		act  payment.Act
	}{{payment.Authorize, p.Authorized}, {payment.Capture, p.Captured}, {payment.Refund, p.Refunded}} {
		if done(fact.kind) != fact.act.Done() {
			r.differ("payment %s: %s succeeded at the gateway: %t, and in its events: %t",
				p.ID, fact.kind, done(fact.kind), fact.act.Done())
		}
	}
	// A hold can also end by itself, or by a refused capture.
	if done(payment.Release) && !p.Released.Done() {
		r.differ("payment %s: its hold was released at the gateway, and not in its events", p.ID)
	}
	if p.CapturedAmount.Minor+p.ReleasedAmount.Minor > p.AuthorizedAmount.Minor || p.RefundedAmount.Minor > p.CapturedAmount.Minor {
		r.differ("payment %s: %s authorized, %s captured, %s released, %s refunded",
			p.ID, p.AuthorizedAmount, p.CapturedAmount, p.ReleasedAmount, p.RefundedAmount)
	}
}

// operationsAgainstGateway compares our operations with the gateway's own record, key by key, and returns the
// keys that only the gateway has. The snapshot is older than that record: what is closed in the snapshot is
// in the record, and a key that is not in the snapshot may have been opened since.
func (r *Reconciler) operationsAgainstGateway(ctx context.Context, tx pgx.Tx) (unknown []string, err error) {
	if err := r.readGateway(ctx, tx); err != nil {
		return nil, err
	}
	if err := r.openOperations(ctx, tx); err != nil {
		return nil, err
	}
	unknown, err = pg.Rows(ctx, tx, pgx.RowTo[string], `select g.key from gateway_records g
		where not exists (select from operations o where o.key = g.key) order by 1`)
	if err != nil {
		return nil, err
	}
	err = r.differences(ctx, tx, `select format('key %s: ours %s, and the gateway has no record of it', o.key, o.state)
		from operations o where state <> 'open' and handled_by = ''
		and not exists (select from gateway_records g where g.key = o.key) order by 1`)
	if err != nil {
		return nil, err
	}
	return unknown, r.outcomes(ctx, tx)
}

// openOperations reports the operations that are stuck, and those that the gateway has left unanswered for
// too long. One that the gateway has refused, and that is asked again later, is as it should be.
func (r *Reconciler) openOperations(ctx context.Context, tx pgx.Tx) error {
	err := r.differences(ctx, tx, "select format('key %s: stuck since %s: %s; retry or settle it with `payments-core operations`', key, "+
		`to_char(stuck_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), last_error)
		from operations where stuck_at is not null and closed_at is null order by key`)
	if err != nil {
		return err
	}
	return operations.EachUnanswered(ctx, tx, func(u operations.Unanswered) {
		if u.Attempts > 0 || u.Overdue(time.Now()) {
			r.differ("key %s: open since %s, after %d attempts: %s; asked next: %s",
				u.Key, u.OpenedAt.Format(time.RFC3339), u.Attempts, u.Why(), u.NextCall())
		}
	})
}

// outcomes reports the operations whose outcome, amount or kind is not that of the gateway's record.
func (r *Reconciler) outcomes(ctx context.Context, tx pgx.Tx) error {
	var key, kind, state, theirKind, currency, theirCurrency string
	var amount, theirs int64
	var approved bool
	columns := []any{&key, &kind, &state, &amount, &currency, &theirKind, &theirs, &theirCurrency, &approved}
	return pg.ForEach(ctx, tx, columns, func() {
		if kind != theirKind || amount != theirs || currency != theirCurrency {
			r.differ("key %s: ours is %s of %s, the gateway's %s of %s",
				key, kind, sum(amount, currency), theirKind, sum(theirs, theirCurrency))
			return
		}
		outcome := operations.Failed
		if approved {
			outcome = operations.Succeeded
		}
		r.differ("key %s: ours %s, the gateway's %s", key, state, outcome)
	}, `select o.key, o.kind, o.state, o.amount, o.currency, g.kind, g.amount, g.currency, g.approved
		from operations o join gateway_records g using (key)
		where handled_by = '' and (o.kind <> g.kind or o.amount <> g.amount or o.currency <> g.currency
			or o.state <> 'open' and (o.state = 'succeeded') <> g.approved) order by 1`)
}

// readGateway puts the gateway's record into a temporary table.
func (r *Reconciler) readGateway(ctx context.Context, tx pgx.Tx) error {
	columns := []string{"key", "kind", "amount", "currency", "approved"}
	err := fill(ctx, tx, "gateway_records", columns, func(add func(...any) error) error {
		done := 0
		for record, err := range r.Gateway.Records(ctx, "") {
			if err == nil {
				err = add(record.Key, string(record.Kind), record.Amount.Minor, record.Amount.Currency, record.Result.Approved())
			}
			if err != nil {
				return err
			}
			done++
			r.progress("read %d of the gateway's records", done)
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, forJoins+"; analyze gateway_records")
	return err
}
