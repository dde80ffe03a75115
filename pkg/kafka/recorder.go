package kafka

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Topic is a topic that a service hears, and what it takes for an event there.
type Topic struct {
	Name string
	// Stream is the id of an event's stream in the journal; see BySubject. It is asked before Check.
	Stream func(event.Event) string
	// Check returns nil for an event that fits its schema, Unknown (by errors.Is) for one of
	// a type that it does not know, and anything else for one that is malformed.
	Check   func(event.Event) error
	Unknown error
	// Partitions is how many the topic was created with. An event in another partition than that of its key is refused,
	// since its place among the key's others would be chance. 0 is not checked.
	Partitions int
	// Writer is the source that alone writes events of the type; "" for a type that is not known. An event from another
	// source is refused. Nil is not checked.
	Writer func(typ string) string
}

// BySubject is for a topic whose events are all about one kind of thing: stream makes the id of a stream out of the subject.
func BySubject(stream func(subject string) string) func(event.Event) string {
	return func(e event.Event) string { return stream(e.Subject) }
}

// Recording says how messages become the service's record. Consumer and dead letters share it.
type Recording struct {
	DB      *pg.DB
	Journal *journal.Journal
	Topics  []Topic
	// Before runs in the transaction that records, before the rows of the events' streams are locked, so that it can lock what
	// must be held first (cases); also when a dead letter is replayed. heard is what is to be recorded, redeliveries too. May be nil.
	Before func(ctx context.Context, tx *pg.Tx, heard []journal.Heard) error
	// Projectors run in the transaction that records, under the streams' locks, in order.
	Projectors []journal.Projector
	// Primary is for a service whose journal cannot be rebuilt from topics: hearing an event
	// of its own that the journal lacks is ErrOtherDatabase.
	Primary bool
	Log     *slog.Logger
}

// ErrOtherDatabase says that the topics hold what a service has written, and its journal does not.
var ErrOtherDatabase = errors.New("this database is not the one that the service had: restore it from a backup")

// item is a message on its way into the journal.
type item struct {
	message   kafkago.Message
	heard     journal.Heard
	malformed error
	unknown   bool
}

func (i item) key() parkedKey { return parkedKey{i.message.Topic, string(i.message.Key)} }

// parkedKey names a row of parked_keys.
type parkedKey struct{ topic, key string }

// recorder records what was heard.
type recorder struct {
	Recording
	topics   map[string]Topic
	outcomes *prometheus.CounterVec
	// inTx is DB.InTx, or a part of a transaction under way.
	inTx func(ctx context.Context, fn func(tx *pg.Tx) error) error
}

func newRecorder(r Recording) *recorder {
	topics := make(map[string]Topic, len(r.Topics))
	for _, t := range r.Topics {
		topics[t.Name] = t
	}
	return &recorder{Recording: r, topics: topics, inTx: r.DB.InTx, outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "heard_total",
		Help: "Messages by what became of them: recorded, unknown (type), redelivered, malformed, poison, parked.",
	}, []string{"outcome"})}
}

// lanes are how many transactions a large batch is recorded in at once.
var lanes = min(4, runtime.GOMAXPROCS(0))

// record brings messages into the journal, all of them or, with an error, some: it returns those to call it with again. What of
// them is recorded already is known then.
func (r *recorder) record(ctx context.Context, messages []kafkago.Message) (left []kafkago.Message, err error) {
	if len(messages) <= batchMessages {
		if err := r.recordLane(ctx, messages); err != nil {
			return messages, err
		}
		return nil, nil
	}
	// What has the same key stays in one lane, in order; nothing else is ordered.
	shares, seed := make([][]kafkago.Message, lanes), maphash.MakeSeed()
	for _, m := range messages {
		lane := maphash.Bytes(seed, m.Key) % uint64(lanes)
		shares[lane] = append(shares[lane], m)
	}
	errs := make([]error, lanes)
	var all sync.WaitGroup
	for lane, share := range shares {
		all.Go(func() { errs[lane] = r.recordLane(ctx, share) })
	}
	all.Wait()
	for lane, err := range errs {
		if err != nil {
			left = append(left, shares[lane]...)
		}
	}
	return left, errors.Join(errs...)
}

func (r *recorder) recordLane(ctx context.Context, messages []kafkago.Message) error {
	items := make([]item, len(messages))
	for i, m := range messages {
		items[i] = r.read(m)
	}
	return r.recordItems(ctx, items)
}

// recordItems looks for what fails for a permanent reason by halves: one bad message among n
// costs 2 log n transactions, and once its key is parked those behind it cost nothing.
func (r *recorder) recordItems(ctx context.Context, items []item) error {
	err := r.attempt(ctx, items)
	switch {
	case err == nil || !permanent(err):
		return err
	case len(items) == 1:
		return r.bury(ctx, items[0], err)
	}
	half := len(items) / 2
	if err := r.recordItems(ctx, items[:half]); err != nil {
		return err
	}
	return r.recordItems(ctx, items[half:])
}

// read decodes and checks one message.
func (r *recorder) read(m kafkago.Message) (i item) {
	i.message = m
	topic := r.topics[m.Topic]
	e, err := Decode(m)
	if err != nil {
		i.malformed = err
		return i
	}
	defer func() {
		if p := recover(); p != nil {
			i.malformed = panicked(p)
		}
	}()
	i.heard = journal.Heard{Event: e, Stream: topic.Stream(e), Topic: m.Topic, Partition: m.Partition, Offset: m.Offset}
	if topic.Check == nil {
		return i
	}
	switch err := topic.Check(e); {
	case err == nil:
	case topic.Unknown != nil && errors.Is(err, topic.Unknown):
		i.unknown = true
	default:
		i.malformed = err
	}
	return i
}

// attempt records items in one transaction.
func (r *recorder) attempt(ctx context.Context, items []item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return r.inTx(ctx, func(tx *pg.Tx) error {
		before, err := r.look(ctx, tx, items)
		if err != nil {
			return err
		}
		counts := map[string]int{}
		letters, heard := 0, make([]journal.Heard, 0, len(items))
		unknown := map[uuid.UUID]bool{}
		for n, i := range items {
			switch {
			case before.letters[n]:
				counts["redelivered"]++
			case i.malformed != nil:
				letters++
				counts["malformed"]++
				err = insertLetter(ctx, tx, i, Malformed, i.malformed)
			case before.parked[i.key()]:
				counts["parked"]++
				err = insertLetter(ctx, tx, i, Parked, errParked)
			default:
				heard = append(heard, i.heard)
				unknown[i.heard.ID] = i.unknown
			}
			if err != nil {
				return err
			}
		}
		fresh, err := r.hear(ctx, tx, heard, before.own)
		if err != nil {
			return err
		}
		for _, id := range fresh {
			if unknown[id] {
				counts["unknown"]++
			} else {
				counts["recorded"]++
			}
		}
		counts["redelivered"] += len(heard) - len(fresh)
		tx.AfterCommit(func() { r.tell(counts, letters > 0) })
		return nil
	})
}

// hear records events and runs the projectors on the streams that changed. It returns the ids
// of the events that were new or confirmed.
func (r *recorder) hear(ctx context.Context, tx *pg.Tx, heard []journal.Heard, own map[uuid.UUID]bool) ([]uuid.UUID, error) {
	if len(heard) == 0 {
		return nil, nil
	}
	for _, h := range heard {
		if r.Primary && h.Source == r.Journal.Source() && !own[h.ID] {
			return nil, fmt.Errorf("%w: event %s of %s, at %s/%d/%d, is missing", ErrOtherDatabase, h.ID, h.Stream, h.Topic, h.Partition, h.Offset)
		}
	}
	if r.Before != nil {
		if err := r.Before(ctx, tx, heard); err != nil {
			return nil, err
		}
	}
	changed, err := r.Journal.Hear(ctx, tx, heard)
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	for _, project := range r.Projectors {
		if err := project(ctx, tx, changed); err != nil {
			return nil, err
		}
	}
	var fresh []uuid.UUID
	for _, s := range changed {
		fresh = append(fresh, s.New...)
	}
	return fresh, nil
}

// bury makes a dead letter of the one message that fails for a permanent reason, and parks its key.
func (r *recorder) bury(ctx context.Context, i item, cause error) error {
	return r.inTx(ctx, func(tx *pg.Tx) error {
		first, err := parkKey(ctx, tx, i.key())
		if err != nil {
			return err
		}
		kind := Poison
		if !first { // another replica has met it meanwhile
			kind, cause = Parked, errParked
		}
		if err := insertLetter(ctx, tx, i, kind, cause); err != nil {
			return err
		}
		tx.AfterCommit(func() { r.tell(map[string]int{string(kind): 1}, true) })
		r.Log.Error("an event is set aside as a dead letter, and later ones of its key behind it",
			"topic", i.message.Topic, "partition", i.message.Partition, "offset", i.message.Offset,
			"event", i.heard.ID, "correlation_id", i.heard.CorrelationID, "error", cause)
		return nil
	})
}

// tell counts outcomes, and wakes the relay for the notices of new letters.
func (r *recorder) tell(counts map[string]int, letters bool) {
	for outcome, n := range counts {
		r.outcomes.WithLabelValues(outcome).Add(float64(n))
	}
	if letters {
		r.DB.Notify(journal.OutboxChannel)
	}
}

// known is what the tables say about items before they are recorded.
type known struct {
	letters map[int]bool       // by index: set aside already, whatever became of it
	parked  map[parkedKey]bool // these rows are locked now
	own     map[uuid.UUID]bool // of our own events, those that the journal has
}

// look asks in one round trip.
func (r *recorder) look(ctx context.Context, tx *pg.Tx, items []item) (known, error) {
	k := known{letters: map[int]bool{}, parked: map[parkedKey]bool{}, own: map[uuid.UUID]bool{}}
	topics, partitions, offsets := make([]string, len(items)), make([]int32, len(items)), make([]int64, len(items))
	var keyTopics []string
	var keys [][]byte
	var own []uuid.UUID
	for n, i := range items {
		topics[n], partitions[n], offsets[n] = i.message.Topic, int32(i.message.Partition), i.message.Offset
		if i.malformed != nil {
			continue
		}
		keyTopics, keys = append(keyTopics, i.message.Topic), append(keys, i.message.Key)
		if r.Primary && i.heard.Source == r.Journal.Source() {
			own = append(own, i.heard.ID)
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(`select topic, key from parked_keys where (topic, key) in (select * from unnest($1::text[], $2::bytea[]))
		order by topic, key for update`, keyTopics, keys).Query(func(rows pgx.Rows) error {
		var topic string
		var key []byte
		_, err := pgx.ForEachRow(rows, []any{&topic, &key}, func() error {
			k.parked[parkedKey{topic, string(key)}] = true
			return nil
		})
		return err
	})
	batch.Queue(`select ord - 1 from unnest($1::text[], $2::int[], $3::bigint[]) with ordinality as heard (topic, partition, "offset", ord)
		cross join lateral (select from dead_letters d where d.topic = heard.topic and d.partition = heard.partition
			and d."offset" = heard."offset" offset 0) as letter`, topics, partitions, offsets).Query(func(rows pgx.Rows) error {
		indexes, err := pgx.CollectRows(rows, pgx.RowTo[int])
		for _, n := range indexes {
			k.letters[n] = true
		}
		return err
	})
	if len(own) > 0 {
		batch.Queue("select event_id from journal where event_id = any($1)", own).Query(func(rows pgx.Rows) error {
			ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			for _, id := range ids {
				k.own[id] = true
			}
			return err
		})
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return known{}, fmt.Errorf("look for parked keys: %w", err)
	}
	return k, nil
}

// permanentError is a failure that trying again cannot cure.
type permanentError struct{ error }

func panicked(p any) error {
	stack := slices.Collect(strings.Lines(string(debug.Stack())))
	return permanentError{fmt.Errorf("panic: %v\n%s", p, strings.Join(stack[:min(len(stack), 40)], ""))}
}

// permanent reports whether err lies in the message: a panic, data that PostgreSQL refuses,
// or more of it than it can take (class 54, such as JSON nested too deeply).
//
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func permanent(err error) bool {
	if _, ok := errors.AsType[permanentError](err); ok || pg.IsData(err) {
		return true
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && strings.HasPrefix(pgErr.Code, "54")
}
