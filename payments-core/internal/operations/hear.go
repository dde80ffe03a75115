package operations

import (
	"context"
	"maps"
	"slices"
	"strings"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/cases"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Before locks the cases of what was heard. It is kafka.Recording's.
func (d *Desk) Before(_ context.Context, tx *pg.Tx, heard []journal.Heard) error {
	var members []cases.Member
	streams := make([]string, len(heard))
	for i, h := range heard {
		streams[i] = h.Stream
		members = append(members, releasing.Members(h.Event, h.Stream)...)
	}
	cases.Hold(tx, members, streams...)
	return nil
}

// Project does what follows from changed streams, of payments and of orders. It is a journal.Projector; Before has
// locked the cases.
func (d *Desk) Project(ctx context.Context, tx *pg.Tx, changed []journal.Stream) error {
	streams := make(map[string]journal.Stream, len(changed))
	dossiers := map[string]*dossier{}
	var orders []string
	for _, s := range changed {
		streams[s.ID] = s
		if isPayment(s.ID) {
			dossiers[s.ID] = read(s)
		} else {
			orders = append(orders, s.ID)
		}
	}
	more, err := d.complete(ctx, tx, streams, dossiers, orders)
	if err != nil {
		return err
	}
	for id, s := range more {
		streams[id] = s
		if isPayment(id) {
			dossiers[id] = read(s)
		}
	}
	var affected []*dossier
	var ids []string
	for _, stream := range slices.Sorted(maps.Keys(dossiers)) {
		c := dossiers[stream]
		if c.order = orderOf(c.payment, streams); c.matters() {
			affected, ids = append(affected, c), append(ids, c.payment.ID)
		}
	}
	if len(affected) == 0 {
		return nil
	}
	histories, err := Histories(ctx, tx, ids...)
	if err != nil {
		return err
	}
	for _, c := range affected {
		c.history = histories[c.payment.ID]
	}
	return d.follow(ctx, tx, affected...)
}

// complete reads what changed streams have to be seen together with: a payment with its order, and an order with its
// payments.
func (d *Desk) complete(ctx context.Context, tx *pg.Tx, known map[string]journal.Stream, payments map[string]*dossier, orders []string) (map[string]journal.Stream, error) {
	var missing []string
	for _, c := range payments {
		if c.payment.OrderID != "" {
			missing = append(missing, order.Stream(c.payment.OrderID))
		}
	}
	if len(orders) > 0 {
		held, err := cases.Of(ctx, tx, orders...)
		if err != nil {
			return nil, err
		}
		missing = append(missing, held.Streams()...)
	}
	missing = slices.DeleteFunc(missing, func(id string) bool {
		_, there := known[id]
		return there
	})
	if len(missing) == 0 {
		return nil, nil
	}
	return d.journal.Load(ctx, tx, missing...)
}

// matters reports whether anything can be wanted: without a decision or after the end there is nothing to look up.
func (c *dossier) matters() bool {
	if _, ended := c.payment.Ended(); ended || !c.payment.Exists() {
		return false
	}
	return c.payment.Decision == payment.DecisionAccepted || c.order.Refuses(c.payment.ID)
}

func isPayment(stream string) bool { return strings.HasPrefix(stream, payment.Stream("")) }
