package payment

import (
	"encoding/json"
	"fmt"

	"countersign.example/pkg/event"
	"countersign.example/pkg/schema"
)

// Topic is the Kafka topic of payment events; the key is the payment's id.
const Topic = "payments"

// Partitions of the topic. The order of a key depends on it: it does not change in place.
const Partitions = 6

// Stream is the journal's stream of a payment.
func Stream(id string) string { return "payment-" + id }

// New makes an event about the payment subject. The caller sets its Time and Meta, and
// whatever else the envelope says.
func New(source, subject string, b Body) event.Event {
	data, err := json.Marshal(b)
	if err != nil { // bodies are made by commands, which let no unknown currency through
		panic(fmt.Errorf("payment: encode %s: %w", b.EventType(), err))
	}
	return event.Event{
		ID:         event.NewID(),
		Type:       b.EventType(),
		Source:     source,
		Subject:    subject,
		DataSchema: schema.URI(b.EventType()),
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
	if requested, ok := body.(Requested); ok && requested.PaymentID != e.Subject {
		return nil, fmt.Errorf("%w: payment_id is not the subject", ErrMalformed)
	}
	return body, nil
}
