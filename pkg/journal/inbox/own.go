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

func (e OwnEvent) String() string {
	return fmt.Sprintf("%s of %s (%s) at %s", e.Type, e.Stream, e.ID, e.Origin)
}

// maxRefusedOwn bounds how many refused events of the service's own are read.
const maxRefusedOwn = 10_000

// OwnEvent reads a message that says that it is an event which this service has written, of a type that it
// writes. A message that is not an event, or that is refused whoever sent it, is not one of these.
func (c Config) OwnEvent(m Message) (OwnEvent, bool) {
	e, err := c.Format.Decode(m)
	if err != nil || e.Source != c.Journal.Source() {
		return OwnEvent{}, false
	}
	for _, t := range c.Topics {
		if t.Name != m.Topic {
			continue
		}
		if _, refused := t.refuses(c.Format, e, m); refused {
			return OwnEvent{}, false
		}
		origin := Origin{journal.TopicPartition{Topic: m.Topic, Partition: m.Partition}, m.Offset}
		return OwnEvent{origin, e.ID, e.Type, t.Stream(e)}, true
	}
	return OwnEvent{}, false
}

// Missing returns those of events that the journal lacks. An event that was skipped, or that is another kind
// of dead letter, is accounted for.
func (c Config) Missing(ctx context.Context, events []OwnEvent) ([]OwnEvent, error) {
	if len(events) == 0 {
		return nil, nil
	}
	ids, streams, topics := make([]uuid.UUID, len(events)), make([]string, len(events)), make([]string, len(events))
	partitions, offsets := make([]int32, len(events)), make([]int64, len(events))
	for i, e := range events {
		ids[i], streams[i], topics[i], partitions[i], offsets[i] = e.ID, e.Stream, e.Topic, int32(e.Partition), e.Offset
	}
	rows, err := c.DB.Pool().Query(ctx, `select ord - 1
		from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::text[]) with ordinality as e (id, topic, partition, "offset", stream, ord)
		where not `+journal.Holds("e.id", "e.stream")+`
		and not exists (select from dead_letters d where d.topic = e.topic and d.partition = e.partition and d."offset" = e."offset"
			and (d.event_id = e.id or d.event_id is null) and (d.state <> 'waiting' or d.kind <> 'refused')) order by ord`,
		ids, topics, partitions, offsets, streams)
	if err != nil {
		return nil, fmt.Errorf("compare with the journal: %w", err)
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, fmt.Errorf("compare with the journal: %w", err)
	}
	missing := make([]OwnEvent, len(indexes))
	for i, n := range indexes {
		missing[i] = events[n]
	}
	return missing, nil
}

// RefusedOwn returns the events of the service's own that were refused while it ran.
func (c Config) RefusedOwn(ctx context.Context) ([]OwnEvent, error) {
	deadLetters, err := c.refusedOwn(ctx, c.DB.Pool())
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

// refusedOwn returns the refused dead letters that wait and whose event says that this service has written it
// and is not in the journal, in the topics' order, maxRefusedOwn at most.
func (c Config) refusedOwn(ctx context.Context, q journal.Querier) ([]DeadLetter, error) {
	rows, err := q.Query(ctx, selectDeadLetters+`where state = 'waiting' and kind = 'refused' and "offset" >= 0
		and not exists (select from journal j where (j.event_id = dead_letters.event_id or j.shared_id = dead_letters.event_id)
			and convert_to(j.subject, 'UTF8') = dead_letters.key and coalesce(j.topic, dead_letters.topic) = dead_letters.topic)
		order by topic, partition, "offset"`)
	if err != nil {
		return nil, fmt.Errorf("read refused letters: %w", err)
	}
	defer rows.Close()
	var own []DeadLetter
	for len(own) < maxRefusedOwn && rows.Next() { // whoever forges others' events must not hide ours behind them
		d, err := scanDeadLetter(rows)
		if err != nil {
			return nil, fmt.Errorf("read refused letters: %w", err)
		}
		if _, ours := c.OwnEvent(d.message()); ours {
			own = append(own, d)
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read refused letters: %w", err)
	}
	return own, nil
}

// RecordRefusedOwn records the service's own events that were refused while it ran, since the journal lacked
// them: they come before whatever the topics hold next.
func (r *Recorder) RecordRefusedOwn(ctx context.Context, tx *pg.Tx) error {
	deadLetters, err := r.refusedOwn(ctx, tx)
	if err != nil {
		return err
	}
	for _, d := range deadLetters {
		if err := r.inTx(ctx, func(tx *pg.Tx) error { return r.recordRefused(ctx, tx, d) }); err != nil {
			return fmt.Errorf("record the refused letter %d: %w", d.ID, err)
		}
	}
	return nil
}

// recordRefused records a refused event as if it came now: it waits where its key is parked, and parks it
// where it cannot be used.
func (r *Recorder) recordRefused(ctx context.Context, tx *pg.Tx, d DeadLetter) error {
	i := r.read(d.message())
	known, err := r.lookUp(ctx, tx, []item{i})
	switch {
	case err != nil:
		return err
	case known.parked[i.key()]:
		return markFailed(ctx, tx, d.ID, Parked, errParked)
	case i.kind == Poison:
		if err := parkKeys(ctx, tx, []parkedKey{i.key()}); err != nil {
			return err
		}
		return markFailed(ctx, tx, d.ID, Poison, i.cause)
	}
	if err := (&DeadLetterStore{recorder: r}).receive(ctx, tx, i); err != nil {
		return err
	}
	return settle(ctx, tx, d.ID, "replayed")
}

// ErrNotMissing says that there is no event to skip.
var ErrNotMissing = errors.New("there is no event that says that this service has written it and that the journal lacks")

// Skip has an event, which says that the service has written it, never be recorded: an operator knows that
// somebody else has. It stays on record as a discarded dead letter. message is what the topic holds of it.
func (c Config) Skip(ctx context.Context, message Message, e OwnEvent, d Decision) error {
	return c.DB.InTx(ctx, func(tx *pg.Tx) error {
		var known bool
		if err := tx.QueryRow(ctx, "select "+journal.Holds("$1", "$2"), e.ID, e.Stream).Scan(&known); err != nil {
			return fmt.Errorf("look for the event: %w", err)
		}
		if known {
			return fmt.Errorf("%s: %w: it is in the journal", e.Origin, ErrNotMissing)
		}
		cause := fmt.Errorf("skipped by %s: %s", d.By, d.Reason)
		refused := item{message: message, received: journal.Received{Event: event.Event{ID: e.ID}}}.deadLetter(Refused, cause)
		if err := insertDeadLetters(ctx, tx, []item{refused}); err != nil && !errors.Is(err, errConcurrent) { // or it is one already
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
	})
}
