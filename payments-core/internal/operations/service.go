package operations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/pg"
)

// Service is the application layer of payments: it opens the operations that the rules or people want,
// cancels payments, and records what came of each operation.
type Service struct {
	db      *pg.DB
	journal *journal.Journal
	rules   Rules
	jobs    *river.Client[pgx.Tx] // inserts and retries jobs, and works none
	log     *slog.Logger
}

// NewService returns a service; log is for the job queue, and for what operators retry.
func NewService(db *pg.DB, j *journal.Journal, rules Rules, log *slog.Logger) (*Service, error) {
	jobs, err := river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{Logger: riverLog(&outage{log: log})})
	if err != nil {
		return nil, fmt.Errorf("make the job queue: %w", err)
	}
	return &Service{db: db, journal: j, rules: rules, jobs: jobs, log: log}, nil
}

// lockedPayment is a payment under its stream's lock, with its operations and its order.
type lockedPayment struct {
	stream  journal.Stream
	payment payment.Payment
	cause   event.Event // the latest event that had an effect
	history History
	order   releasing.Order // zero if the payment is for none
}

func read(stream journal.Stream) *lockedPayment {
	p, steps := payment.Fold(journal.Entries(stream))
	locked := lockedPayment{stream: stream, payment: p}
	for _, step := range steps {
		if step.Effect {
			locked.cause = step.Entry.Event
		}
	}
	// The grace of a manager-ui whose clock is fast begins when the acceptance comes here.
	for _, r := range stream.Records {
		if r.ID != p.Decided.EventID {
			continue
		}
		arrived := r.RecordedAt
		if arrived.IsZero() { // it is being recorded
			arrived = time.Now()
		}
		if arrived.Before(p.Decided.At) {
			locked.payment.Decided.At = arrived
		}
	}
	return &locked
}

// Fold is the payment that a stream of the journal comes to.
func Fold(stream journal.Stream) payment.Payment {
	p, _ := payment.Fold(journal.Entries(stream))
	return p
}

// applyRules does what the rules want now, and schedules a job for what they want later.
func (s *Service) applyRules(ctx context.Context, tx *pg.Tx, affected ...*lockedPayment) error {
	var opened []*Operation
	var jobs []river.InsertManyParams
	now := time.Now()
	for _, locked := range affected {
		next, wanted := s.rules.Next(locked.payment, locked.history, locked.order)
		meta := event.CausedBy(locked.cause)
		if next.Cause.Type != "" {
			meta = event.CausedBy(next.Cause)
		}
		switch {
		case !wanted:
		case next.Cancel:
			body, err := locked.payment.Cancel(next.Reason)
			if err != nil {
				return fmt.Errorf("cancel payment %s: %w", locked.payment.ID, err)
			}
			if err := s.write(ctx, tx, locked, body, meta); err != nil {
				return err
			}
		case next.At.After(now):
			jobs = append(jobs, reconsiderAt(locked.payment.ID, next.At))
		default:
			o := NewOperation(locked.payment, locked.history, next.Kind, next.Reason, meta)
			opened = append(opened, &o)
		}
	}
	return s.open(ctx, tx, opened, jobs, time.Time{})
}

// write appends an event to a payment, and folds it again.
func (s *Service) write(
	ctx context.Context, tx *pg.Tx, locked *lockedPayment, body payment.Body, meta event.Meta,
) error {
	e := payment.New(s.journal.Source(), locked.payment.ID, body)
	e.Time, e.Meta = time.Now(), meta
	if err := s.journal.Append(ctx, tx, &locked.stream, e); err != nil {
		return err
	}
	after := read(locked.stream)
	after.history, after.order = locked.history, locked.order
	*locked = *after
	return nil
}

// open inserts operations with their jobs, which run at a time (zero: at once), and other jobs.
func (s *Service) open(
	ctx context.Context, tx *pg.Tx, opened []*Operation, jobs []river.InsertManyParams, at time.Time,
) error {
	if len(opened) > 0 {
		if err := insert(ctx, tx, opened); err != nil {
			return err
		}
	}
	for _, o := range opened {
		job := river.InsertManyParams{Args: callArgs{Operation: o.ID}, InsertOpts: &river.InsertOpts{ScheduledAt: at}}
		jobs = append(jobs, job)
	}
	if len(jobs) == 0 {
		return nil
	}
	// Not the fast variant: it fails on a job that is there already instead of skipping it.
	if _, err := s.jobs.InsertManyTx(ctx, tx.Tx, jobs); err != nil {
		return fmt.Errorf("insert jobs: %w", err)
	}
	return nil
}

// NewOperation is the next of its kind.
func NewOperation(p payment.Payment, history History, kind payment.OperationKind, reason string, meta event.Meta) Operation {
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

// ErrNoPayment means that nobody has requested the payment.
var ErrNoPayment = errors.New("operations: no such payment")

// InProgressError means that a command has to wait for the operation that is open.
type InProgressError struct{ Operation Operation }

func (e *InProgressError) Error() string {
	progress := map[payment.OperationKind]string{
		payment.Authorize: "being authorized", payment.Capture: "being captured",
		payment.Release: "being released", payment.Refund: "being refunded",
	}[e.Operation.Kind]
	if e.Operation.Stuck() {
		return "the " + string(e.Operation.Kind) + " of this payment is stuck at the gateway: " +
			"an operator has to retry or settle it first"
	}
	if who := e.Operation.ActorName; who != "" {
		return "already " + progress + " by " + who
	}
	return "already " + progress
}

// Command opens the operation that a person wants: a capture or a release. The person is in ctx (event.Meta).
// Its errors are ErrNoPayment, *InProgressError and *payment.Refusal, besides the database's.
func (s *Service) Command(
	ctx context.Context, tx *pg.Tx, paymentID string, kind payment.OperationKind, reason string,
) (Operation, error) {
	locked, err := s.load(ctx, tx, paymentID)
	if err != nil {
		return Operation{}, err
	}
	if !locked.payment.Exists() {
		return Operation{}, ErrNoPayment
	}
	meta := event.MetaFrom(ctx)
	if err := locked.payment.MayMove(kind, meta.Actor); err != nil {
		return Operation{}, err
	}
	if open, is := locked.history.Open(); is {
		return Operation{}, &InProgressError{open}
	}
	switch kind {
	case payment.Capture:
		err = locked.payment.CanCapture()
	case payment.Release:
		err = locked.payment.CanRelease()
	default:
		err = fmt.Errorf("%q is not for people to command", kind)
	}
	if err != nil {
		return Operation{}, err
	}
	o := NewOperation(locked.payment, locked.history, kind, reason, meta)
	if err := s.open(ctx, tx, []*Operation{&o}, nil, time.Time{}); err != nil {
		return Operation{}, err
	}
	return o, nil
}

// The errors of Reopen, besides Command's.
var (
	// ErrNotReceived means that the acceptance has not come here yet.
	ErrNotReceived = errors.New("operations: the acceptance has not been received yet")
	// ErrTooLate means that the grace has passed: the gateway is asked at any moment.
	ErrTooLate = errors.New("operations: the time to take the acceptance back has passed")
)

// Reopen takes an acceptance back, by the id of its event, for the person in ctx (event.Meta): within the
// grace, and while nothing has been asked of the gateway.
func (s *Service) Reopen(ctx context.Context, tx *pg.Tx, paymentID, acceptanceID string) error {
	locked, err := s.load(ctx, tx, paymentID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(locked.stream.Records, func(r journal.Record) bool { return r.ID.String() == acceptanceID }) {
		return ErrNotReceived
	}
	if open, is := locked.history.Open(); is {
		return &InProgressError{open}
	}
	meta := event.MetaFrom(ctx)
	body, err := locked.payment.Reopen(meta, acceptanceID)
	switch {
	case err != nil:
		return err
	case len(locked.history) > 0: // of a restored database: its outcome is not known here
		return &InProgressError{locked.history[0]}
	case !time.Now().Before(locked.payment.Decided.At.Add(s.rules.Grace)):
		return ErrTooLate
	}
	meta.CausationID = acceptanceID
	return s.write(ctx, tx, locked, body, meta)
}

// load locks a payment's process and stream, and reads the payment, its operations and its order.
func (s *Service) load(ctx context.Context, tx *pg.Tx, paymentID string) (*lockedPayment, error) {
	own := payment.Stream(paymentID)
	held, err := processlock.Acquire(ctx, tx, nil, own)
	if err != nil {
		return nil, err
	}
	ids := []string{own}
	for id := range held {
		ids = append(ids, order.Stream(id))
	}
	streams, err := s.journal.Load(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	locked := read(streams[own])
	locked.order = orderOf(locked.payment, streams)
	histories, err := Histories(ctx, tx, paymentID)
	if err != nil {
		return nil, err
	}
	locked.history = histories[paymentID]
	return locked, nil
}

// orderOf folds a payment's order.
func orderOf(p payment.Payment, streams map[string]journal.Stream) releasing.Order {
	if p.OrderID == "" {
		return releasing.Order{}
	}
	return releasing.Fold(p.OrderID, journal.Entries(streams[order.Stream(p.OrderID)]))
}

// Get returns a payment and its operations, and locks nothing: they may change at any time.
func (s *Service) Get(ctx context.Context, paymentID string) (payment.Payment, History, error) {
	stream, err := s.journal.Read(ctx, payment.Stream(paymentID))
	if err != nil {
		return payment.Payment{}, nil, err
	}
	p := Fold(stream)
	if !p.Exists() {
		return payment.Payment{}, nil, ErrNoPayment
	}
	histories, err := Histories(ctx, s.db.Pool(), paymentID)
	return p, histories[paymentID], err
}
