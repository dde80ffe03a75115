package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/journal"
)

const (
	// lookBatch is how many messages are read before the journal is asked.
	lookBatch = 1_000
	// lookUntil bounds how many missing events are counted: that there are so many is enough to know.
	lookUntil = 10_000
	// lookAtOnce is how many partitions are read at once.
	lookAtOnce = 4
	// nameMissing is how many of them are named.
	nameMissing = 5
)

// Origin is where a topic holds a message.
type Origin struct {
	journal.TopicPartition
	Offset int64
}

func (o Origin) String() string { return fmt.Sprintf("%s/%d/%d", o.Topic, o.Partition, o.Offset) }

// MissingEvent is an event that says that this service has written it, and that the journal lacks.
type MissingEvent struct {
	Origin
	ID           uuid.UUID
	Type, Stream string
}

func (e MissingEvent) String() string {
	return fmt.Sprintf("%s of %s (%s) at %s", e.Type, e.Stream, e.ID, e.Origin)
}

// MissingError says what a topic holds of a service's own events and its journal lacks: the database is older than it was when the
// service wrote them, or somebody has forged them.
type MissingError struct {
	Events  int // lookUntil at most, unless All
	All     bool
	Streams int
	First   []MissingEvent // some of them, partition by partition
}

func (e *MissingError) Error() string {
	atLeast := ""
	if !e.All {
		atLeast = "at least "
	}
	named := make([]string, len(e.First))
	for i, m := range e.First {
		named[i] = m.String()
	}
	return fmt.Sprintf("the journal lacks %s%d events that this service has written, of %d streams: the database is older than it was. Among them: %s",
		atLeast, e.Events, e.Streams, strings.Join(named, "; "))
}

// errEnough ends a look.
var errEnough = errors.New("enough is known")

// finding is a look for missing events. Several partitions are read at once.
type finding struct {
	cfg ConsumerConfig

	mu      sync.Mutex
	whole   map[journal.TopicPartition]int64 // up to where nothing is missing, as far as is known
	found   map[Origin]MissingEvent
	streams map[string]bool
	ids     map[uuid.UUID]bool
	order   []Origin
}

// findMissing reads the topics from where this database has received them to their end, and compares the service's own events with its
// journal. It returns a *MissingError, a *journal.LostError where that cannot be known any more, or nil. Of what was received
// before, it looks at the dead letters that were refused. With nothing to receive it costs a few questions. whole is how far partitions were
// found whole before, and is brought up to date: a look that is cut off goes on where it was.
func findMissing(ctx context.Context, cfg ConsumerConfig, whole map[journal.TopicPartition]int64) error {
	return find(ctx, cfg, whole, true)
}

// find is findMissing, with the dead letters or without them.
func find(ctx context.Context, cfg ConsumerConfig, whole map[journal.TopicPartition]int64, deadLetters bool) error {
	extents, err := cfg.Client.extents(ctx, cfg.Group, cfg.topicNames()...)
	if err != nil {
		return err
	}
	next, lost, err := cfg.Journal.Positions(ctx, extents)
	if err != nil {
		return err
	}
	if len(lost) > 0 {
		return &journal.LostError{Lost: lost}
	}
	f := &finding{cfg: cfg, whole: whole, found: map[Origin]MissingEvent{}, streams: map[string]bool{}, ids: map[uuid.UUID]bool{}}
	if deadLetters {
		err = f.deadLetters(ctx)
	}
	if err == nil {
		err = f.topics(ctx, next, extents)
	}
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if len(f.found) == 0 {
		return nil
	}
	missing := &MissingError{Events: len(f.ids), All: err == nil, Streams: len(f.streams)}
	for _, origin := range f.order[:min(len(f.order), nameMissing)] {
		missing.First = append(missing.First, f.found[origin])
	}
	return missing
}

func (f *finding) topics(ctx context.Context, next map[journal.TopicPartition]int64, extents map[journal.TopicPartition]journal.Extent) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	places := make(chan journal.TopicPartition)
	var readers sync.WaitGroup
	for range lookAtOnce {
		readers.Go(func() {
			for place := range places {
				if err := f.partition(ctx, place, next[place], extents[place].End); err != nil {
					stop(err)
				}
			}
		})
	}
	for place, start := range next {
		next[place] = max(start, f.whole[place])
	}
	for place, start := range next {
		if start < extents[place].End {
			places <- place
		}
	}
	close(places)
	readers.Wait()
	return context.Cause(ctx)
}

func (f *finding) partition(ctx context.Context, place journal.TopicPartition, from, to int64) error {
	var own []MissingEvent
	read, clean := 0, true
	flush := func(next int64) error {
		missing, err := f.compare(ctx, own)
		if err != nil {
			return err
		}
		if clean = clean && missing == 0; clean {
			f.mu.Lock()
			f.whole[place] = next
			f.mu.Unlock()
		}
		own, read = own[:0], 0
		return nil
	}
	err := f.cfg.Client.readPartition(ctx, Partition{Topic: place.Topic, ID: place.Partition, First: from, End: to}, func(m kafkago.Message) error {
		if e, ours := f.cfg.ownEvent(m); ours {
			own = append(own, e)
		}
		if read++; read < lookBatch {
			return nil
		}
		return flush(m.Offset + 1)
	})
	if err == nil {
		err = flush(to)
	}
	if err != nil {
		return fmt.Errorf("read %s/%d: %w", place.Topic, place.Partition, err)
	}
	return nil
}

// ownEvent reads a message that says that it is an event which this service has written, of a type that it writes. What is not an
// event, or is refused whoever sent it, is not missing.
func (r Recording) ownEvent(m kafkago.Message) (MissingEvent, bool) {
	e, err := Decode(m)
	if err != nil || e.Source != r.Journal.Source() {
		return MissingEvent{}, false
	}
	for _, t := range r.Topics {
		if t.Name != m.Topic {
			continue
		}
		if _, refused := t.refuses(e, m); refused {
			return MissingEvent{}, false
		}
		return MissingEvent{Origin{journal.TopicPartition{Topic: m.Topic, Partition: m.Partition}, m.Offset}, e.ID, e.Type, t.Stream(e)}, true
	}
	return MissingEvent{}, false
}

// compare adds those of events that the journal lacks. What was skipped, or is another kind of dead letter, is accounted for.
func (f *finding) compare(ctx context.Context, events []MissingEvent) (found int, err error) {
	if len(events) == 0 {
		return 0, nil
	}
	ids, topics := make([]uuid.UUID, len(events)), make([]string, len(events))
	partitions, offsets := make([]int32, len(events)), make([]int64, len(events))
	for i, e := range events {
		ids[i], topics[i], partitions[i], offsets[i] = e.ID, e.Topic, int32(e.Partition), e.Offset
	}
	rows, err := f.cfg.DB.Pool().Query(ctx, `select ord - 1 from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[]) with ordinality
			as e (id, topic, partition, "offset", ord)
		where not exists (select from journal where event_id = e.id)
		and not exists (select from dead_letters d where d.topic = e.topic and d.partition = e.partition and d."offset" = e."offset"
			and (d.event_id = e.id or d.event_id is null) and (d.state <> 'waiting' or d.kind <> 'refused')) order by ord`, ids, topics, partitions, offsets)
	if err != nil {
		return 0, fmt.Errorf("compare with the journal: %w", err)
	}
	missing, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return 0, fmt.Errorf("compare with the journal: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range missing {
		e := events[n]
		if _, known := f.found[e.Origin]; !known {
			f.found[e.Origin] = e
			f.order = append(f.order, e.Origin)
			f.ids[e.ID], f.streams[e.Stream] = true, true
		}
	}
	if len(f.found) >= lookUntil {
		return len(missing), errEnough
	}
	return len(missing), nil
}

// deadLetters looks at what was refused while the service ran.
func (f *finding) deadLetters(ctx context.Context) error {
	deadLetters, err := refusedOwn(ctx, f.cfg.Recording, f.cfg.DB.Pool())
	if err != nil {
		return err
	}
	events := make([]MissingEvent, 0, len(deadLetters))
	for _, l := range deadLetters {
		if e, ours := f.cfg.ownEvent(l.message()); ours {
			events = append(events, e)
		}
	}
	_, err = f.compare(ctx, events)
	return err
}

// querier is a transaction or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// refusedOwn are the refused dead letters that wait and whose event says that this service has written it and is not in the journal,
// in the topics' order, lookUntil at most.
func refusedOwn(ctx context.Context, r Recording, q querier) ([]DeadLetter, error) {
	rows, err := q.Query(ctx, selectDeadLetters+`where state = 'waiting' and kind = 'refused' and "offset" >= 0
		and not exists (select from journal where event_id = dead_letters.event_id)
		order by topic, partition, "offset"`)
	if err != nil {
		return nil, fmt.Errorf("read refused letters: %w", err)
	}
	defer rows.Close()
	var own []DeadLetter
	for len(own) < lookUntil && rows.Next() { // whoever forges others' events must not hide ours behind them
		l, err := scanDeadLetter(rows)
		if err != nil {
			return nil, fmt.Errorf("read refused letters: %w", err)
		}
		if _, ours := r.ownEvent(l.message()); ours {
			own = append(own, l)
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read refused letters: %w", err)
	}
	return own, nil
}
