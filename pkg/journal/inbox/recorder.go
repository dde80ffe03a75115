package inbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"runtime"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Config says how messages are recorded. The recorder and the dead-letter store share it.
type Config struct {
	DB      *pg.DB
	Journal *journal.Journal
	Format  Format
	Topics  []event.Topic
	// Verifier is asked before anything else who has written a message; nil is not asked.
	Verifier Verifier
	// Before runs in the transaction that records, before the streams' rows are locked: it acquires what must
	// be locked first, such as process locks. It also runs when a dead letter is replayed. It is given all
	// events of the transaction, redelivered ones too. It may be nil.
	Before func(ctx context.Context, tx *pg.Tx, received []journal.Received) error
	// Projectors run in the transaction that records, under the streams' locks, in order.
	Projectors []journal.Projector
	// Primary is for a service whose journal cannot be rebuilt from topics. It refuses events that carry the
	// service's own source but are not in its journal.
	Primary bool
	// Restore updates the service's other tables after an own event that the journal lacked has been put back.
	// Freeing a key calls it, where an adoption had left such an event to wait for the key. It may be nil.
	Restore func(ctx context.Context, tx *pg.Tx, streams []string, report func(string)) error
	Log     *slog.Logger
}

// quarantinedKey names a row of quarantined_keys.
type quarantinedKey struct{ topic, key string }

// Recorder records messages in the journal, and keeps as dead letters those that cannot be recorded.
type Recorder struct {
	Config
	outcomes   *prometheus.CounterVec
	disallowed *prometheus.CounterVec
	unsigned   prometheus.Counter
	// inTx runs an attempt: in a transaction, or after a savepoint of one.
	inTx func(ctx context.Context, fn func(tx *pg.Tx) error) error
}

// NewRecorder returns a recorder. Each of its attempts is a transaction.
func NewRecorder(c Config) *Recorder {
	return &Recorder{Config: c, inTx: c.DB.InTx, outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "received_total",
		Help: "Messages by what became of them: recorded, unknown (type), redelivered, malformed, poison, parked, refused.",
	}, []string{"outcome"}), disallowed: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "refused_events_total",
		Help: "Events that their sender must not have written, by reason: unsigned, key (unknown, another source's, or not valid then), signature " +
			"(forged, or what was signed has been changed), writer, partition, missing (our own, and not in the journal), changed " +
			"(an id that is known with something else), time (out of bounds, of an unknown type). Any of them is an alarm.",
	}, []string{"reason"}), unsigned: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "unsigned_events_total", Help: "Events recorded without a signature: from before the cut-off, or while VERIFY_EVENTS is accepted.",
	})}
}

// NewRecorderIn returns a recorder that works within one transaction. Each of its attempts is a savepoint.
func NewRecorderIn(tx *pg.Tx, c Config) *Recorder {
	r := NewRecorder(c)
	r.inTx = func(ctx context.Context, fn func(tx *pg.Tx) error) error {
		return tx.Savepoint(ctx, func() error { return fn(tx) })
	}
	return r
}

// BatchMessages bounds how many messages a transaction records.
const BatchMessages = 500

// maxParallel is how many transactions record a large batch at once.
var maxParallel = min(4, runtime.GOMAXPROCS(0))

// Record records messages. With an error it may have recorded some of them: it returns those to try again. A
// message among these that was recorded already is then known as a redelivery.
func (r *Recorder) Record(ctx context.Context, messages []Message) (left []Message, err error) {
	if len(messages) <= BatchMessages {
		if err := r.recordItems(ctx, r.read(messages...)); err != nil {
			return messages, err
		}
		return nil, nil
	}
	// What has the same key stays in one lane, in order; nothing else is ordered.
	shares, seed := make([][]Message, maxParallel), maphash.MakeSeed()
	for _, m := range messages {
		lane := maphash.Bytes(seed, m.Key) % uint64(maxParallel)
		shares[lane] = append(shares[lane], m)
	}
	errs := make([]error, maxParallel)
	var all sync.WaitGroup
	for lane, share := range shares {
		all.Go(func() { errs[lane] = r.recordItems(ctx, r.read(share...)) })
	}
	all.Wait()
	for lane, err := range errs {
		if err != nil {
			left = append(left, shares[lane]...)
		}
	}
	return left, errors.Join(errs...)
}

// attempt records items in one transaction. Those that cannot be recorded become dead letters in it.
func (r *Recorder) attempt(ctx context.Context, items []item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return r.inTx(ctx, func(tx *pg.Tx) error {
		before, err := r.lookUp(ctx, tx, items)
		if err != nil {
			return err
		}
		if err := freeOffsets(ctx, tx, before.former); err != nil {
			return err
		}
		counts := map[string]int{}
		var deadLetters []item
		var quarantined []quarantinedKey
		accepted, received := make([]item, 0, len(items)), make([]journal.Received, 0, len(items))
		for n, i := range items {
			switch {
			case before.deadLetters[n]:
				counts["redelivered"]++
				continue
			case i.kind == Malformed, i.kind == Disallowed:
			case r.lacks(i, before.own):
				i = i.disallow(notOurs())
			case before.quarantined[i.key()]:
				i.kind, i.cause, i.attempts = Parked, errParked, 0
			case i.kind == Poison:
				before.quarantined[i.key()] = true
				quarantined = append(quarantined, i.key())
			default:
				accepted, received = append(accepted, i), append(received, i.received)
				continue
			}
			deadLetters = append(deadLetters, i)
		}
		if err := quarantine(ctx, tx, quarantined); err != nil {
			return err
		}
		fresh, conflicts, err := r.receive(ctx, tx, received)
		if err != nil {
			return err
		}
		for _, c := range conflicts {
			deadLetters = append(deadLetters, accepted[c.Index].disallow(changed(c)))
		}
		if err := insertDeadLetters(ctx, tx, deadLetters); err != nil {
			return err
		}
		unknown, unsigned, withoutSignature := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}, 0
		for _, i := range accepted {
			unknown[i.received.ID], unsigned[i.received.ID] = i.unknown, r.Verifier != nil && i.received.Signature == nil
		}
		for _, id := range fresh {
			if unsigned[id] {
				withoutSignature++
			}
			if unknown[id] {
				counts["unknown"]++
			} else {
				counts["recorded"]++
			}
		}
		counts["redelivered"] += len(received) - len(fresh) - len(conflicts)
		tx.AfterCommit(func() {
			r.unsigned.Add(float64(withoutSignature))
			r.report(counts, deadLetters)
		})
		return nil
	})
}

// lacks reports whether an event carries our source although our journal, which cannot be rebuilt from
// topics, does not have it. Anybody may have sent it. If it was us, before the database was restored from a
// backup, then kafka.JournalCheck finds it at the next start.
func (r *Recorder) lacks(i item, own map[EventKey]bool) bool {
	return r.isOwn(i) && !own[i.eventKey()]
}

// isOwn reports whether an event carries the source of this service, whose journal cannot be rebuilt.
func (r *Recorder) isOwn(i item) bool { return r.Primary && i.received.Source == r.Journal.Source() }

// receive records events, and runs the projectors on the streams that changed. It returns the ids of the
// events that were new or confirmed, and the events whose id belongs to another event.
func (r *Recorder) receive(ctx context.Context, tx *pg.Tx, received []journal.Received) ([]uuid.UUID, []journal.Conflict, error) {
	if len(received) == 0 {
		return nil, nil, nil
	}
	if r.Before != nil {
		if err := r.Before(ctx, tx, received); err != nil {
			return nil, nil, err
		}
	}
	streams, conflicts, err := r.Journal.Receive(ctx, tx, received)
	if err != nil || len(streams) == 0 {
		return nil, conflicts, err
	}
	for _, project := range r.Projectors {
		if err := project(ctx, tx, streams); err != nil {
			return nil, nil, err
		}
	}
	var fresh []uuid.UUID
	for _, s := range streams {
		fresh = append(fresh, s.New...)
	}
	return fresh, conflicts, nil
}

// receiveOne records the event of a dead letter as if it came now.
func (r *Recorder) receiveOne(ctx context.Context, tx *pg.Tx, i item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	_, conflicts, err := r.receive(ctx, tx, []journal.Received{i.received})
	if err != nil {
		return err
	}
	if len(conflicts) > 0 {
		return changed(conflicts[0])
	}
	return nil
}

// reportAtMost is how many of a transaction's dead letters are logged one by one, so that a flood of them
// does not flood the log.
const reportAtMost = 10

// report counts outcomes, logs dead letters, and notifies the relay, which publishes notices of them.
func (r *Recorder) report(counts map[string]int, deadLetters []item) {
	reported := 0
	for _, i := range deadLetters {
		counts[string(i.kind)]++
		if i.kind == Disallowed {
			r.disallowed.WithLabelValues(i.reason).Inc()
		}
		if i.kind == Parked { // its poison dead letter was logged
			continue
		}
		if reported++; reported > reportAtMost {
			continue
		}
		log := r.Log.With("topic", i.message.Topic, "partition", i.message.Partition, "offset", i.message.Offset,
			"event", i.received.ID, "type", i.received.Type, "correlation_id", i.received.CorrelationID, "error", i.cause)
		switch i.kind {
		case Poison:
			log.Error("an event cannot be recorded: it and later ones of its key wait as dead letters; mend the cause and replay it, or discard it")
		case Disallowed:
			log.Error("an event is refused, and kept as a dead letter: find out who sent it, then discard it", "reason", i.reason, "security", true)
		case Malformed:
			log.Warn("a message is not an event, and kept as a dead letter")
		}
	}
	if reported > reportAtMost {
		r.Log.Error("more messages are kept as dead letters: see dead-letters list", "more", reported-reportAtMost)
	}
	for outcome, n := range counts {
		r.outcomes.WithLabelValues(outcome).Add(float64(n))
	}
	if len(deadLetters) > 0 {
		r.DB.Notify(journal.OutboxChannel)
	}
}

// lookup is what the tables hold about items before they are recorded.
type lookup struct {
	deadLetters map[int]bool            // by index: set aside already, whatever became of it
	former      []int64                 // dead letters of other messages that were at these offsets before; see freeOffsets
	quarantined map[quarantinedKey]bool // these rows are locked now
	own         map[EventKey]bool       // of our own events, those that the journal has
}

// lookUp reads it in one round trip, and locks the rows of quarantined keys.
func (r *Recorder) lookUp(ctx context.Context, tx *pg.Tx, items []item) (lookup, error) {
	k := lookup{deadLetters: map[int]bool{}, quarantined: map[quarantinedKey]bool{}, own: map[EventKey]bool{}}
	keyed := slices.DeleteFunc(slices.Clone(items), func(i item) bool { return i.kind == Malformed || i.kind == Disallowed })
	topic := func(i item) string { return i.message.Topic }
	batch := &pgx.Batch{}
	var parked struct {
		topic string
		key   []byte
	}
	batch.Queue(`select topic, key from quarantined_keys where (topic, key) in (select * from unnest($1::text[], $2::bytea[]))
		order by topic, key for update`, pg.Column(keyed, topic), pg.Column(keyed, func(i item) []byte { return i.message.Key })).
		Query(pg.EachRow([]any{&parked.topic, &parked.key}, func() { k.quarantined[quarantinedKey{parked.topic, string(parked.key)}] = true }))
	// A dead letter of the same event id is of this message. Where one of the two has no id, the payloads are
	// compared, while the dead letter keeps its own.
	var n int
	var id int64
	var same *bool
	var hash []byte
	batch.Queue(`select ord - 1, known.id, known.event_id = received.event_id,
			case when (known.event_id = received.event_id) is null and known.payload <> '' then sha256(known.payload) end
		from unnest($1::text[], $2::int[], $3::bigint[], $4::uuid[]) with ordinality
			as received (topic, partition, "offset", event_id, ord)
		cross join lateral (select d.id, d.event_id, d.payload from dead_letters d
			where d.topic = received.topic and d.partition = received.partition and d."offset" = received."offset"
			offset 0) as known`, pg.Column(items, topic), pg.Column(items, func(i item) int32 { return int32(i.message.Partition) }),
		pg.Column(items, func(i item) int64 { return i.message.Offset }), pg.Column(items, item.eventID)).Query(pg.EachRow([]any{&n, &id, &same, &hash}, func() {
		sum := sha256.Sum256(items[n].message.Value)
		if same != nil && !*same || same == nil && hash != nil && !bytes.Equal(hash, sum[:]) {
			k.former = append(k.former, id)
		} else {
			k.deadLetters[n] = true
		}
	}))
	if own := slices.DeleteFunc(keyed, func(i item) bool { return !r.isOwn(i) }); len(own) > 0 {
		var e EventKey
		batch.Queue("select e.id, e.stream from unnest($1::uuid[], $2::text[]) as e (id, stream) where "+journal.Holds("e.id", "e.stream"),
			pg.Column(own, func(i item) uuid.UUID { return i.received.ID }), pg.Column(own, func(i item) string { return i.received.Stream })).
			Query(pg.EachRow([]any{&e.ID, &e.Stream}, func() { k.own[e] = true }))
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return lookup{}, fmt.Errorf("look for quarantined keys: %w", err)
	}
	return k, nil
}
