package order

import (
	"encoding/json"
	"fmt"

	"countersign.example/pkg/event"
	"countersign.example/pkg/schema"
)

// Topic is the Kafka topic of order events; the key is the order's id.
const Topic = "orders"

// Source is the one service that writes order events.
const Source = "/ordering-core"

// Partitions of the topic. The order of a key depends on it: it does not change in place.
const Partitions = 6

// Stream is the journal's stream of an order.
func Stream(id string) string { return "order-" + id }

// SchemaURI names the JSON Schema of a type; it is an identifier, not an address.
func SchemaURI(typ string) string { return schema.URI(typ) }

// New makes an event about the order subject. The caller sets its Time, Sequence and Meta, and
// whatever else the envelope says.
func New(source, subject string, b Body) event.Event {
	data, err := json.Marshal(b)
	if err != nil { // bodies are made by commands, which let no unknown currency through
		panic(fmt.Errorf("order: encode %s: %w", b.EventType(), err))
	}
	return event.Event{
		ID:         event.NewID(),
		Type:       b.EventType(),
		Source:     source,
		Subject:    subject,
		DataSchema: SchemaURI(b.EventType()),
		Data:       data,
	}
}

// Check tells whether an event fits: nil, ErrUnknownType (keep it, without effect) or
// ErrMalformed (a dead letter). It says nothing about whether the event is valid now,
// which only a Fold knows.
func Check(e event.Event) error {
	_, err := read(e)
	return err
}

// read decodes an event and holds it against its envelope.
func read(e event.Event) (Body, error) {
	body, err := Decode(e.Type, e.Data)
	if err != nil {
		return nil, err
	}
	if !schema.IsID(e.Subject) {
		return nil, fmt.Errorf("%w: subject is not a UUID in lower case", ErrMalformed)
	}
	if drafted, ok := body.(Drafted); ok && drafted.OrderID != e.Subject {
		return nil, fmt.Errorf("%w: order_id is not the subject", ErrMalformed)
	}
	return body, nil
}
