package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/pg"
)

// Kind says why a message was set aside.
type Kind string

// Kinds of dead letters.
const (
	Malformed Kind = "malformed" // not an event, or one that does not fit its schema
	Poison    Kind = "poison"    // a valid event whose recording fails for a permanent reason
	Parked    Kind = "parked"    // waits behind a poison one of its key
	Refused   Kind = "refused"   // a valid event that its sender must not have written; nothing waits behind it
)

// errParked is a parked letter's error.
var errParked = errors.New("waits behind an earlier event of the same key that is a dead letter")

// maxError is how much of an error a letter keeps, in bytes.
const maxError = 4_000

// Letter is a dead letter.
type Letter struct {
	ID         int64
	Topic      string
	Partition  int
	Offset     int64
	Key        []byte
	EventID    *uuid.UUID // nil where the message could not be decoded
	Headers    []kafkago.Header
	Payload    []byte
	Time       time.Time // the broker's
	Kind       Kind
	Error      string
	Attempts   int
	State      string // waiting, replayed or discarded
	RecordedAt time.Time
}

func (l Letter) message() kafkago.Message {
	return kafkago.Message{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Key: l.Key, Value: l.Payload, Headers: l.Headers, Time: l.Time}
}

// header is a header as the table holds it; its bytes become base64.
type header struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

const selectLetters = `select id, topic, partition, "offset", key, event_id, headers, payload, time, kind, error, attempts, state,
	recorded_at from dead_letters `

func scanLetter(row pgx.CollectableRow) (l Letter, err error) {
	var headers []header
	err = row.Scan(&l.ID, &l.Topic, &l.Partition, &l.Offset, &l.Key, &l.EventID, &headers, &l.Payload, &l.Time, &l.Kind, &l.Error,
		&l.Attempts, &l.State, &l.RecordedAt)
	for _, h := range headers {
		l.Headers = append(l.Headers, kafkago.Header{Key: string(h.Key), Value: h.Value})
	}
	l.Time, l.RecordedAt = l.Time.UTC(), l.RecordedAt.UTC()
	return l, err
}

// insertLetter sets a message aside. One that has been already stays as it is.
func insertLetter(ctx context.Context, tx *pg.Tx, i item, kind Kind, cause error) error {
	headers := make([]header, len(i.message.Headers))
	for n, h := range i.message.Headers {
		headers[n] = header{Key: []byte(h.Key), Value: h.Value}
	}
	encoded, err := json.Marshal(headers)
	if err != nil {
		return fmt.Errorf("keep a dead letter's headers: %w", err)
	}
	var eventID *uuid.UUID
	if i.heard.ID != uuid.Nil {
		eventID = &i.heard.ID
	}
	attempts := 1
	if kind == Parked {
		attempts = 0
	}
	at := i.message.Time
	if at.Year() < 1 || at.Year() > 9999 {
		at = time.Unix(0, 0)
	}
	_, err = tx.Exec(ctx, `insert into dead_letters (topic, partition, "offset", key, event_id, headers, payload, time, kind, error, attempts)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (topic, partition, "offset") do nothing`,
		i.message.Topic, i.message.Partition, i.message.Offset, notNil(i.message.Key), eventID, encoded, notNil(i.message.Value),
		at, kind, errorText(cause), attempts)
	if err != nil {
		return fmt.Errorf("keep a dead letter: %w", err)
	}
	return nil
}

// notNil is b for a column that is not null; a message without a key or value has nil.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// errorText is err as a text column takes it: errors quote what they are about.
func errorText(err error) string {
	text := strings.ReplaceAll(err.Error(), "\x00", "\uFFFD")
	if len(text) > maxError {
		text = text[:maxError]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// parkKey locks the key's row, which it makes if need be; first says that it did.
func parkKey(ctx context.Context, tx *pg.Tx, k parkedKey) (first bool, err error) {
	err = tx.QueryRow(ctx, `insert into parked_keys (topic, key) values ($1, $2)
		on conflict (topic, key) do update set parked_at = parked_keys.parked_at returning xmax = 0`,
		k.topic, []byte(k.key)).Scan(&first)
	if err != nil {
		return false, fmt.Errorf("park a key: %w", err)
	}
	return first, nil
}
