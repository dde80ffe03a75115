package inbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Origin is where a topic holds a message.
type Origin struct {
	journal.TopicPartition
	Offset int64
}

func (o Origin) String() string { return fmt.Sprintf("%s/%d/%d", o.Topic, o.Partition, o.Offset) }

// OwnEvent is an event that says that this service has written it.
type OwnEvent struct {
	Origin
	ID           uuid.UUID
	Type, Stream string
}

// EventKey is what an event is known by: its id counts within its stream.
type EventKey struct {
	ID     uuid.UUID
	Stream string
}

// EventKey is what the event is known by.
func (e OwnEvent) EventKey() EventKey { return EventKey{e.ID, e.Stream} }

func (e OwnEvent) String() string {
	return fmt.Sprintf("%s of %s (%s) at %s", e.Type, e.Stream, e.ID, e.Origin)
}

// maxDisallowedOwn bounds how many disallowed events of the service's own are read.
const maxDisallowedOwn = 10_000

// OwnEvent reads a message that is an event which this service has written, of a type that it writes: its
// signature says so, where it must have one. A message that is not an event, or that is disallowed whoever
// sent it, is not one of these.
func (c Config) OwnEvent(m Message) (OwnEvent, bool) {
	e, err := c.Format.Decode(m)
	t := c.topic(m.Topic)
	if err != nil || e.Source != c.Journal.Source() || t.Name == "" || c.read(m)[0].kind == Disallowed {
		return OwnEvent{}, false
	}
	origin := Origin{journal.TopicPartition{Topic: m.Topic, Partition: m.Partition}, m.Offset}
	return OwnEvent{origin, e.ID, e.Type, t.Stream(e)}, true
}

// Missing returns those of events that the journal lacks. An event that was skipped, or that is another kind
// of dead letter, is accounted for.
func (c Config) Missing(ctx context.Context, events []OwnEvent) ([]OwnEvent, error) {
	if len(events) == 0 {
		return nil, nil
	}
	indexes, err := pg.Rows(ctx, c.DB.Pool(), pgx.RowTo[int], `select ord - 1
		from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::text[]) with ordinality as e (id, topic, partition, "offset", stream, ord)
		where not `+journal.Holds("e.id", "e.stream")+`
		and not exists (select from dead_letters d where d.topic = e.topic and d.partition = e.partition and d."offset" = e."offset"
			and (d.event_id = e.id or d.event_id is null) and (d.state <> 'waiting' or d.kind <> 'refused')) order by ord`,
		pg.Column(events, func(e OwnEvent) uuid.UUID { return e.ID }), pg.Column(events, func(e OwnEvent) string { return e.Topic }),
		pg.Column(events, func(e OwnEvent) int32 { return int32(e.Partition) }), pg.Column(events, func(e OwnEvent) int64 { return e.Offset }),
		pg.Column(events, func(e OwnEvent) string { return e.Stream }))
	if err != nil {
		return nil, fmt.Errorf("compare with the journal: %w", err)
	}
	missing := make([]OwnEvent, len(indexes))
	for i, n := range indexes {
		missing[i] = events[n]
	}
	return missing, nil
}

// DisallowedOwnEvents returns the events of the service's own that were disallowed while it ran.
func (c Config) DisallowedOwnEvents(ctx context.Context) ([]OwnEvent, error) {
	deadLetters, err := c.disallowedOwnDeadLetters(ctx, c.DB.Pool())
	if err != nil {
		return nil, err
	}
	events := make([]OwnEvent, 0, len(deadLetters))
	for _, d := range deadLetters {
		if e, ours := c.OwnEvent(d.message()); ours {
			events = append(events, e)
		}
	}
	return events, nil
}

// notInJournal is true of a dead letter whose event the journal lacks.
const notInJournal = `not exists (select from journal j where (j.event_id = dead_letters.event_id or j.shared_id = dead_letters.event_id)
	and convert_to(j.subject, 'UTF8') = dead_letters.key and coalesce(j.topic, dead_letters.topic) = dead_letters.topic)`

// eachOwnDeadLetter reads dead letters and calls do with those whose event says that this service has written
// it, until do returns false. It keeps none: others' dead letters may be many and large, and must not hide
// ours behind them.
func (c Config) eachOwnDeadLetter(ctx context.Context, q pg.Querier, do func(DeadLetter, OwnEvent) bool, where string, args ...any) error {
	rows, err := q.Query(ctx, selectDeadLetters+where, args...)
	if err != nil {
		return fmt.Errorf("read dead letters: %w", err)
	}
	defer rows.Close()
	for more := true; more && rows.Next(); {
		d, err := scanDeadLetter(rows)
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
		if e, ours := c.OwnEvent(d.message()); ours {
			more = do(d, e)
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read dead letters: %w", err)
	}
	return nil
}

// disallowedOwnDeadLetters returns the disallowed dead letters that wait and whose event says that this
// service has written it and is not in the journal, in the topics' order, maxDisallowedOwn at most.
func (c Config) disallowedOwnDeadLetters(ctx context.Context, q pg.Querier) (own []DeadLetter, err error) {
	err = c.eachOwnDeadLetter(ctx, q, func(d DeadLetter, _ OwnEvent) bool {
		own = append(own, d)
		return len(own) < maxDisallowedOwn
	}, `where state = 'waiting' and kind = 'refused' and "offset" >= 0 and `+notInJournal+` order by topic, partition, "offset"`)
	return own, err
}

// RecordDisallowedOwnEvents records the service's own events that were disallowed while it ran, since the
// journal lacked them: they come before whatever the topics hold next. It returns their dead letters, by
// event.
func (r *Recorder) RecordDisallowedOwnEvents(ctx context.Context, tx *pg.Tx) (disallowed map[EventKey]int64, err error) {
	deadLetters, err := r.disallowedOwnDeadLetters(ctx, tx)
	if err != nil {
		return nil, err
	}
	disallowed = make(map[EventKey]int64, len(deadLetters))
	for _, d := range deadLetters {
		if err := r.inTx(ctx, func(tx *pg.Tx) error { return r.recordDisallowed(ctx, tx, d) }); err != nil {
			return nil, fmt.Errorf("record the refused dead letter %d: %w", d.ID, err)
		}
		if e, ours := r.OwnEvent(d.message()); ours {
			disallowed[e.EventKey()] = d.ID
		}
	}
	return disallowed, nil
}

// recordDisallowed records a disallowed event as if it came now. It waits where its key was quarantined
// before it came, and quarantines the key where it cannot be used.
func (r *Recorder) recordDisallowed(ctx context.Context, tx *pg.Tx, d DeadLetter) error {
	i := r.read(d.message())[0]
	if i.kind == Disallowed { // by rules that do not ask the journal
		return nil
	}
	known, err := r.lookUp(ctx, tx, []item{i})
	if err != nil {
		return err
	}
	waits := known.quarantined[i.key()]
	if waits {
		before, err := beforeHead(ctx, tx, d)
		if err != nil {
			return err
		}
		if !before {
			return markFailed(ctx, tx, d.ID, Parked, errParked)
		}
	}
	if i.kind == Poison {
		if !waits {
			if err := quarantine(ctx, tx, []quarantinedKey{i.key()}); err != nil {
				return err
			}
		}
		return markFailed(ctx, tx, d.ID, Poison, i.cause)
	}
	err = r.receiveOne(ctx, tx, i)
	switch {
	case errors.Is(err, ErrDisallowed): // another one with its id was recorded just now
		return markFailed(ctx, tx, d.ID, Disallowed, err)
	case err != nil:
		return err
	}
	return settle(ctx, tx, d.ID, "replayed")
}

// beforeHead reports whether a dead letter came before the one that holds its quarantined key.
func beforeHead(ctx context.Context, tx *pg.Tx, d DeadLetter) (before bool, err error) {
	err = tx.QueryRow(ctx, "select $3 < id from dead_letters "+waitingOfKey+" limit 1", d.Topic, d.Key, d.ID).Scan(&before)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("look for what holds the key: %w", err)
	}
	return before, nil
}

// WaitingOwnEvent is an event of the service's own that the journal lacks, and that waits as a dead letter
// until its key is freed.
type WaitingOwnEvent struct {
	OwnEvent
	Event      event.Event
	DeadLetter int64
	Head       int64 // the dead letter that holds the key; it may be this one
}

// LastDeadLetter is the id of the last dead letter; 0 where there is none.
func LastDeadLetter(ctx context.Context, tx *pg.Tx) (id int64, err error) {
	if err := tx.QueryRow(ctx, "select coalesce(max(id), 0) from dead_letters").Scan(&id); err != nil {
		return 0, fmt.Errorf("look at the dead letters: %w", err)
	}
	return id, nil
}

// WaitingOwnEvents returns the service's own events that wait as dead letters whose id is above after, or
// among ids, in the order in which they came.
func (c Config) WaitingOwnEvents(ctx context.Context, q pg.Querier, after int64, ids []int64) (own []WaitingOwnEvent, err error) {
	err = c.eachOwnDeadLetter(ctx, q, func(d DeadLetter, e OwnEvent) bool {
		decoded, _ := c.Format.Decode(d.message()) // as OwnEvent has
		own = append(own, WaitingOwnEvent{OwnEvent: e, Event: decoded, DeadLetter: d.ID, Head: d.ID})
		return true
	}, `where state = 'waiting' and kind in ('poison', 'parked') and (id > $1 or id = any($2)) and `+notInJournal+` order by id`, after, ids)
	if err != nil {
		return nil, err
	}
	return own, findHeads(ctx, q, own)
}

func findHeads(ctx context.Context, q pg.Querier, own []WaitingOwnEvent) error {
	var place int
	var head int64
	if err := pg.ForEach(ctx, q, []any{&place, &head}, func() { own[place-1].Head = head }, `select own.place, (select h.id from dead_letters h
		where h.topic = d.topic and h.key = d.key and h.state = 'waiting' and h.kind <> 'malformed' and h.kind in ('poison', 'parked')
		order by h.id limit 1) from unnest($1::bigint[]) with ordinality as own (id, place) join dead_letters d on d.id = own.id`,
		pg.Column(own, func(w WaitingOwnEvent) int64 { return w.DeadLetter })); err != nil {
		return fmt.Errorf("look for what holds the keys: %w", err)
	}
	return nil
}

// ErrNotMissing says that there is no event to skip.
var ErrNotMissing = errors.New("there is no event that says that this service has written it and that the journal lacks")

// Skip has an event, which says that the service has written it, never be recorded: an operator knows that
// somebody else has. It stays on record as a discarded dead letter. message is what the topic holds of it.
func (c Config) Skip(ctx context.Context, tx *pg.Tx, message Message, e OwnEvent, d Decision) error {
	var known bool
	if err := tx.QueryRow(ctx, "select "+journal.Holds("$1", "$2"), e.ID, e.Stream).Scan(&known); err != nil {
		return fmt.Errorf("look for the event: %w", err)
	}
	if known {
		return fmt.Errorf("%s: %w: it is in the journal", e.Origin, ErrNotMissing)
	}
	cause := fmt.Errorf("skipped by %s: %s", d.By, d.Reason)
	skipped := item{message: message, received: journal.Received{Event: event.Event{ID: e.ID}}}.deadLetter(Disallowed, cause)
	err := insertDeadLetters(ctx, tx, []item{skipped})
	if err != nil && !errors.Is(err, errConcurrent) { // it may be one already
		return err
	}
	tag, err := tx.Exec(ctx, `update dead_letters set state = 'discarded', settled_at = clock_timestamp(), error = $4
		where topic = $1 and partition = $2 and "offset" = $3 and state = 'waiting' and kind = 'refused'`,
		e.Topic, e.Partition, e.Offset, errorText(cause))
	if err != nil {
		return fmt.Errorf("skip %s: %w", e.Origin, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%s: %w: it is a dead letter already", e.Origin, ErrNotMissing)
	}
	return d.Record(ctx, tx, "skip", &e.TopicPartition, &e.Offset, e.String())
}
