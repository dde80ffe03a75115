package operations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Desk opens operations: those that follow from events, and those that people command.
type Desk struct {
	db      *pg.DB
	journal *journal.Journal
	rules   Rules
	jobs    *river.Client[pgx.Tx] // inserts only
}

// NewDesk returns a desk; log is for the job queue.
func NewDesk(db *pg.DB, j *journal.Journal, rules Rules, log *slog.Logger) (*Desk, error) {
	jobs, err := river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{Logger: quiet(log)})
	if err != nil {
		return nil, fmt.Errorf("make the job queue: %w", err)
	}
	return &Desk{db: db, journal: j, rules: rules, jobs: jobs}, nil
}

// dossier is one payment under its stream's lock, with what was asked of the gateway for it.
type dossier struct {
	payment payment.Payment
	history History
	cause   event.Event // the latest event that had an effect
}

func read(stream journal.Stream) dossier {
	entries := make([]payment.Entry, len(stream.Records))
	for i, record := range stream.Records {
		entries[i] = payment.Entry{Event: record.Event, Confirmed: record.Log > 0}
	}
	p, steps := payment.Fold(entries)
	d := dossier{payment: p}
	for _, step := range steps {
		if step.Effect {
			d.cause = step.Entry.Event
		}
	}
	return d
}

// Fold is the payment that a stream of the journal comes to.
func Fold(stream journal.Stream) payment.Payment { return read(stream).payment }

// Project opens what follows from changed streams. It is a journal.Projector.
func (d *Desk) Project(ctx context.Context, tx *pg.Tx, streams []journal.Stream) error {
	var affected []*dossier
	var ids []string
	for _, stream := range streams {
		if !strings.HasPrefix(stream.ID, payment.Stream("")) {
			continue
		}
		// Without a decision or after the end there is nothing to look up.
		if c := read(stream); c.payment.Decision == payment.DecisionAccepted {
			if _, ended := c.payment.Ended(); !ended {
				affected, ids = append(affected, &c), append(ids, c.payment.ID)
			}
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

// follow opens the operations that the rules want now, and has the payments looked at again when
// they want one later.
func (d *Desk) follow(ctx context.Context, tx *pg.Tx, affected ...*dossier) error {
	var opened []*Operation
	var jobs []river.InsertManyParams
	now := time.Now()
	for _, c := range affected {
		next, wanted := d.rules.Next(c.payment, c.history)
		switch {
		case !wanted:
		case next.At.After(now):
			jobs = append(jobs, reconsiderAt(c.payment.ID, next.At))
		default:
			o := newOperation(c.payment, c.history, next.Kind, next.Reason, event.CausedBy(c.cause))
			opened = append(opened, &o)
		}
	}
	return d.open(ctx, tx, opened, jobs, time.Time{})
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

func newOperation(p payment.Payment, history History, kind payment.Operation, reason string, meta event.Meta) Operation {
	o := Operation{
		PaymentID: p.ID, Kind: kind, N: len(history.Refusals(kind)) + 1, State: Open,
		Amount: p.Amount, Reason: reason, Meta: meta,
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
	o := newOperation(c.payment, c.history, kind, reason, meta)
	if err := d.open(ctx, tx, []*Operation{&o}, nil, time.Time{}); err != nil {
		return Operation{}, err
	}
	return o, nil
}

// load locks a payment's stream and reads the payment and its operations.
func (d *Desk) load(ctx context.Context, tx *pg.Tx, paymentID string) (*dossier, error) {
	_, c, err := d.loadStream(ctx, tx, paymentID)
	return c, err
}

func (d *Desk) loadStream(ctx context.Context, tx *pg.Tx, paymentID string) (journal.Stream, *dossier, error) {
	id := payment.Stream(paymentID)
	streams, err := d.journal.Load(ctx, tx, id)
	if err != nil {
		return journal.Stream{}, nil, err
	}
	c := read(streams[id])
	histories, err := Histories(ctx, tx, paymentID)
	if err != nil {
		return journal.Stream{}, nil, err
	}
	c.history = histories[paymentID]
	return streams[id], &c, nil
}

// Look reads a payment and its operations without locking them, for showing.
func (d *Desk) Look(ctx context.Context, paymentID string) (payment.Payment, History, error) {
	stream, err := d.journal.Read(ctx, payment.Stream(paymentID))
	if err != nil {
		return payment.Payment{}, nil, err
	}
	c := read(stream)
	if !c.payment.Exists() {
		return payment.Payment{}, nil, ErrNoPayment
	}
	histories, err := Histories(ctx, d.db.Pool(), paymentID)
	return c.payment, histories[paymentID], err
}
