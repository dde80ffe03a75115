package reconciling

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

// ordersAgainstPayments compares received orders with the money that is held or kept for them, and returns
// the orders with a difference: an event may be on its way to ordering-core, or from there.
func (r *Reconciler) ordersAgainstPayments(ctx context.Context, tx pgx.Tx) (suspects []string, err error) {
	prefix := order.Stream("")
	if _, err := tx.Exec(ctx, "create index on for_orders (order_id); analyze for_orders"); err != nil {
		return nil, err
	}
	cursor := fmt.Sprintf(`declare orders cursor for select order_id from for_orders
		union select substr(stream, %d) from streams where starts_with(stream, '%s') and version > 0 order by 1`,
		len(prefix)+1, prefix)
	if _, err := tx.Exec(ctx, cursor); err != nil {
		return nil, err
	}
	done := 0
	err = r.pages(ctx, tx, "orders", func(ids []string) error {
		differences, err := r.compareOrders(ctx, tx, ids)
		for _, id := range ids {
			if len(differences[id]) > 0 {
				suspects = append(suspects, id)
			}
		}
		done += len(ids)
		r.progress("compared %d orders with their payments", done)
		return err
	})
	return suspects, err
}

// compareOrders returns the differences of each order.
func (r *Reconciler) compareOrders(ctx context.Context, tx pgx.Tx, ids []string) (map[string][]string, error) {
	var streams, paymentIDs []string
	payments := map[string][]string{}
	var orderID, id string
	err := pg.ForEach(ctx, tx, []any{&orderID, &id}, func() {
		payments[orderID] = append(payments[orderID], id)
		paymentIDs, streams = append(paymentIDs, id), append(streams, payment.Stream(id))
	}, "select order_id, payment_id from for_orders where order_id = any($1) order by 1, 2", ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		streams = append(streams, order.Stream(id))
	}
	read, err := r.Journal.ReadSome(ctx, tx, streams...)
	if err != nil {
		return nil, err
	}
	histories, err := operations.Histories(ctx, tx, paymentIDs...)
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, id := range ids {
		var forIt []releasing.Payment
		for _, p := range payments[id] {
			folded := operations.Fold(read[payment.Stream(p)])
			if folded.OrderID != id {
				continue
			}
			_, open := histories[p].Open()
			forIt = append(forIt, releasing.Payment{Payment: folded, Asked: open})
		}
		found[id] = compareOrder(releasing.Fold(id, journal.Entries(read[order.Stream(id)])), forIt)
	}
	return found, nil
}

func compareOrder(o releasing.Order, payments []releasing.Payment) (found []string) {
	differ := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, c := range releasing.Commands(o, payments...) {
		differ("order %s: payment %s is to be let go (%s), and nothing is under way: %s", o.ID, c.PaymentID, c.Kind, c.Reason)
	}
	var kept []releasing.Payment
	for _, p := range payments {
		if p.Money == payment.MoneyCaptured && !p.Asked {
			kept = append(kept, p)
		}
	}
	switch {
	case o.PaidBy == "":
		for _, p := range kept {
			if !o.Refuses(p.ID) { // else it is reported above
				differ("order %s: it is not paid, and payment %s keeps %s for it", o.ID, p.ID, p.CapturedAmount)
			}
		}
	case len(kept) != 1 || kept[0].ID != o.PaidBy:
		differ("order %s: it was paid by payment %s, and %d payments keep money for it", o.ID, o.PaidBy, len(kept))
	case kept[0].CapturedAmount != o.Total:
		differ("order %s: its total is %s, and payment %s, which paid it, captured %s", o.ID, o.Total, o.PaidBy, kept[0].CapturedAmount)
	}
	return found
}

// compareAgain checks the suspects until they have arrived, and reports those that have not after Patience.
func (r *Reconciler) compareAgain(ctx context.Context, conn *pgx.Conn, left suspects) error {
	for began := time.Now(); len(left.orders)+len(left.keys) > 0; {
		last := time.Since(began) > r.Patience
		if err := r.recheck(ctx, conn, &left, last); err != nil || last {
			return err
		}
		r.progress("%d differences may be under way, and are looked at again", len(left.orders)+len(left.keys))
		if !wait.Sleep(ctx, retryInterval) {
			return ctx.Err()
		}
	}
	return nil
}

// recheck keeps the suspects that still differ, and reports them if report is set.
func (r *Reconciler) recheck(ctx context.Context, conn *pgx.Conn, left *suspects, report bool) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, forKeys); err != nil {
		return err
	}
	var orders []string
	for ids := range slices.Chunk(left.orders, page) {
		// With the payments that were received since.
		if _, err := tx.Exec(ctx, `insert into for_orders select process_id, substr(stream, $2) from process_members c
			where process_id = any($1) and starts_with(stream, $3)
			and not exists (select from for_orders f where f.order_id = c.process_id and f.payment_id = substr(c.stream, $2))`,
			ids, len(payment.Stream(""))+1, payment.Stream("")); err != nil {
			return err
		}
		differences, err := r.compareOrders(ctx, tx, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if len(differences[id]) > 0 {
				orders = append(orders, id)
			}
			if report {
				for _, difference := range differences[id] {
					r.Report(difference)
				}
			}
		}
	}
	if _, err := tx.Exec(ctx, forJoins); err != nil {
		return err
	}
	keys, err := pg.Rows(ctx, tx, pgx.RowTo[string],
		"select k from unnest($1::text[]) k where not exists (select from operations where key = k) order by 1", left.keys)
	if err != nil {
		return err
	}
	if report {
		for _, key := range keys {
			r.differ("key %s: the gateway has a record of it, and we have none", key)
		}
	}
	left.orders, left.keys = orders, keys
	return tx.Commit(ctx)
}

// stranded reports keys whose events wait behind a dead letter that is not there.
func (r *Reconciler) stranded(ctx context.Context) error {
	keys, err := inbox.Stranded(ctx, r.DB)
	for _, k := range keys {
		r.differ("topic %s: %d events of %s wait since %s behind a dead letter that is not there: `payments-core dead-letters free` records them",
			k.Topic, k.Waiting, k.Key, k.Since.UTC().Format(time.RFC3339))
	}
	return err
}

func sum(minor int64, currency string) money.Amount {
	return money.Amount{Minor: minor, Currency: currency}
}
