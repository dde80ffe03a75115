// Package event is the envelope of a domain event: the CloudEvents 1.0 attributes and the
// JSON data, with no transport in it.
//
// The data is opaque here. Which types exist, and what their data must look like, is known
// by the domain package that owns them.
package event

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Event is one fact about one aggregate. It is a value: nothing changes it once it is written.
//
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#context-attributes
type Event struct {
	// ID identifies the event everywhere and for ever (UUIDv7). An event received twice is
	// known by it.
	ID uuid.UUID
	// Type is the event's name, such as "payment_requested".
	Type string
	// Source is the service that wrote it, as a URI reference: "/contractor-ui".
	Source string
	// Subject is the aggregate's id, and the key of the Kafka message.
	Subject string
	// Time is when it happened, by the writer's clock. It orders nothing.
	Time time.Time
	// DataSchema names the JSON Schema that Data fits.
	DataSchema string
	// Sequence is the writer's own version of the aggregate; 0 where several services
	// write about it and only the log has the order.
	Sequence int64

	Meta

	// Data is a JSON object.
	Data json.RawMessage
}

// NewID returns a new event id. It sorts by time, which keeps the unique index on it small
// in memory.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Meta says on whose behalf and as part of what something happens. It travels in a
// request's context, and from there into every event that the request causes.
type Meta struct {
	// CorrelationID is the same for everything that began with one request of a person.
	CorrelationID string
	// CausationID is the id of the event that caused this one, or the caller and the idempotency key of the
	// command that did ("contractor-ui:key").
	CausationID string
	// Actor is the id of the person who did it, empty for a machine; ActorName is how
	// people are shown who that was.
	Actor     string
	ActorName string
	// TraceParent is the W3C trace context, for whoever collects traces.
	TraceParent string
}

type metaKey struct{}

// WithMeta returns a context that carries m.
func WithMeta(ctx context.Context, m Meta) context.Context {
	return context.WithValue(ctx, metaKey{}, m)
}

// MetaFrom returns what ctx carries, or the zero Meta.
func MetaFrom(ctx context.Context) Meta {
	m, _ := ctx.Value(metaKey{}).(Meta)
	return m
}

// CausedBy is the Meta of an event that e brings about: the same correlation, with e as
// the cause and without a person.
func CausedBy(e Event) Meta {
	correlation := e.CorrelationID
	if correlation == "" {
		correlation = e.ID.String()
	}
	return Meta{CorrelationID: correlation, CausationID: e.ID.String(), TraceParent: e.TraceParent}
}

var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC) // the zero time says that there is none
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
)

// Kept is a time as it is stored and shown: in UTC, in whole microseconds, and of the years 1 to 9999. Those
// are what PostgreSQL and JSON can both write; a time of another year becomes the nearest one. The zero time
// stays.
func Kept(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Microsecond)
	switch {
	case t.Year() < 1:
		return earliest
	case t.After(latest):
		return latest
	}
	return t
}

// Topic is a Kafka topic of events, as the domain package that owns their types describes it: by this every
// service creates, reads and writes the topic.
type Topic struct {
	Name string
	// Partitions is how many the topic is created with; 0 is not checked. An event in another partition than
	// its key's is refused, since its place among the key's other events would be chance.
	Partitions int
	// Prefixes are how the ids of the streams begin whose events go to this topic.
	Prefixes []string
	// Stream is the id of an event's stream in the journal. It is called before Check.
	Stream func(Event) string
	// Check returns nil for an event whose data can be used, and Unknown (by errors.Is) for an event of a
	// type that it does not know. Any other error makes the event poison.
	Check   func(Event) error
	Unknown error
	// Writer is the only source that may write events of the type; "" for a type that is not known. An event
	// from another source is refused. Nil is not checked.
	Writer func(typ string) string
}
