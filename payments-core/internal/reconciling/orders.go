package reconciling

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
)

// ordersAgainstPayments compares what was heard of orders with the money that is held or kept for them.
func (r *Reconciler) ordersAgainstPayments(ctx context.Context, conn *pgxpool.Conn, payments map[string][]releasing.Payment) error {
	streams, err := collect[string](ctx, conn, "select stream from streams where starts_with(stream, $1) and version > 0 order by stream",
		order.Stream(""))
	if err != nil {
		return err
	}
	for _, id := range streams {
		stream, err := r.Journal.Read(ctx, id)
		if err != nil {
			return err
		}
		orderID := strings.TrimPrefix(id, order.Stream(""))
		r.compareOrder(releasing.Fold(orderID, journal.Entries[order.Entry](stream)), payments[orderID])
		delete(payments, orderID)
	}
	for id, forIt := range payments {
		r.compareOrder(releasing.Fold(id, nil), forIt)
	}
	return nil
}

func (r *Reconciler) compareOrder(o releasing.Order, payments []releasing.Payment) {
	for _, c := range releasing.Commands(o, payments...) {
		r.differ("order %s: payment %s is to be let go (%s), and nothing is under way: %s", o.ID, c.PaymentID, c.Kind, c.Reason)
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
			if !o.Refuses(p.ID) { // else it is told above
				r.differ("order %s: it is not paid, and payment %s keeps %s for it", o.ID, p.ID, p.CapturedAmount)
			}
		}
	case len(kept) != 1 || kept[0].ID != o.PaidBy:
		r.differ("order %s: it was paid by payment %s, and %d payments keep money for it", o.ID, o.PaidBy, len(kept))
	case kept[0].CapturedAmount != o.Total:
		r.differ("order %s: its total is %s, and payment %s, which paid it, captured %s", o.ID, o.Total, o.PaidBy, kept[0].CapturedAmount)
	}
}
