// Package payments is the command side of what managers do with payments: their decisions, which are recorded
// here, and captures and releases, which payments-core is asked for.
//
// Invariants:
//   - A decision is one transaction: the payment's stream is locked, the domain is asked, and the event, its
//     outbox row, what is to be pushed and the row of the read model are written together, or nothing is.
//   - A capture or a release is asked for with the key of its form: pressing twice is one command.
package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign.example/manager-ui/internal/core"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/people"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/pg"
)

// ErrNoPayment means that there is no such payment here.
var ErrNoPayment = errors.New("payments: no such payment")

// Service takes the commands.
type Service struct {
	db      *pg.DB
	journal *journal.Journal
	core    *core.Client
	now     func() time.Time
}

// New returns the service; now is the time of the events that it writes.
func New(db *pg.DB, j *journal.Journal, client *core.Client, now func() time.Time) *Service {
	return &Service{db: db, journal: j, core: client, now: now}
}

// Accept accepts a payment as it was seen, see [paymentview.Seen], and returns it accepted. The note may be
// empty. It returns a *people.Refusal above the limit of whoever accepts.
func (s *Service) Accept(ctx context.Context, id, note, seen string) (payment.Payment, error) {
	return s.decide(ctx, id, seen, func(p payment.Payment, by event.Meta, limits people.Limits) (payment.Body, error) {
		body, err := p.Accept(by, note)
		if err == nil {
			err = limits.Allow(p.Amount, locale.Amount)
		}
		return body, err
	})
}

// Reject rejects a payment as it was seen, and returns it rejected.
func (s *Service) Reject(ctx context.Context, id, reason, seen string) (payment.Payment, error) {
	return s.decide(ctx, id, seen, func(p payment.Payment, by event.Meta, _ people.Limits) (payment.Body, error) {
		return p.Reject(by, reason)
	})
}

// decide writes the event of a decision. It returns a *payment.Refusal if the payment does not allow it any
// more.
func (s *Service) decide(
	ctx context.Context, id, seen string, command func(p payment.Payment, by event.Meta, limits people.Limits) (payment.Body, error),
) (p payment.Payment, err error) {
	err = s.db.InTx(ctx, func(tx *pg.Tx) error {
		name, by := payment.Stream(id), event.MetaFrom(ctx)
		var limits readmodel.Limits
		readmodel.LimitsOf(tx, by.Actor, &limits)
		streams, err := s.journal.Load(ctx, tx, name)
		if err != nil {
			return err
		}
		stream := streams[name]
		var steps []payment.Step
		p, steps = paymentview.Fold(stream)
		body, err := command(p, by, limits.Limits)
		if err != nil {
			return err
		}
		if err := paymentview.CheckSeen(seen, p, body.EventType(), steps); err != nil {
			return err
		}
		e := payment.New(s.journal.Source(), id, body)
		e.Time, e.Meta = s.now(), by
		if err := s.journal.Append(ctx, tx, &stream, e); err != nil {
			return err
		}
		p, _ = paymentview.Fold(stream)
		return readmodel.Project(ctx, tx, []journal.Stream{stream})
	})
	return p, err
}

// Capture has payments-core pay out what is on hold, as it was seen. Errors are package api's, and
// *payment.Refusal.
func (s *Service) Capture(ctx context.Context, id, key, seen string) error {
	return s.ask(ctx, core.Command{Operation: payment.Capture, PaymentID: id, Key: key}, seen)
}

// Release has payments-core let go of what is on hold, as it was seen. The reason may be empty. Errors are
// package api's, and *payment.Refusal.
func (s *Service) Release(ctx context.Context, id, key, reason, seen string) error {
	return s.ask(ctx, core.Command{Operation: payment.Release, PaymentID: id, Key: key, Reason: reason}, seen)
}

// ask sends a command and notes it as pending, also where payments-core names another one that is.
func (s *Service) ask(ctx context.Context, command core.Command, seen string) error {
	// The page is there only for payments that are known here; payments-core is not asked about others.
	stream, err := s.journal.Read(ctx, payment.Stream(command.PaymentID))
	if err != nil {
		return err
	}
	p, steps := paymentview.Fold(stream)
	if !p.Exists() {
		return ErrNoPayment
	}
	if err := p.MayMove(command.Operation, event.MetaFrom(ctx).Actor); err != nil {
		return err
	}
	// Whether there still is a hold is for payments-core to say: it knows first, and explains better.
	if p.CanCapture() == nil {
		if err := paymentview.CheckSeen(seen, p, "", steps); err != nil {
			return err
		}
	}
	command.Key = string(command.Operation) + ":" + command.Key // one page, one key, two commands
	err = s.core.Send(ctx, command)
	if err == nil {
		// If noting fails, pressing again has the same answer, and notes it then.
		return s.notePending(ctx, command.PaymentID, readmodel.PendingCommand{
			Operation: command.Operation, ByName: event.MetaFrom(ctx).ActorName, At: s.now(),
		})
	}
	if other := pendingIn(err); other != nil {
		if err := s.notePending(ctx, command.PaymentID, *other); err != nil {
			return err
		}
	}
	return err
}

// pendingIn is the command that a refusal names as pending; nil if it names none.
func pendingIn(err error) *readmodel.PendingCommand {
	var refusal *api.Refusal
	var named struct {
		Kind   payment.OperationKind `json:"kind"`
		ByName string                `json:"by_name"`
		At     time.Time             `json:"opened_at"`
	}
	if !errors.As(err, &refusal) || json.Unmarshal(refusal.Extra["under_way"], &named) != nil {
		return nil
	}
	if named.Kind != payment.Capture && named.Kind != payment.Release {
		return nil
	}
	return &readmodel.PendingCommand{Operation: named.Kind, ByName: named.ByName, At: named.At}
}

// notePending has the payment's pages show a pending command, those that are open, too. The first note stays.
func (s *Service) notePending(ctx context.Context, id string, p readmodel.PendingCommand) error {
	return s.db.InTx(ctx, func(tx *pg.Tx) error {
		const insert = "insert into under_way (payment_id, kind, by_name, at) values ($1, $2, $3, $4) on conflict do nothing"
		if _, err := tx.Exec(ctx, insert, id, p.Operation, p.ByName, p.At); err != nil {
			return fmt.Errorf("note a pending command: %w", err)
		}
		return s.journal.Touch(ctx, tx, payment.Stream(id))
	})
}

// Reopen has payments-core take an acceptance back, by its event's id, and returns the payment as it was.
// Errors are package api's, and *payment.Refusal.
func (s *Service) Reopen(ctx context.Context, id, acceptanceID string) (payment.Payment, error) {
	stream, err := s.journal.Read(ctx, payment.Stream(id))
	if err != nil {
		return payment.Payment{}, err
	}
	p, _ := paymentview.Fold(stream)
	if !p.Exists() {
		return p, ErrNoPayment
	}
	// What is known here need not be asked.
	if _, err := p.Reopen(event.MetaFrom(ctx), acceptanceID); err != nil {
		return p, err
	}
	return p, s.core.Reopen(ctx, id, acceptanceID)
}
