package operations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/cases"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Desk does what follows from events, which is to open operations or to cancel, and opens the operations that
// people command.
type Desk struct {
	db      *pg.DB
	journal *journal.Journal
	rules   Rules
	jobs    *river.Client[pgx.Tx] // inserts and hurries only
	log     *slog.Logger
}

// NewDesk returns a desk; log is for the job queue, and for what operators hurry.
func NewDesk(db *pg.DB, j *journal.Journal, rules Rules, log *slog.Logger) (*Desk, error) {
	jobs, err := river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{Logger: quiet(&outage{log: log})})
	if err != nil {
		return nil, fmt.Errorf("make the job queue: %w", err)
	}
	return &Desk{db: db, journal: j, rules: rules, jobs: jobs, log: log}, nil
}

// dossier is one payment under its stream's lock, with what was asked of the gateway for it, and with its order.
type dossier struct {
	stream  journal.Stream
	payment payment.Payment
	cause   event.Event // the latest event that had an effect
	history History
	order   releasing.Order // zero if the payment is for none
}

func read(stream journal.Stream) *dossier {
	p, steps := payment.Fold(journal.Entries[payment.Entry](stream))
	d := dossier{stream: stream, payment: p}
	for _, step := range steps {
		if step.Effect {
			d.cause = step.Entry.Event
		}
	}
	return &d
}

// Fold is the payment that a stream of the journal comes to.
func Fold(stream journal.Stream) payment.Payment { return read(stream).payment }

// follow does what the rules want now, and has the payments looked at again when they want something later.
func (d *Desk) follow(ctx context.Context, tx *pg.Tx, affected ...*dossier) error {
	var opened []*Operation
	var jobs []river.InsertManyParams
	now := time.Now()
	for _, c := range affected {
		next, wanted := d.rules.Next(c.payment, c.history, c.order)
		meta := event.CausedBy(c.cause)
		if next.Cause.Type != "" {
			meta = event.CausedBy(next.Cause)
		}
		switch {
		case !wanted:
		case next.Cancel:
			body, err := c.payment.Cancel(next.Reason)
			if err != nil {
				return fmt.Errorf("cancel payment %s: %w", c.payment.ID, err)
			}
			if err := d.write(ctx, tx, c, body, meta); err != nil {
				return err
			}
		case next.At.After(now):
			jobs = append(jobs, reconsiderAt(c.payment.ID, next.At))
		default:
			o := NewOperation(c.payment, c.history, next.Kind, next.Reason, meta)
			opened = append(opened, &o)
		}
	}
	return d.open(ctx, tx, opened, jobs, time.Time{})
}

// write appends an event to a payment, and brings its dossier up to date.
func (d *Desk) write(ctx context.Context, tx *pg.Tx, c *dossier, body payment.Body, meta event.Meta) error {
	e := payment.New(d.journal.Source(), c.payment.ID, body)
	e.Time, e.Meta = time.Now(), meta
	if err := d.journal.Append(ctx, tx, &c.stream, e); err != nil {
		return err
	}
	after := read(c.stream)
	after.history, after.order = c.history, c.order
	*c = *after
	return nil
}

// open inserts operations with their jobs, to be called at a time (zero: at once), and other jobs.
func (d *Desk) open(ctx context.Context, tx *pg.Tx, opened []*Operation, jobs []river.InsertManyParams, at time.Time) error {
	if len(opened) > 0 {
		if err := insert(ctx, tx, opened); err != nil {
			return err
		}
	}
	for _, o := range opened {
		jobs = append(jobs, river.InsertManyParams{Args: callArgs{Operation: o.ID}, InsertOpts: &river.InsertOpts{ScheduledAt: at}})
	}
	if len(jobs) == 0 {
		return nil
	}
	// Not the fast variant: it fails on a job that is there already instead of skipping it.
	if _, err := d.jobs.InsertManyTx(ctx, tx.Tx, jobs); err != nil {
		return fmt.Errorf("insert jobs: %w", err)
	}
	return nil
}

// NewOperation is the next of its kind.
func NewOperation(p payment.Payment, history History, kind payment.Operation, reason string, meta event.Meta) Operation {
	o := Operation{
		PaymentID: p.ID, Kind: kind, N: 1, State: Open,
		Amount: p.Amount, Reason: reason, Meta: meta,
	}
	for _, refused := range history.Refusals(kind) { // of a restored history the first may be unknown
		o.N = max(o.N, refused.N+1)
	}
	switch kind {
	case payment.Capture, payment.Release:
		o.Amount, o.HoldReference = p.AuthorizedAmount, p.GatewayReference
	case payment.Refund:
		o.Amount, o.HoldReference = p.CapturedAmount, p.GatewayReference
	}
	return o
}

// ErrNoPayment says that nobody has requested the payment.
var ErrNoPayment = errors.New("operations: no such payment")

// UnderWayError says that a command has to wait for the operation that is open.
type UnderWayError struct{ Operation Operation }

func (e *UnderWayError) Error() string {
	doing := map[payment.Operation]string{
		payment.Authorize: "being authorized", payment.Capture: "being captured",
		payment.Release: "being released", payment.Refund: "being refunded",
	}[e.Operation.Kind]
	if e.Operation.Stuck() {
		return "the " + string(e.Operation.Kind) + " of this payment is stuck at the gateway: an operator has to retry or settle it first"
	}
	if who := e.Operation.ActorName; who != "" {
		return "already " + doing + " by " + who
	}
	return "already " + doing
}

// Command opens what a person wants: to capture or to release. The person is in ctx (event.Meta). Its errors
// are ErrNoPayment, *UnderWayError and *payment.Refusal, besides the database's.
func (d *Desk) Command(ctx context.Context, tx *pg.Tx, paymentID string, kind payment.Operation, reason string) (Operation, error) {
	c, err := d.load(ctx, tx, paymentID)
	if err != nil {
		return Operation{}, err
	}
	if !c.payment.Exists() {
		return Operation{}, ErrNoPayment
	}
	if open, is := c.history.Open(); is {
		return Operation{}, &UnderWayError{open}
	}
	switch kind {
	case payment.Capture:
		err = c.payment.CanCapture()
	case payment.Release:
		err = c.payment.CanRelease()
	default:
		err = fmt.Errorf("%q is not for people to command", kind)
	}
	if err != nil {
		return Operation{}, err
	}
	meta := event.MetaFrom(ctx)
	o := NewOperation(c.payment, c.history, kind, reason, meta)
	if err := d.open(ctx, tx, []*Operation{&o}, nil, time.Time{}); err != nil {
		return Operation{}, err
	}
	return o, nil
}

// load locks a payment's case and stream, and reads the payment, its operations and its order.
func (d *Desk) load(ctx context.Context, tx *pg.Tx, paymentID string) (*dossier, error) {
	own := payment.Stream(paymentID)
	held, err := cases.Lock(ctx, tx, nil, own)
	if err != nil {
		return nil, err
	}
	ids := []string{own}
	for id := range held {
		ids = append(ids, order.Stream(id))
	}
	streams, err := d.journal.Load(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	c := read(streams[own])
	c.order = orderOf(c.payment, streams)
	histories, err := Histories(ctx, tx, paymentID)
	if err != nil {
		return nil, err
	}
	c.history = histories[paymentID]
	return c, nil
}

// orderOf folds a payment's order.
func orderOf(p payment.Payment, streams map[string]journal.Stream) releasing.Order {
	if p.OrderID == "" {
		return releasing.Order{}
	}
	return releasing.Fold(p.OrderID, journal.Entries[order.Entry](streams[order.Stream(p.OrderID)]))
}

// Look reads a payment and its operations without locking them, for showing.
func (d *Desk) Look(ctx context.Context, paymentID string) (payment.Payment, History, error) {
	stream, err := d.journal.Read(ctx, payment.Stream(paymentID))
	if err != nil {
		return payment.Payment{}, nil, err
	}
	p := Fold(stream)
	if !p.Exists() {
		return payment.Payment{}, nil, ErrNoPayment
	}
	histories, err := Histories(ctx, d.db.Pool(), paymentID)
	return p, histories[paymentID], err
}
