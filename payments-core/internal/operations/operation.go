// Package operations decides what to ask of the payment gateway, asks it, and records the outcome.
//
// Invariants:
//   - A call is recorded before it is made: its row, its job and the change that wants it are one
//     transaction, under the process lock (where the payment is for an order) and the lock of the stream. At
//     most one operation of a payment is open.
//   - The idempotency key, "payment:kind:n", is fixed in the row. Whatever is unknown (a timeout, a crash in
//     the middle) is asked again with it; n moves only after a definite refusal.
//   - An operation closes once, with the event of its outcome and the job's completion, in one transaction.
//     What has succeeded for a payment is never opened again.
//   - What the gateway refuses for good, though it must be done, is stuck: it stays open, and is not asked
//     again until an operator retries or settles it.
//   - What comes next is a pure function of the payment, its operations and its order ([Rules]); what the
//     order cannot use is undone first.
package operations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// State is how far an operation is.
type State string

// Open until the gateway has answered for good: Succeeded, or Failed where it refused.
const (
	Open      State = "open"
	Succeeded State = "succeeded"
	Failed    State = "failed"
)

// Operation is one thing asked of the gateway.
type Operation struct {
	ID            int64
	PaymentID     string
	Kind          payment.OperationKind
	N             int // definitive refusals of this kind before it, plus 1
	Key           string
	State         State
	Amount        money.Amount
	Reason        string
	HoldReference string // the gateway's name of the hold; "" for an authorization

	event.Meta // on whose behalf

	GatewayReference string
	HoldExpiresAt    time.Time // zero unless an authorization that succeeded
	OpenedAt         time.Time
	ClosedAt         time.Time // zero while open
	Attempts         int       // answers and failures so far
	LastError        string    // of the refusal, or of the last failure to get an answer
	Final            bool      // the refusal is for good
	StuckAt          time.Time // since when it waits for an operator; zero unless it does, or did
	Handled          Handling  // zero unless an operator has retried or settled it
}

// Stuck reports whether the operation waits for an operator.
func (o Operation) Stuck() bool { return o.State == Open && !o.StuckAt.IsZero() }

// happened sets when the outcome came.
func (o *Operation) happened(at time.Time) {
	if o.State == Open {
		o.StuckAt = at
	} else {
		o.ClosedAt = at
	}
}

// History is all operations of one payment, oldest first.
type History []Operation

// Open returns the open operation, if there is one. It may be stuck.
func (h History) Open() (Operation, bool) {
	return h.find(func(o Operation) bool { return o.State == Open })
}

// Succeeded returns the operation of a kind that was done, if one was.
func (h History) Succeeded(kind payment.OperationKind) (Operation, bool) {
	return h.find(func(o Operation) bool { return o.Kind == kind && o.State == Succeeded })
}

func (h History) byKey(key string) (Operation, bool) {
	return h.find(func(o Operation) bool { return o.Key == key })
}

func (h History) find(wanted func(Operation) bool) (Operation, bool) {
	if i := slices.IndexFunc(h, wanted); i >= 0 {
		return h[i], true
	}
	return Operation{}, false
}

// Refusals are the operations of a kind that the gateway refused, oldest first.
func (h History) Refusals(kind payment.OperationKind) []Operation {
	var refused []Operation
	for _, o := range h {
		if o.Kind == kind && o.State == Failed {
			refused = append(refused, o)
		}
	}
	return refused
}

const selectOperations = `select id, payment_id, kind, n, key, state, amount, currency, reason, hold_reference,
	actor, actor_name, correlation_id, causation_id, trace_parent, gateway_reference, hold_expires_at, opened_at, closed_at,
	attempts, last_error, final, stuck_at, handled_by, handled_why from operations`

func scanOperation(row pgx.CollectableRow) (o Operation, err error) {
	err = row.Scan(&o.ID, &o.PaymentID, &o.Kind, &o.N, &o.Key, &o.State, &o.Amount.Minor, &o.Amount.Currency, &o.Reason,
		&o.HoldReference, &o.Actor, &o.ActorName, &o.CorrelationID, &o.CausationID, &o.TraceParent, &o.GatewayReference,
		(*zeronull.Timestamptz)(&o.HoldExpiresAt), &o.OpenedAt, (*zeronull.Timestamptz)(&o.ClosedAt), &o.Attempts, &o.LastError,
		&o.Final, (*zeronull.Timestamptz)(&o.StuckAt), &o.Handled.By, &o.Handled.Why)
	o.HoldExpiresAt, o.OpenedAt = event.Kept(o.HoldExpiresAt), o.OpenedAt.UTC()
	o.ClosedAt, o.StuckAt = o.ClosedAt.UTC(), o.StuckAt.UTC()
	return o, err
}

// Histories reads the operations of payments. Whoever decides by them holds the locks of the payments'
// streams.
func Histories(ctx context.Context, q pg.Querier, payments ...string) (map[string]History, error) {
	all, err := pg.Rows(ctx, q, scanOperation, selectOperations+" where payment_id = any($1) order by id", payments)
	if err != nil {
		return nil, fmt.Errorf("read operations: %w", err)
	}
	histories := map[string]History{}
	for _, o := range all {
		histories[o.PaymentID] = append(histories[o.PaymentID], o)
	}
	return histories, nil
}

func byID(ctx context.Context, q pg.Querier, id int64) (Operation, error) {
	found, err := pg.Rows(ctx, q, scanOperation, selectOperations+" where id = $1", id)
	if err == nil && len(found) == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return Operation{}, fmt.Errorf("read operation %d: %w", id, err)
	}
	return found[0], nil
}

// insert stores new operations, and fills in what the database generates.
func insert(ctx context.Context, tx *pg.Tx, opened []*Operation) error {
	batch := &pgx.Batch{}
	for _, o := range opened {
		batch.Queue(`insert into operations (payment_id, kind, n, amount, currency, reason, hold_reference, actor, actor_name,
			correlation_id, causation_id, trace_parent) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			returning id, key, state, opened_at`, o.PaymentID, o.Kind, o.N, o.Amount.Minor, o.Amount.Currency, o.Reason,
			o.HoldReference, o.Actor, o.ActorName, o.CorrelationID, o.CausationID, o.TraceParent).
			QueryRow(func(row pgx.Row) error { return row.Scan(&o.ID, &o.Key, &o.State, &o.OpenedAt) })
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("open operations: %w", err)
	}
	return nil
}

// update stores the outcome in o's row: that it is closed, or stuck where it is open still. Its condition is
// not state = 'open': for that the planner takes the index of open operations, which was made for another
// query, and reads all of it.
func update(ctx context.Context, tx *pg.Tx, o Operation) error {
	tag, err := tx.Exec(ctx, `update operations set state = $2, gateway_reference = $3, hold_expires_at = $4, last_error = $5,
		final = $6, attempts = attempts + 1, closed_at = $7, stuck_at = $8, handled_by = $9, handled_why = $10
		where id = $1 and closed_at is null`, o.ID, o.State, o.GatewayReference, zeronull.Timestamptz(o.HoldExpiresAt), o.LastError,
		o.Final, zeronull.Timestamptz(o.ClosedAt), zeronull.Timestamptz(o.StuckAt), o.Handled.By, o.Handled.Why)
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("it is not open") // which the locks rule out
	}
	if err != nil {
		return fmt.Errorf("store the outcome of operation %s: %w", o.Key, err)
	}
	return nil
}
