package operations

import (
	"context"
	"maps"
	"slices"
	"strings"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/pg"
)

// Project applies the rules to the payments that changed, and to those whose order changed. It is a
// journal.Projector, and needs the process locks of processlock.Before.
func (s *Service) Project(ctx context.Context, tx *pg.Tx, changed []journal.Stream) error {
	streams := make(map[string]journal.Stream, len(changed))
	payments := map[string]*lockedPayment{}
	var orders []string
	for _, stream := range changed {
		streams[stream.ID] = stream
		if isPayment(stream.ID) {
			payments[stream.ID] = read(stream)
		} else {
			orders = append(orders, stream.ID)
		}
	}
	related, err := s.loadRelated(ctx, tx, streams, payments, orders)
	if err != nil {
		return err
	}
	for id, stream := range related {
		streams[id] = stream
		if isPayment(id) {
			payments[id] = read(stream)
		}
	}
	var affected []*lockedPayment
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(payments)) {
		locked := payments[id]
		if locked.order = orderOf(locked.payment, streams); locked.actionable() {
			affected, ids = append(affected, locked), append(ids, locked.payment.ID)
		}
	}
	if len(affected) == 0 {
		return nil
	}
	histories, err := Histories(ctx, tx, ids...)
	if err != nil {
		return err
	}
	for _, locked := range affected {
		locked.history = histories[locked.payment.ID]
	}
	return s.applyRules(ctx, tx, affected...)
}

// loadRelated locks and reads what is decided together with the changed streams: the order of a payment, and
// the payments of an order.
func (s *Service) loadRelated(
	ctx context.Context, tx *pg.Tx, known map[string]journal.Stream, payments map[string]*lockedPayment, orders []string,
) (map[string]journal.Stream, error) {
	var missing []string
	for _, locked := range payments {
		if locked.payment.OrderID != "" {
			missing = append(missing, order.Stream(locked.payment.OrderID))
		}
	}
	if len(orders) > 0 {
		held, err := processlock.Read(ctx, tx, orders...)
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
	return s.journal.Load(ctx, tx, missing...)
}

// actionable reports whether the rules can want anything: nothing before a decision, nothing after the end.
func (locked *lockedPayment) actionable() bool {
	if _, ended := locked.payment.Ended(); ended || !locked.payment.Exists() {
		return false
	}
	return locked.payment.Decision == payment.DecisionAccepted || locked.order.Refuses(locked.payment.ID)
}

func isPayment(stream string) bool { return strings.HasPrefix(stream, payment.Stream("")) }
