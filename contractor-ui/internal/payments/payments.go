// Package payments is the command side of a contractor's payments: it locks a payment's stream, asks the
// domain, and records what it answers.
//
// Invariants:
//   - A command is one transaction: the event, its outbox row, what is to be pushed and the row of the read
//     model are written together, or nothing is.
//   - A contractor changes their own payments only. Anybody else's do not exist ([ErrNoPayment]).
//   - A payment's id is the idempotency key of its request: the same request again changes nothing.
//   - An order has one payment at a time that has not ended: asking for it holds the order's stream.
//   - A request takes its reference in its transaction. One that is sent again keeps what it has.
package payments

import (
	"context"
	"errors"
	"time"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/contractor-ui/internal/references"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// What stands in the way of a command, beside the domain's *payment.Refusal.
var (
	ErrNoPayment = errors.New("payments: no such payment")
	ErrNoOrder   = errors.New("payments: no such order")
	ErrForOrder  = errors.New("payments: the payment is for an order, which alone says how much is asked for")
	ErrNotEnded  = errors.New("payments: a payment of the order has not ended")
)

// OtherRequest means that the payment's id belongs to another request of the same contractor.
type OtherRequest struct{ Payment payment.Payment }

func (OtherRequest) Error() string { return "payments: another request has this id" }

// Service takes the commands.
type Service struct {
	db      *pg.DB
	journal *journal.Journal
	numbers *references.Numbers
	now     func() time.Time
}

// New returns the service; now is the time of the events that it writes.
func New(db *pg.DB, j *journal.Journal, numbers *references.Numbers, now func() time.Time) *Service {
	return &Service{db: db, journal: j, numbers: numbers, now: now}
}

// Withdraw takes a request back, as it was seen (see [paymentview.Seen]), while it waits for a decision.
func (s *Service) Withdraw(ctx context.Context, id, seen string) error {
	by := event.MetaFrom(ctx)
	return s.db.InTx(ctx, func(tx *pg.Tx) error {
		streams, err := s.journal.Load(ctx, tx, payment.Stream(id))
		if err != nil {
			return err
		}
		stream := streams[payment.Stream(id)]
		p, err := own(stream, by.Actor)
		if err != nil {
			return err
		}
		body, err := p.Withdraw(by, "")
		if err != nil {
			return err
		}
		_, steps := paymentview.Fold(stream)
		if err := paymentview.CheckSeen(seen, p, payment.TypeWithdrawn, steps); err != nil {
			return err
		}
		return s.append(ctx, tx, stream, body, s.now())
	})
}

// append writes one event of the person whose command it is, and the row of the read model.
func (s *Service) append(ctx context.Context, tx *pg.Tx, stream journal.Stream, body payment.Body, at time.Time) error {
	e := payment.New(s.journal.Source(), stream.ID[len(payment.Stream("")):], body)
	e.Time, e.Meta = at, event.MetaFrom(ctx)
	if err := s.journal.Append(ctx, tx, &stream, e); err != nil {
		return err
	}
	return readmodel.Save(ctx, tx, stream)
}

// own folds a stream and checks that the payment is the contractor's.
func own(stream journal.Stream, contractor string) (payment.Payment, error) {
	p, _ := paymentview.Fold(stream)
	if !p.Exists() || p.ContractorID != contractor {
		return payment.Payment{}, ErrNoPayment
	}
	return p, nil
}
