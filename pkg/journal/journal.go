// Package journal is a service's append-only table of the events it wrote and the events it
// received. Everything else that the service knows is a reading of it.
//
// Invariants:
//   - An event is in the journal once, by its stream and its id. Our own comes back from the topic and is
//     then confirmed: it gets its place in the log.
//   - Log is 1, 2, 3 ... within a stream, in the order in which the topic holds the stream's
//     events. Given once, it never changes. Pending events (ours, not received yet) count as last.
//   - Who appends to, confirms in, or refolds a stream holds the stream's row. Rows are locked
//     in the order of their ids, in one statement, so that nothing deadlocks.
//   - An event that we write, its outbox row, its unpushed row and the copy that follows from
//     it are one transaction.
//   - Outbox and unpushed are lists, not cursors: positions commit out of order, and whoever
//     remembered the highest one seen would skip a late commit.
package journal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/signing"
)

// The channels that are notified after a commit that added to the lists.
const (
	OutboxChannel   = "outbox"
	UnpushedChannel = "unpushed"
)

// Record is an event as the journal holds it.
type Record struct {
	event.Event
	Position int64
	Stream   string
	Version  int64 // the journal's own count within the stream; it never leaves the service
	Log      int64 // the place in the topic's order, within the stream; 0 while pending

	// Where Kafka holds it, once it has come from there.
	Topic     string
	Partition int
	Offset    int64

	RecordedAt time.Time

	// Signature is written with what is received, and not read with a stream: few ask for it.
	Signature *signing.Signature

	rowID uuid.UUID // in place of the event's id, where the journal has that for another stream's event
}

// Stream is one aggregate's events.
type Stream struct {
	ID      string
	Version int64    // of the newest event in the journal
	Log     int64    // of the newest event received from the topic
	Records []Record // in fold order: by Log, then the pending ones by Version

	// New are the ids of the events that the running call has recorded or confirmed.
	New []uuid.UUID
}

// Revision counts the stream's appends and confirmations. It grows with every change that a
// reader could see.
func (s Stream) Revision() int64 { return s.Version + s.Log }

// Did reports whether the stream has an event of the command in ctx (event.Meta), which was done before then.
func (s Stream) Did(ctx context.Context) bool {
	command := event.MetaFrom(ctx).CausationID
	return command != "" && slices.ContainsFunc(s.Records, func(r Record) bool { return r.CausationID == command })
}

// Projector writes what follows from changed streams (copies, process managers), in the
// transaction that changed them and under their rows' locks.
type Projector func(ctx context.Context, tx *pg.Tx, streams []Stream) error

// Journal is the journal of one service.
type Journal struct {
	db     *pg.DB
	source string
	live   bool

	catchingUp meter
	waits      waits
}

// Option changes a Journal.
type Option func(*Journal)

// Live has every change noted in the list of streams to push to open pages. A service
// without pages leaves it out.
func Live() Option { return func(j *Journal) { j.live = true } }

// New returns the journal in db of the service that writes events as source, such as
// "/contractor-ui".
func New(db *pg.DB, source string, options ...Option) *Journal {
	j := &Journal{db: db, source: source}
	for _, option := range options {
		option(j)
	}
	return j
}

// Source is what the service's own events carry.
func (j *Journal) Source() string { return j.source }

// Load locks the streams for the rest of the transaction, and reads them. A stream that
// nobody has written to is there too, empty.
func (j *Journal) Load(ctx context.Context, tx *pg.Tx, ids ...string) (map[string]Stream, error) {
	return j.load(ctx, tx, ids, &pgx.Batch{})
}

// load is Load, with what else batch holds already done in the same round trip.
func (j *Journal) load(ctx context.Context, tx *pg.Tx, ids []string, batch *pgx.Batch) (map[string]Stream, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	streams := make(map[string]Stream, len(ids))

	// One round trip. Each statement of a batch sees what was committed when it starts, so
	// the second one reads what the lock of the first one waited for.
	var locked Stream
	batch.Queue(lockStreams, ids).Query(pg.EachRow([]any{&locked.ID, &locked.Version, &locked.Log}, func() { streams[locked.ID] = locked }))
	batch.Queue(selectRecords+" where stream = any($1)", ids).Query(func(rows pgx.Rows) error {
		records, err := pgx.CollectRows(rows, scanRecord)
		for _, record := range records {
			s := streams[record.Stream]
			s.Records = append(s.Records, record)
			streams[record.Stream] = s
		}
		return err
	})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("load streams: %w", err)
	}
	for _, s := range streams {
		sortRecords(s.Records)
	}
	return streams, nil
}

// Read reads one stream without locking it, for a page.
func (j *Journal) Read(ctx context.Context, id string) (Stream, error) {
	streams, err := j.ReadSome(ctx, j.db.Pool(), id)
	s := streams[id]
	s.ID = id
	return s, err
}

// ReadSigned reads a stream's events that have come from the log, in its order and with their signatures.
func (j *Journal) ReadSigned(ctx context.Context, id string) ([]Record, error) {
	records, err := pg.Rows(ctx, j.db.Pool(), scanSigned, selectSigned, id)
	if err != nil {
		return nil, fmt.Errorf("read a stream with its signatures: %w", err)
	}
	sortRecords(records)
	return records, nil
}

// ReadSome reads streams without locking them, as q sees them. A stream without events is not among them.
func (j *Journal) ReadSome(ctx context.Context, q pg.Querier, ids ...string) (map[string]Stream, error) {
	records, err := pg.Rows(ctx, q, scanRecord, selectRecords+" where stream = any($1)", ids)
	if err != nil {
		return nil, fmt.Errorf("read streams: %w", err)
	}
	streams := make(map[string]Stream, len(ids))
	for _, record := range records {
		s := streams[record.Stream]
		s.ID, s.Version, s.Log = record.Stream, max(s.Version, record.Version), max(s.Log, record.Log)
		s.Records = append(s.Records, record)
		streams[record.Stream] = s
	}
	for _, s := range streams {
		sortRecords(s.Records)
	}
	return streams, nil
}

// Append adds events that this service writes: to the stream, the outbox, and the list of what is to be
// pushed. The stream comes from Load in the same transaction, and is brought up to date. Append fills in the
// events' source; everything else must be there. The statements are queued: they run with the next one of the
// transaction, and the records get their positions then.
func (j *Journal) Append(_ context.Context, tx *pg.Tx, s *Stream, events ...event.Event) error {
	if len(events) == 0 {
		return nil
	}
	first := len(s.Records)
	for i, e := range events { // pending events come last
		e.Source = j.source
		e.Time = event.Kept(e.Time)
		s.Records = append(s.Records, Record{Event: e, Stream: s.ID, Version: s.Version + int64(i) + 1})
		s.New = append(s.New, e.ID)
	}
	records := s.Records[first:]
	for i := range records {
		args := append(appendArgs(records[i]), j.live && i == len(events)-1)
		tx.QueueRow(appendEvent, args, &records[i].Position, (*utc)(&records[i].RecordedAt))
	}
	s.Version += int64(len(events))
	j.notifyAfter(tx, true, s.ID)
	return nil
}

// notifyAfter notifies of the lists that the transaction has added to, for streams, once it has committed.
func (j *Journal) notifyAfter(tx *pg.Tx, outbox bool, streams ...string) {
	tx.AfterCommit(func() {
		if outbox {
			j.db.Notify(OutboxChannel)
		}
		if j.live {
			j.db.Notify(UnpushedChannel, streams...)
		}
	})
}

// ErrOtherCluster says that the Kafka cluster is not the one whose log this journal holds.
var ErrOtherCluster = errors.New("this database belongs to another Kafka cluster")

// CheckCluster records the Kafka cluster's id at first, and later returns ErrOtherCluster when it is another
// one: its topics are another log, whose order would contradict the recorded one.
func (j *Journal) CheckCluster(ctx context.Context, id string) error {
	const meet = `insert into cluster (cluster_id) values ($1)
		on conflict (only_row) do update set cluster_id = cluster.cluster_id returning cluster_id`
	var known string
	if err := j.db.Pool().QueryRow(ctx, meet, id).Scan(&known); err != nil {
		return fmt.Errorf("record the cluster's id: %w", err)
	}
	if known != id {
		return fmt.Errorf("%w: it has recorded %q, and the brokers say %q; point KAFKA_BROKERS at the former, or, "+
			"if the topics were copied to the new one whole, update the table cluster by hand", ErrOtherCluster, known, id)
	}
	return nil
}

// Entries is a stream as its aggregate folds it.
func Entries(s Stream) []aggregate.Entry {
	entries := make([]aggregate.Entry, len(s.Records))
	for i, record := range s.Records {
		entries[i] = aggregate.Entry{Event: record.Event, Confirmed: record.Log > 0}
	}
	return entries
}

// Touch queues streams to be pushed to open pages although nothing was written to them, because what the pages
// show has changed with another stream. Their revision on the pages must have grown by itself. Touch locks
// nothing.
func (j *Journal) Touch(ctx context.Context, tx *pg.Tx, streams ...string) error {
	if !j.live || len(streams) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, "insert into unpushed (stream) select distinct unnest($1::text[])", streams); err != nil {
		return fmt.Errorf("have streams pushed again: %w", err)
	}
	j.notifyAfter(tx, false, streams...)
	return nil
}

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the journal's tables.
var Migrations = pg.NewMigrations("journal", files).
	OnlyAddTo("journal", "log", "topic", "partition", "offset", "key_id", "signature", "signed_attributes")

// AppendEach is Append of one event to each of many streams: events[i] to streams[i]. It costs two round
// trips, however many they are. The streams come from Load, each once.
func (j *Journal) AppendEach(ctx context.Context, tx *pg.Tx, streams []*Stream, events []event.Event) error {
	if len(streams) != len(events) {
		return fmt.Errorf("append %d events to %d streams", len(events), len(streams))
	}
	if len(streams) == 0 {
		return nil
	}
	appended, byID := make([]*Record, len(events)), make(map[uuid.UUID]*Record, len(events))
	for i, e := range events {
		s := streams[i]
		e.Source = j.source
		e.Time = event.Kept(e.Time)
		s.Version++
		s.New = append(s.New, e.ID)
		s.Records = append(s.Records, Record{Event: e, Stream: s.ID, Version: s.Version})
		appended[i] = &s.Records[len(s.Records)-1]
		byID[e.ID] = appended[i]
	}
	var id uuid.UUID
	var position int64
	var recorded time.Time
	positions := make([]int64, 0, len(events))
	if err := pg.ForEach(ctx, tx, []any{&id, &position, &recorded}, func() {
		byID[id].Position, byID[id].RecordedAt = position, recorded.UTC()
		positions = append(positions, position)
	}, insertJournal+" returning event_id, position, recorded_at", columns(appended)...); err != nil {
		return fmt.Errorf("append to %d streams: %w", len(streams), err)
	}
	batch := &pgx.Batch{}
	batch.Queue("insert into outbox (position) select unnest($1::bigint[])", positions)
	names := pg.Column(streams, func(s *Stream) string { return s.ID })
	batch.Queue(moveStreams, names, pg.Column(streams, func(s *Stream) int64 { return s.Version }), pg.Column(streams, func(s *Stream) int64 { return s.Log }))
	if j.live {
		batch.Queue("insert into unpushed (stream) select unnest($1::text[])", names)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("append to %d streams: %w", len(streams), err)
	}
	j.notifyAfter(tx, true, names...)
	return nil
}
