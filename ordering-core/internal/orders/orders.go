// Package orders is the command side of orders: it loads an order under its locks, asks the domain, and
// records the event that it answers.
//
// Invariants:
//   - Whoever decides about an order locks first its process, then its stream, until the transaction ends. So
//     what the decision rests on is still true when it is recorded.
//   - The events of an order are counted 1, 2, 3 ... in ce_sequence, without gaps.
//   - A number is taken in the transaction of its submit, as the last thing, and given back if that fails.
//   - An order that lives has a deadline, and one that has ended has none.
package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/pg"
)

// Rules are what is configured about orders.
type Rules struct {
	OrderTTL time.Duration  // how long a submitted order waits for its payment
	DraftTTL time.Duration  // how long a draft may lie idle
	Zone     *time.Location // of the months that orders are numbered by
	Clock    func() time.Time
}

// Catalog is what can be ordered, and who orders. It answers inside the transaction.
type Catalog interface {
	// Products returns those of ids that there are, archived ones too, once what comes next in the
	// transaction has run.
	Products(tx *pg.Tx, ids ...string) map[string]order.Product
	// Customers is the same of customers.
	Customers(tx *pg.Tx, ids ...string) map[string]Customer
}

// Customer is for whom an order is.
type Customer struct {
	ID, Name string
	Archived bool
}

// Service is the application layer of orders.
type Service struct {
	journal *journal.Journal
	catalog Catalog
	rules   Rules
}

// NewService returns a service. Without rules.Clock its clock is time.Now.
func NewService(j *journal.Journal, catalog Catalog, rules Rules) *Service {
	if rules.Clock == nil {
		rules.Clock = time.Now
	}
	return &Service{journal: j, catalog: catalog, rules: rules}
}

// Now is the time that orders are recorded and expire by.
func (s *Service) Now() time.Time { return s.rules.Clock().UTC().Truncate(time.Microsecond) }

// ErrNoOrder means that there is no such order, or none that this person may see.
var ErrNoOrder = errors.New("orders: no such order")

// Locked is an order under its locks.
type Locked struct {
	ID      string
	Order   order.Order
	Steps   []order.Step
	Members []string // the streams of the process: the order's, and those of the payments for it
	stream  journal.Stream
}

// Load locks an order's process, and then its stream, for the rest of the transaction. An order that was
// never drafted is there too: its Order does not exist.
func (s *Service) Load(ctx context.Context, tx *pg.Tx, id string) (*Locked, error) {
	held, err := processlock.Acquire(ctx, tx, []processlock.Member{{Process: id, Stream: order.Stream(id)}})
	if err != nil {
		return nil, err
	}
	locked, err := s.read(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	locked.Members = held[id]
	return locked, nil
}

// loadDrafted is Load without the Members, for an order that was drafted before and so has joined its
// process. The queued statements, the locks and the order are one round trip. If the draft commits at this
// very moment, only the stream is locked, which is enough: the order has no payments yet.
func (s *Service) loadDrafted(ctx context.Context, tx *pg.Tx, id string) (*Locked, error) {
	processlock.QueueAcquire(tx, nil, order.Stream(id))
	return s.read(ctx, tx, id)
}

// read locks and reads the stream of an order whose process is locked.
func (s *Service) read(ctx context.Context, tx *pg.Tx, id string) (*Locked, error) {
	own := order.Stream(id)
	streams, err := s.journal.Load(ctx, tx, own)
	if err != nil {
		return nil, err
	}
	locked := &Locked{ID: id, stream: streams[own]}
	locked.Order, locked.Steps = Fold(locked.stream)
	return locked, nil
}

// Record appends the event of a command, and brings the locked order and its deadline up to date. The actor
// is in ctx (event.Meta).
func (s *Service) Record(ctx context.Context, tx *pg.Tx, locked *Locked, body order.Body) error {
	e := order.New(s.journal.Source(), locked.ID, body)
	e.Time, e.Meta = s.Now(), event.MetaFrom(ctx)
	e.Sequence = locked.lastSequence(s.journal.Source()) + 1
	// The event comes last, so there is no need to fold the whole stream again. An event without effect is a
	// mistake of ours, and no refusal for whoever sent the command.
	next, last := order.Next(locked.Order, order.Entry{Event: e})
	if !last.Effect {
		return fmt.Errorf("record %s of order %s: it would have no effect: %s", e.Type, locked.ID, last.Refusal.Error())
	}
	if err := s.journal.Append(ctx, tx, &locked.stream, e); err != nil {
		return err
	}
	locked.Order, locked.Steps = next, append(locked.Steps, last)
	return s.schedule(ctx, tx, locked.Order, body)
}

// Get returns an order, and locks nothing: it may change at any time.
func (s *Service) Get(ctx context.Context, id string) (order.Order, error) {
	stream, err := s.journal.Read(ctx, order.Stream(id))
	if err != nil {
		return order.Order{}, err
	}
	o, _ := Fold(stream)
	if !o.Exists() {
		return order.Order{}, ErrNoOrder
	}
	return o, nil
}

// lastSequence is that of our own last event: what others write to the topic does not count.
func (locked *Locked) lastSequence(source string) (last int64) {
	for _, record := range locked.stream.Records {
		if record.Source == source {
			last = max(last, record.Sequence)
		}
	}
	return last
}

// Fold is the order that a stream of the journal comes to.
func Fold(stream journal.Stream) (order.Order, []order.Step) {
	return order.Fold(journal.Entries(stream))
}
