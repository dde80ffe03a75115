package inbox

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Kind says why a message was set aside.
type Kind string

// Kinds of dead letters.
const (
	Malformed  Kind = "malformed" // not an event: it has no readable envelope, or data that cannot be kept
	Poison     Kind = "poison"    // an event whose data cannot be used, or whose recording fails; later ones of its key wait
	Parked     Kind = "parked"    // waits behind a poison one of its key
	Disallowed Kind = "refused"   // an event that its sender must not have written; nothing waits behind it
)

// alone reports whether no other event waits behind a dead letter of this kind.
func (k Kind) alone() bool { return k == Malformed || k == Disallowed }

// errParked is a parked dead letter's error.
var errParked = errors.New("waits behind an earlier event of the same key that is a dead letter")

// maxError is how much of an error a dead letter keeps, in bytes.
const maxError = 4_000

// DeadLetter is a dead letter.
type DeadLetter struct {
	ID         int64
	Topic      string
	Partition  int
	Offset     int64
	Key        []byte
	EventID    *uuid.UUID // nil where the message could not be decoded
	Headers    []Header
	Payload    []byte
	Time       time.Time // the broker's
	Kind       Kind
	Error      string
	Attempts   int
	State      string // waiting, replayed or discarded
	RecordedAt time.Time
}

func (l DeadLetter) message() Message {
	return Message{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Key: l.Key, Value: l.Payload, Headers: l.Headers, Time: l.Time}
}

// header is a header as the table holds it; its bytes become base64.
type header struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

const selectDeadLetters = `select id, topic, partition, "offset", key, event_id, headers, payload, time, kind, error, attempts, state,
	recorded_at from dead_letters `

func scanDeadLetter(row pgx.CollectableRow) (l DeadLetter, err error) {
	var headers []header
	err = row.Scan(&l.ID, &l.Topic, &l.Partition, &l.Offset, &l.Key, &l.EventID, &headers, &l.Payload, &l.Time, &l.Kind, &l.Error,
		&l.Attempts, &l.State, &l.RecordedAt)
	for _, h := range headers {
		l.Headers = append(l.Headers, Header{Key: string(h.Key), Value: h.Value})
	}
	l.Time, l.RecordedAt = l.Time.UTC(), l.RecordedAt.UTC()
	return l, err
}

// insertDeadLetters keeps messages as dead letters, in order.
func insertDeadLetters(ctx context.Context, tx *pg.Tx, items []item) error {
	if len(items) == 0 {
		return nil
	}
	text := func(value func(item) string) []string { return pg.Column(items, value) }
	tag, err := tx.Exec(ctx, `insert into dead_letters (topic, partition, "offset", key, event_id, headers, payload, time, kind, error, attempts)
		select topic, partition, "offset", key, event_id, headers::jsonb, payload, time, kind, error, attempts
		from unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::uuid[], $6::text[], $7::bytea[], $8::timestamptz[], $9::text[],
			$10::text[], $11::int[]) with ordinality
			as aside (topic, partition, "offset", key, event_id, headers, payload, time, kind, error, attempts, ord)
		order by ord on conflict (topic, partition, "offset") do nothing`,
		text(func(i item) string { return i.message.Topic }),
		pg.Column(items, func(i item) int32 { return int32(i.message.Partition) }),
		pg.Column(items, func(i item) int64 { return i.message.Offset }),
		pg.Column(items, func(i item) []byte { return notNil(i.message.Key) }),
		pg.Column(items, item.eventID),
		text(func(i item) string { return encodeHeaders(i.message.Headers) }),
		pg.Column(items, func(i item) []byte { return notNil(i.message.Value) }),
		pg.Column(items, func(i item) time.Time {
			if at := i.message.Time; at.Year() >= 1 && at.Year() <= 9999 {
				return at
			}
			return time.Unix(0, 0)
		}),
		text(func(i item) string { return string(i.kind) }),
		text(func(i item) string { return errorText(i.cause) }),
		pg.Column(items, func(i item) int32 { return int32(i.attempts) }))
	if err != nil {
		return fmt.Errorf("keep dead letters: %w", err)
	}
	if tag.RowsAffected() < int64(len(items)) {
		return errConcurrent
	}
	return nil
}

// eventID is nil where the message could not be decoded.
func (i item) eventID() *uuid.UUID {
	if i.received.ID == uuid.Nil {
		return nil
	}
	return &i.received.ID
}

func encodeHeaders(headers []Header) string {
	encoded, err := json.Marshal(pg.Column(headers, func(h Header) header { return header{Key: []byte(h.Key), Value: h.Value} }))
	if err != nil {
		panic(err) // bytes only: cannot fail
	}
	return string(encoded)
}

// notNil is b for a column that is not null; a message without a key or value has nil.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// errorText is an error's text as a column takes it: valid, without NUL, and not too long. An error may quote
// any data.
func errorText(err error) string {
	text := strings.ReplaceAll(err.Error(), "\x00", "\uFFFD")
	if len(text) > maxError {
		text = text[:maxError]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// quarantine quarantines keys that were not, each with its poison message in the same transaction.
func quarantine(ctx context.Context, tx *pg.Tx, keys []quarantinedKey) error {
	if len(keys) == 0 {
		return nil
	}
	tag, err := tx.Exec(ctx, `insert into quarantined_keys (topic, key) select * from unnest($1::text[], $2::bytea[]) as k (topic, key)
		order by topic, key on conflict (topic, key) do nothing`,
		pg.Column(keys, func(k quarantinedKey) string { return k.topic }), pg.Column(keys, func(k quarantinedKey) []byte { return []byte(k.key) }))
	if err != nil {
		return fmt.Errorf("quarantine keys: %w", err)
	}
	if tag.RowsAffected() < int64(len(keys)) {
		return errConcurrent
	}
	return nil
}

// lockKey locks the key's row, which it makes if need be.
func lockKey(ctx context.Context, tx *pg.Tx, k quarantinedKey) error {
	_, err := tx.Exec(ctx, `insert into quarantined_keys (topic, key) values ($1, $2)
		on conflict (topic, key) do update set quarantined_at = quarantined_keys.quarantined_at`, k.topic, []byte(k.key))
	if err != nil {
		return fmt.Errorf("lock a quarantined key: %w", err)
	}
	return nil
}

// FreeOffsets takes the offsets of a topic that was deleted from its dead letters: a message of the recreated
// topic with such an offset would be taken for one that is a dead letter already.
func FreeOffsets(ctx context.Context, tx *pg.Tx, p journal.TopicPartition) error {
	_, err := tx.Exec(ctx, `update dead_letters set "offset" = -id,
		error = error || ' (it was at offset ' || "offset" || ' of the topic before that was created again)'
		where topic = $1 and partition = $2 and "offset" >= 0`, p.Topic, p.Partition)
	if err != nil {
		return fmt.Errorf("set dead letters of the former topic apart: %w", err)
	}
	return nil
}

// freeOffsets takes the offsets from dead letters whose messages are gone. Other messages have these offsets
// now, in a partition that was cut short and has grown again, or in a topic that was recreated by brokers
// that give it no id.
func freeOffsets(ctx context.Context, tx *pg.Tx, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `update dead_letters set "offset" = -id,
		error = error || ' (it was at offset ' || "offset" || ', where another message is now)'
		where id = any($1) and "offset" >= 0`, ids)
	if err != nil {
		return fmt.Errorf("set dead letters of messages that are gone apart: %w", err)
	}
	return nil
}

// Retention is how long the message of a settled dead letter is kept, which is the large part of it. The rest
// stays: a redelivered message is known by it, and reconciling does not count it as a difference.
var Retention = pg.Retention{
	Name: "dead letters",
	Kept: 90 * 24 * time.Hour,
	Delete: `update dead_letters set key = substr(key, 1, 100), headers = '[]', payload = '' where id = any (array(
		select id from dead_letters where state <> 'waiting' and settled_at < $1 and payload <> ''
		order by settled_at limit $2))`,
}

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of the dead letters. The set is called kafka in the databases that have it
// already.
var Migrations = pg.NewMigrations("kafka", files).OnlyAddTo("operator_decisions")
