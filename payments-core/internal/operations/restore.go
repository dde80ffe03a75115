package operations

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
)

// restoreBatch is how many of the gateway's records are compared at once.
const restoreBatch = 500

// Restore brings the operations to what the gateway has on record, after a restore from a backup and once the
// journal has the events again that it lacked. What the gateway has answered is not asked again. Where the
// event of an answer was lost, Restore writes it. It reports each change.
func (s *Service) Restore(ctx context.Context, tx *pg.Tx, g gateway.Gateway, report func(string)) error {
	missing := map[string][]gateway.Record{}
	batch := make([]gateway.Record, 0, restoreBatch)
	for record, err := range g.Records(ctx, "") {
		if err != nil {
			return fmt.Errorf("read the gateway's record: %w", err)
		}
		if batch = append(batch, record); len(batch) == restoreBatch {
			if err := s.addMissing(ctx, tx, batch, missing); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := s.addMissing(ctx, tx, batch, missing); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		records := missing[id]
		slices.SortFunc(records, func(a, b gateway.Record) int {
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key, b.Key))
		})
		for _, record := range records {
			if err := s.restore(ctx, tx, record, report); err != nil {
				return fmt.Errorf("restore operation %s: %w", record.Key, err)
			}
		}
		locked, err := s.load(ctx, tx, id)
		if err == nil {
			err = s.unstick(ctx, tx, locked, report)
		}
		if err != nil {
			return err
		}
		if locked.payment.Exists() {
			if err := s.applyRules(ctx, tx, locked); err != nil {
				return err
			}
		}
	}
	return nil
}

// unstick closes a stuck operation that was done by the payment's events: an operator has settled it since
// the backup.
func (s *Service) unstick(ctx context.Context, tx *pg.Tx, locked *lockedPayment, report func(string)) error {
	stuck, is := locked.history.Open()
	if !is || !stuck.Stuck() || !succeeded(locked.payment, stuck.Kind) {
		return nil
	}
	stuck.State, stuck.ClosedAt = Succeeded, locked.payment.UpdatedAt
	stuck.Handled = Handling{By: "adopt", Why: "the payment's events tell that it was done"}
	report(fmt.Sprintf("settled: %s, which was stuck: the payment's events tell that it was done", stuck.Key))
	if err := update(ctx, tx, stuck); err != nil {
		return err
	}
	locked.history[slices.IndexFunc(locked.history, func(o Operation) bool { return o.ID == stuck.ID })] = stuck
	return nil
}

// addMissing adds to missing, by payment, the records without a closed operation of ours. A payment with a
// stuck operation is added too.
func (s *Service) addMissing(
	ctx context.Context, tx *pg.Tx, records []gateway.Record, missing map[string][]gateway.Record,
) error {
	ids := pg.Column(records, func(r gateway.Record) string { return r.PaymentID })
	slices.Sort(ids)
	histories, err := Histories(ctx, tx, slices.Compact(ids)...)
	if err != nil {
		return err
	}
	for _, r := range records {
		o, known := histories[r.PaymentID].byKey(r.Key)
		switch {
		case !known, o.State == Open && !o.Stuck():
			missing[r.PaymentID] = append(missing[r.PaymentID], r)
		case o.Stuck() && missing[r.PaymentID] == nil:
			missing[r.PaymentID] = []gateway.Record{}
		}
	}
	return nil
}

// restore inserts the operation of a record if it is missing, and closes it with the record's outcome.
func (s *Service) restore(ctx context.Context, tx *pg.Tx, record gateway.Record, report func(string)) error {
	kind, n, ours := parseKey(record)
	locked, err := s.load(ctx, tx, record.PaymentID)
	if err != nil {
		return err
	}
	if !ours || !locked.payment.Exists() {
		report(fmt.Sprintf("left alone: the gateway has a record of %s, for which nobody here has asked", record.Key))
		return nil
	}
	o, open := locked.history.byKey(record.Key)
	if !open {
		other, is := locked.history.Open()
		switch {
		case is && other.Stuck() && other.Kind == kind && other.N < n:
			// An operator has retried it since the backup; who, and why, is not on record any more.
			other.State, other.ClosedAt = Failed, record.At
			other.Handled = Handling{By: "adopt", Why: "the gateway was asked again, as " + record.Key}
			if err := update(ctx, tx, other); err != nil {
				return err
			}
			if locked, err = s.load(ctx, tx, record.PaymentID); err != nil {
				return err
			}
			report(fmt.Sprintf("given up: %s, which was stuck: the gateway was asked again, as %s", other.Key, record.Key))
		case is:
			// Only one can be open. It was opened in the past of this database, and the gateway never
			// answered it.
			report(fmt.Sprintf("left alone: %s is open, and the gateway has a record of %s", other.Key, record.Key))
			return nil
		}
		o = NewOperation(locked.payment, locked.history, kind, locked.payment.MoneyReason, event.Meta{})
		o.N, o.Amount = n, record.Amount
		if kind != payment.Authorize {
			o.HoldReference = cmp.Or(record.Result.Reference, o.HoldReference)
		}
		e, found := locked.outcome(kind, record.Result)
		if o.Meta = e.Meta; !found {
			o.Meta = event.CausedBy(locked.cause)
		}
		if err := insert(ctx, tx, []*Operation{&o}); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "update operations set opened_at = $2 where id = $1", o.ID, record.At); err != nil {
			return fmt.Errorf("set when it was opened: %w", err)
		}
		locked.history = append(locked.history, o)
	}
	done := OutcomeOf(locked.payment, locked.order, o, record.Result)
	outcome := "approved"
	if !record.Result.Approved() {
		outcome = "refused"
	}
	isKnown := known(locked.payment, locked.history, kind, n, done)
	if isKnown || done.Err != nil {
		report(fmt.Sprintf("restored from the gateway's record: %s, %s", record.Key, outcome))
		if !isKnown {
			report(fmt.Sprintf("look at it: %v", done.Err))
		}
		done.Operation.happened(record.At)
		return update(ctx, tx, done.Operation)
	}
	report(fmt.Sprintf("restored from the gateway's record: %s, %s, which no event tells", record.Key, outcome))
	_, err = s.conclude(ctx, tx, locked, &done)
	return err
}

// parseKey reads "payment:kind:n"; ours is false for any other key.
func parseKey(record gateway.Record) (kind payment.OperationKind, n int, ours bool) {
	rest, is := strings.CutPrefix(record.Key, record.PaymentID+":"+string(record.Kind)+":")
	n, err := strconv.Atoi(rest)
	return payment.OperationKind(record.Kind), n, is && err == nil && n > 0
}

// outcome finds the event that records an answer of the gateway.
func (locked *lockedPayment) outcome(kind payment.OperationKind, result gateway.Result) (e event.Event, found bool) {
	typ := map[payment.OperationKind]string{
		payment.Authorize: payment.TypeAuthorized, payment.Capture: payment.TypeCaptured,
		payment.Release: payment.TypeReleased, payment.Refund: payment.TypeRefunded,
	}[kind]
	if !result.Approved() && kind == payment.Authorize {
		typ = payment.TypeDeclined
	}
	for _, record := range locked.stream.Records {
		if record.Type == typ {
			e, found = record.Event, true
		}
	}
	return e, found
}

// known reports whether the payment's events hold an outcome already, or need not hold it.
func known(p payment.Payment, history History, kind payment.OperationKind, n int, done Outcome) bool {
	switch o := done.Operation; {
	case o.State == Open: // stuck
		return p.Stuck == kind || p.Released.Done() || p.Refunded.Done()
	case o.State == Failed && kind == payment.Authorize:
		return p.Declines > declinesBefore(history, n)
	case o.State == Failed && (done.Body == nil && done.Err == nil):
		return !done.Again || succeeded(p, kind) || p.Stuck == kind
	case o.State == Failed:
		return p.Released.Done()
	}
	return succeeded(p, kind)
}

// declinesBefore is how many declines the events hold before the nth authorization was refused. An operation
// that an operator retried has no event.
func declinesBefore(history History, n int) (declines int) {
	for _, o := range history.Refusals(payment.Authorize) {
		if o.N < n && o.Handled.By == "" {
			declines++
		}
	}
	return declines
}

func succeeded(p payment.Payment, kind payment.OperationKind) bool {
	switch kind {
	case payment.Authorize:
		return p.Authorized.Done()
	case payment.Capture:
		return p.Captured.Done()
	case payment.Release:
		return p.Released.Done()
	case payment.Refund:
		return p.Refunded.Done()
	}
	return false
}
