package operations

import (
	"cmp"
	"context"
	"fmt"
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

// Restore brings the operations to what the gateway has on record: after a restore from a backup, when the journal has got back the
// events that it lacked. What the gateway has answered is not asked again, and where the event of its answer was lost, it is written
// now. It says what it did.
func (d *Desk) Restore(ctx context.Context, tx *pg.Tx, g gateway.Gateway, say func(string)) error {
	missing := map[string][]gateway.Record{}
	batch := make([]gateway.Record, 0, restoreBatch)
	for record, err := range g.Records(ctx, "") {
		if err != nil {
			return fmt.Errorf("read the gateway's record: %w", err)
		}
		if batch = append(batch, record); len(batch) == restoreBatch {
			if err := d.lacking(ctx, tx, batch, missing); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := d.lacking(ctx, tx, batch, missing); err != nil {
		return err
	}
	payments := make([]string, 0, len(missing))
	for id := range missing {
		payments = append(payments, id)
	}
	slices.Sort(payments)
	for _, id := range payments {
		records := missing[id]
		slices.SortFunc(records, func(a, b gateway.Record) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key, b.Key)) })
		for _, record := range records {
			if err := d.restore(ctx, tx, record, say); err != nil {
				return fmt.Errorf("restore operation %s: %w", record.Key, err)
			}
		}
		c, err := d.load(ctx, tx, id)
		if err == nil {
			err = d.unstick(ctx, tx, c, say)
		}
		if err != nil {
			return err
		}
		if c.payment.Exists() {
			if err := d.follow(ctx, tx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// unstick closes what is stuck although the payment's events tell that it was done: an operator has settled it since the backup.
func (d *Desk) unstick(ctx context.Context, tx *pg.Tx, c *dossier, say func(string)) error {
	stuck, is := c.history.Open()
	if !is || !stuck.Stuck() || !succeeded(c.payment, stuck.Kind) {
		return nil
	}
	stuck.State, stuck.ClosedAt = Succeeded, c.payment.UpdatedAt
	stuck.Handled = Handling{By: "adopt", Why: "the payment's events tell that it was done"}
	say(fmt.Sprintf("settled: %s, which was stuck: the payment's events tell that it was done", stuck.Key))
	if err := closeRow(ctx, tx, stuck); err != nil {
		return err
	}
	c.history[slices.IndexFunc(c.history, func(o Operation) bool { return o.ID == stuck.ID })] = stuck
	return nil
}

// lacking adds those records, by payment, of which we have no operation or one that is open, and payments of which one is stuck.
func (d *Desk) lacking(ctx context.Context, tx *pg.Tx, records []gateway.Record, missing map[string][]gateway.Record) error {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.PaymentID
	}
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

func (h History) byKey(key string) (Operation, bool) {
	i := slices.IndexFunc(h, func(o Operation) bool { return o.Key == key })
	if i < 0 {
		return Operation{}, false
	}
	return h[i], true
}

// restore makes the operation of a record, with its outcome.
func (d *Desk) restore(ctx context.Context, tx *pg.Tx, record gateway.Record, say func(string)) error {
	kind, n, ours := keyOf(record)
	c, err := d.load(ctx, tx, record.PaymentID)
	if err != nil {
		return err
	}
	if !ours || !c.payment.Exists() {
		say(fmt.Sprintf("left alone: the gateway has a record of %s, for which nobody here has asked", record.Key))
		return nil
	}
	o, open := c.history.byKey(record.Key)
	if !open {
		other, is := c.history.Open()
		switch {
		case is && other.Stuck() && other.Kind == kind && other.N < n:
			// An operator has retried it since the backup; who, and why, is not on record any more.
			other.State, other.ClosedAt = Failed, record.At
			other.Handled = Handling{By: "adopt", Why: "the gateway was asked again, as " + record.Key}
			if err := closeRow(ctx, tx, other); err != nil {
				return err
			}
			if c, err = d.load(ctx, tx, record.PaymentID); err != nil {
				return err
			}
			say(fmt.Sprintf("given up: %s, which was stuck: the gateway was asked again, as %s", other.Key, record.Key))
		case is:
			// Only one can be open. It was opened in the past of this database, and the gateway never answered it.
			say(fmt.Sprintf("left alone: %s is open, and the gateway has a record of %s", other.Key, record.Key))
			return nil
		}
		o = NewOperation(c.payment, c.history, kind, c.payment.MoneyReason, event.Meta{})
		o.N, o.Amount = n, record.Amount
		if kind != payment.Authorize {
			o.HoldReference = cmp.Or(record.Result.Reference, o.HoldReference)
		}
		e, told := c.outcome(kind, record.Result)
		if o.Meta = e.Meta; !told {
			o.Meta = event.CausedBy(c.cause)
		}
		if err := insert(ctx, tx, []*Operation{&o}); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "update operations set opened_at = $2 where id = $1", o.ID, record.At); err != nil {
			return fmt.Errorf("say when it was opened: %w", err)
		}
		c.history = append(c.history, o)
	}
	done := OutcomeOf(c.payment, c.order, o, record.Result)
	outcome := "approved"
	if !record.Result.Approved() {
		outcome = "refused"
	}
	isKnown := known(c.payment, c.history, kind, n, done)
	if isKnown || done.Err != nil {
		say(fmt.Sprintf("restored from the gateway's record: %s, %s", record.Key, outcome))
		if !isKnown {
			say(fmt.Sprintf("look at it: %v", done.Err))
		}
		done.Operation.ClosedAt = record.At
		if done.Operation.State == Open {
			done.Operation.StuckAt = record.At
			return stickRow(ctx, tx, done.Operation)
		}
		return closeRow(ctx, tx, done.Operation)
	}
	say(fmt.Sprintf("restored from the gateway's record: %s, %s, which no event tells", record.Key, outcome))
	_, err = d.conclude(ctx, tx, c, &done)
	return err
}

// keyOf reads "payment:kind:n".
func keyOf(record gateway.Record) (kind payment.Operation, n int, ours bool) {
	rest, is := strings.CutPrefix(record.Key, record.PaymentID+":"+string(record.Kind)+":")
	n, err := strconv.Atoi(rest)
	return payment.Operation(record.Kind), n, is && err == nil && n > 0
}

// outcome is the event that tells of an answer of the gateway's, if one does.
func (c *dossier) outcome(kind payment.Operation, result gateway.Result) (e event.Event, told bool) {
	typ := map[payment.Operation]string{
		payment.Authorize: payment.TypeAuthorized, payment.Capture: payment.TypeCaptured,
		payment.Release: payment.TypeReleased, payment.Refund: payment.TypeRefunded,
	}[kind]
	if !result.Approved() && kind == payment.Authorize {
		typ = payment.TypeDeclined
	}
	for _, record := range c.stream.Records {
		if record.Type == typ {
			e, told = record.Event, true
		}
	}
	return e, told
}

// known reports whether the payment's events tell of an outcome already, or need not.
func known(p payment.Payment, history History, kind payment.Operation, n int, done Outcome) bool {
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

// declinesBefore is how many declines the events tell before the nth authorization was refused. What an operator has retried was given up
// without one.
func declinesBefore(history History, n int) (declines int) {
	for _, o := range history.Refusals(payment.Authorize) {
		if o.N < n && o.Handled.By == "" {
			declines++
		}
	}
	return declines
}

func succeeded(p payment.Payment, kind payment.Operation) bool {
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
