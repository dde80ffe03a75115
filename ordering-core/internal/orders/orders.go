// Package orders is the command side of orders: it loads an order under its locks, asks the domain, and records what
// it answers.
//
// Invariants:
//   - Whoever decides about an order holds first its case, then its stream, until the transaction ends. So what was
//     decided upon is still true when it is recorded.
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
	"countersign.example/pkg/cases"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
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
	// Products returns those of ids that there are, archived ones too, once what comes next in the transaction has run.
	Products(tx *pg.Tx, ids ...string) map[string]order.Product
	// Customer returns a customer, archived or not; false if there is none.
	Customer(ctx context.Context, tx *pg.Tx, id string) (Customer, bool, error)
}

// Customer is for whom an order is.
type Customer struct {
	ID, Name string
	Archived bool
}

// Desk takes commands about orders.
type Desk struct {
	db      *pg.DB
	journal *journal.Journal
	catalog Catalog
	rules   Rules
}

// NewDesk returns a desk. Without rules.Clock it is the machine's.
func NewDesk(db *pg.DB, j *journal.Journal, catalog Catalog, rules Rules) *Desk {
	if rules.Clock == nil {
		rules.Clock = time.Now
	}
	return &Desk{db: db, journal: j, catalog: catalog, rules: rules}
}

// Now is the time that orders are recorded and expire by.
func (d *Desk) Now() time.Time { return d.rules.Clock().UTC().Truncate(time.Microsecond) }

// ErrNoOrder says that there is no such order, or not for this person.
var ErrNoOrder = errors.New("orders: no such order")

// Case is an order under its locks.
type Case struct {
	ID      string
	Order   order.Order
	Steps   []order.Step
	Members []string // the streams of the case: the order's, and those of the payments for it
	stream  journal.Stream
}

// Load locks an order's case, and then its stream, for the rest of the transaction. An order that was never drafted
// is there too: its Order does not exist.
func (d *Desk) Load(ctx context.Context, tx *pg.Tx, id string) (*Case, error) {
	held, err := cases.Lock(ctx, tx, []cases.Member{{Case: id, Stream: order.Stream(id)}})
	if err != nil {
		return nil, err
	}
	c, err := d.read(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	c.Members = held[id]
	return c, nil
}

// take is Load for who does not ask for the case's members, of an order that was drafted before: it joined its case then. What
// is queued, the locks and the order are one round trip. Of an order whose draft commits at this very moment it holds the stream only,
// which is enough: it has no payments yet.
func (d *Desk) take(ctx context.Context, tx *pg.Tx, id string) (*Case, error) {
	cases.Hold(tx, nil, order.Stream(id))
	return d.read(ctx, tx, id)
}

// read locks and reads the stream of an order whose case is held.
func (d *Desk) read(ctx context.Context, tx *pg.Tx, id string) (*Case, error) {
	own := order.Stream(id)
	streams, err := d.journal.Load(ctx, tx, own)
	if err != nil {
		return nil, err
	}
	c := &Case{ID: id, stream: streams[own]}
	c.Order, c.Steps = Fold(c.stream)
	return c, nil
}

// Record appends what a command answered, and brings the case and its deadline up to date. On whose behalf says ctx
// (event.Meta).
func (d *Desk) Record(ctx context.Context, tx *pg.Tx, c *Case, body order.Body) error {
	e := order.New(d.journal.Source(), c.ID, body)
	e.Time, e.Meta = d.Now(), event.MetaFrom(ctx)
	e.Sequence = c.lastSequence(d.journal.Source()) + 1
	// The order was folded when it was loaded, and this comes last. A command that the fold does not take is a mistake
	// of ours, and no refusal to whoever sent it.
	next, last := order.Next(c.Order, order.Entry{Event: e})
	if !last.Effect {
		return fmt.Errorf("record %s of order %s: it would have no effect: %s", e.Type, c.ID, last.Refusal.Error())
	}
	if err := d.journal.Append(ctx, tx, &c.stream, e); err != nil {
		return err
	}
	c.Order, c.Steps = next, append(c.Steps, last)
	return d.schedule(ctx, tx, c.Order, body)
}

// Look reads an order without locking it, for showing.
func (d *Desk) Look(ctx context.Context, id string) (order.Order, error) {
	stream, err := d.journal.Read(ctx, order.Stream(id))
	if err != nil {
		return order.Order{}, err
	}
	o, _ := Fold(stream)
	if !o.Exists() {
		return order.Order{}, ErrNoOrder
	}
	return o, nil
}

// lastSequence is of our own events: what others write to the topic does not count.
func (c *Case) lastSequence(source string) (last int64) {
	for _, record := range c.stream.Records {
		if record.Source == source {
			last = max(last, record.Sequence)
		}
	}
	return last
}

// Fold is the order that a stream of the journal comes to.
func Fold(stream journal.Stream) (order.Order, []order.Step) {
	return order.Fold(journal.Entries[order.Entry](stream))
}
