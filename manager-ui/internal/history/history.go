// Package history reads the journal across all streams: the events that the service has written or received,
// the newest first, one of them with what it belongs to, and the streams.
//
// Invariants:
//   - Everything is a reading of the journal and of the digests of its blocks. Nothing here writes to the
//     journal, and no append pays for it.
//   - Nothing scans: a list is a range of positions, of which so many are looked through at most. The answer
//     says how far that was.
package history

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/schema"
)

// Event is an event as the journal holds it, with its signature.
type Event = journal.Record

// ErrNone says that the journal has no such event.
var ErrNone = errors.New("there is no such event")

// Topics are the topics whose events the journal has.
var Topics = []event.Topic{payment.Events, order.Events, catalog.Events, people.Events}

// Types are all the types of event that are known, by their names.
var Types = func() []schema.Type {
	types := slices.Concat(payment.Types(), order.Types(), catalog.Types(), people.Types())
	slices.SortFunc(types, func(a, b schema.Type) int { return strings.Compare(a.Name, b.Name) })
	return types
}()

// Type describes a type; false where this version does not know it.
func Type(name string) (schema.Type, bool) {
	i := slices.IndexFunc(Types, func(t schema.Type) bool { return t.Name == name })
	if i < 0 {
		return schema.Type{Name: name}, false
	}
	return Types[i], true
}

// Writers are the services that write events, by their sources.
var Writers = func() (all []string) {
	for _, t := range Types {
		if !slices.Contains(all, t.Writer) {
			all = append(all, t.Writer)
		}
	}
	slices.Sort(all)
	return all
}()

// TopicOf is the topic of an event's stream; false for a stream of no topic that is known.
func TopicOf(stream string) (event.Topic, bool) {
	i := slices.IndexFunc(Topics, func(t event.Topic) bool {
		return slices.ContainsFunc(t.Prefixes, func(prefix string) bool { return strings.HasPrefix(stream, prefix) })
	})
	if i < 0 {
		return event.Topic{}, false
	}
	return Topics[i], true
}

// Reader reads the history.
type Reader struct {
	db      *pg.DB
	journal *journal.Journal
}

// NewReader returns the reader of a journal.
func NewReader(db *pg.DB, j *journal.Journal) *Reader { return &Reader{db, j} }

// Event reads the event at a position; ErrNone where there is none.
func (r *Reader) Event(ctx context.Context, position int64) (Event, error) {
	return one(r.journal.ReadWhere(ctx, r.db.Pool(), "position = $1", position))
}

// ByID reads the first event with an id; ErrNone where there is none.
func (r *Reader) ByID(ctx context.Context, id uuid.UUID) (Event, error) {
	return one(r.journal.ReadWhere(ctx, r.db.Pool(), "event_id = $1", id))
}

func one(found []Event, err error) (Event, error) {
	switch {
	case err != nil:
		return Event{}, err
	case len(found) == 0:
		return Event{}, ErrNone
	}
	return found[0], nil
}

// relatedAtMost bounds how many events a stream or a correlation shows beside one.
const relatedAtMost = 200

// Related is what an event belongs to.
type Related struct {
	Cause   *Event  // the event that caused it; nil where none did, or the journal does not have it
	Effects []Event // what it caused, in the order of their positions
	Looked  int     // how many events were looked through for effects; 0 where all that can be were
}

// Related reads what caused an event and what it caused. Who caused an event has its id, which has an index.
// What it caused comes after it, and is looked for among so many of the events there.
func (r *Reader) Related(ctx context.Context, e Event) (related Related, err error) {
	if id, err := uuid.Parse(e.CausationID); err == nil {
		cause, err := r.ByID(ctx, id)
		if err != nil && !errors.Is(err, ErrNone) {
			return related, err
		}
		if err == nil {
			related.Cause = &cause
		}
	}
	page, err := r.List(ctx, Query{Causation: e.ID.String(), After: e.Position, Limit: relatedAtMost})
	if err != nil {
		return related, err
	}
	related.Effects, related.Looked = page.Events, page.Looked
	slices.Reverse(related.Effects)
	return related, nil
}

// Query is which events a list has. Its zero value has all of them, from the newest on.
type Query struct {
	Type, Actor, Writer, Correlation, Causation string

	Stream string // its name or id, or how one of these begins
	Text   string // words or ids, all of which the event has

	From, To      time.Time
	Before, After int64 // a position that the page begins at; After leads to newer ones
	Limit         int

	// Shown is an event's data for who looks: what they may not see must not be found either. Nil: as it is.
	Shown func(Event) []byte
}

// Page is a part of the list, the newest first.
type Page struct {
	Events       []Event
	Newer, Older int64 // where the pages beside it begin; 0 where there is nothing more
	Looked       int   // how many events were looked through for a page that is not full; 0 where it is all
	Late         int   // how many of the newest have no digests yet; 0 where few
}
