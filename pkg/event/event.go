// Package event is the envelope of a domain event: the CloudEvents 1.0 attributes and the
// JSON data, with no transport in it.
//
// The data is opaque here. Which types exist, and what their data must look like, is known
// by the domain package that owns them.
package event

import (
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
