package journal

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/signing"
)

// lockStreams makes the rows that are missing and locks all of them, in the order of their
// ids. The update changes nothing; it is what locks and returns a row that is there.
const lockStreams = `insert into streams (stream) select s from unnest($1::text[]) s order by s
	on conflict (stream) do update set version = streams.version
	returning stream, version, log`

const recordColumns = `position, stream, version, coalesce(log, 0), coalesce(shared_id, event_id), type, source, subject, time,
	data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data,
	coalesce(topic, ''), coalesce(partition, 0), coalesce("offset", 0), recorded_at`

const (
	selectRecords = "select " + recordColumns + " from journal"
	selectSigned  = "select " + recordColumns + ", key_id, signature, signed_attributes from journal where stream = $1 and log > 0"
)

// insertJournal takes the arrays of columns.
const insertJournal = `insert into journal (stream, version, event_id, type, source, subject, time, data_schema, sequence,
	correlation_id, causation_id, actor, actor_name, trace_parent, data, log, topic, partition, "offset", shared_id, key_id, signature, signed_attributes)
	select stream, version, event_id, type, source, subject, time, data_schema, sequence,
	correlation_id, causation_id, actor, actor_name, trace_parent, data,
	nullif(log, 0), nullif(topic, ''), case when log > 0 then partition end, case when log > 0 then "offset" end, shared_id,
	key_id, signature, signed_attributes
	from unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
	$9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::jsonb[], $16::bigint[], $17::text[],
	$18::int[], $19::bigint[], $20::uuid[], $21::text[], $22::bytea[], $23::text[]) with ordinality as input (stream, version, event_id, type, source, subject, time,
	data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data, log, topic, partition, "offset",
	shared_id, key_id, signature, signed_attributes, ord)
	order by ord`

// appendEvent writes one event of our own. Plain values: for a single row they take half the time of
// insertJournal's arrays.
const appendEvent = `with written as (insert into journal (stream, version, event_id, type, source, subject, time, data_schema,
	sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning position, recorded_at),
	listed as (insert into outbox (position) select position from written),
	shown as (insert into unpushed (stream) select $1 where $16),
	moved as (update streams set version = $2 where stream = $1)
	select position, recorded_at from written`

// Holds is an SQL condition: the journal has the event whose id and stream these expressions give. The two
// indexes are asked in one union: two conditions with "or" would be planned as hashes of the whole journal
// while it is small.
func Holds(id, stream string) string {
	return fmt.Sprintf("exists (select 1 from journal where event_id = %[1]s and stream = %[2]s union all "+
		"select 1 from journal where shared_id = %[1]s and stream = %[2]s)", id, stream)
}

// receiveEvents names the conflict's target: any other conflict is a mistake and must surface.
const receiveEvents = insertJournal + ` on conflict (event_id) do nothing returning event_id, position`

const confirmEvents = `update journal set log = received.log, topic = received.topic,
	partition = received.partition, "offset" = received."offset",
	key_id = received.key_id, signature = received.signature, signed_attributes = received.signed_attributes
	from unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::bytea[], $8::text[])
	as received (position, log, topic, partition, "offset", key_id, signature, signed_attributes)
	where journal.position = received.position`

const moveStreams = `update streams set version = moved.version, log = moved.log
	from unnest($1::text[], $2::bigint[], $3::bigint[]) as moved (stream, version, log)
	where streams.stream = moved.stream`

// columns are the parameters of insertJournal.
func columns(records []*Record) []any {
	text := func(value func(*Record) string) []string { return pg.Column(records, value) }
	number := func(value func(*Record) int64) []int64 { return pg.Column(records, value) }
	return append([]any{
		text(func(r *Record) string { return r.Stream }),
		number(func(r *Record) int64 { return r.Version }),
		pg.Column(records, (*Record).row),
		text(func(r *Record) string { return r.Type }),
		text(func(r *Record) string { return r.Source }),
		text(func(r *Record) string { return r.Subject }),
		pg.Column(records, func(r *Record) time.Time { return r.Time }),
		text(func(r *Record) string { return r.DataSchema }),
		number(func(r *Record) int64 { return r.Sequence }),
		text(func(r *Record) string { return r.CorrelationID }),
		text(func(r *Record) string { return r.CausationID }),
		text(func(r *Record) string { return r.Actor }),
		text(func(r *Record) string { return r.ActorName }),
		text(func(r *Record) string { return r.TraceParent }),
		text(func(r *Record) string { return string(r.Data) }),
		number(func(r *Record) int64 { return r.Log }),
		text(func(r *Record) string { return r.Topic }),
		pg.Column(records, func(r *Record) int32 { return int32(r.Partition) }),
		number(func(r *Record) int64 { return r.Offset }),
		pg.Column(records, func(r *Record) *uuid.UUID { // shared_id
			if r.rowID == uuid.Nil {
				return nil
			}
			return &r.ID
		}),
	}, signatures(records)...)
}

// signatures are the parameters of the columns that prove who has written an event.
func signatures(records []*Record) []any {
	keys, values, attributes := make([]*string, len(records)), make([][]byte, len(records)), make([]*string, len(records))
	for i, r := range records {
		if s := r.Signature; s != nil {
			keys[i], values[i], attributes[i] = &s.KeyID, s.Value, &s.Extensions
		}
	}
	return []any{keys, values, attributes}
}

// appendArgs are the parameters of appendEvent but for the last.
func appendArgs(r Record) []any {
	return []any{r.Stream, r.Version, r.ID, r.Type, r.Source, r.Subject, r.Time, r.DataSchema, r.Sequence,
		r.CorrelationID, r.CausationID, r.Actor, r.ActorName, r.TraceParent, string(r.Data)}
}

func scanRecord(row pgx.CollectableRow) (Record, error) {
	return scanInto(row)
}

// scanInto reads a record, and columns after it.
func scanInto(row pgx.CollectableRow, more ...any) (Record, error) {
	var r Record
	err := row.Scan(append([]any{&r.Position, &r.Stream, &r.Version, &r.Log, &r.ID, &r.Type, &r.Source, &r.Subject, &r.Time,
		&r.DataSchema, &r.Sequence, &r.CorrelationID, &r.CausationID, &r.Actor, &r.ActorName, &r.TraceParent,
		(*[]byte)(&r.Data), &r.Topic, &r.Partition, &r.Offset, &r.RecordedAt}, more...)...)
	r.Time, r.RecordedAt = event.Kept(r.Time), r.RecordedAt.UTC()
	return r, err
}

// scanSigned reads a row of selectSigned.
func scanSigned(row pgx.CollectableRow) (Record, error) {
	var key, extensions *string
	var value []byte
	r, err := scanInto(row, &key, &value, &extensions)
	if key != nil && extensions != nil {
		r.Signature = &signing.Signature{KeyID: *key, Value: value, Extensions: *extensions}
	}
	return r, err
}

// utc is a time that is read as UTC.
type utc time.Time

// ScanTimestamptz is how pgx reads a timestamptz.
func (u *utc) ScanTimestamptz(v pgtype.Timestamptz) error {
	*u = utc(v.Time.UTC())
	return nil
}

// sortRecords puts records into fold order: as the log holds them, then the pending ones.
func sortRecords(records []Record) {
	slices.SortFunc(records, func(a, b Record) int {
		switch {
		case a.Log > 0 && b.Log > 0:
			return cmp.Compare(a.Log, b.Log)
		case a.Log == 0 && b.Log == 0:
			return cmp.Compare(a.Version, b.Version)
		case a.Log > 0:
			return -1
		default:
			return 1
		}
	})
}
