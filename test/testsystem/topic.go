package testsystem

import (
	"context"
	"testing"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
)

// Story is one payment's events in the topic, and their fold.
type Story struct {
	Events  []event.Event // in the topic's order, each once
	Payment payment.Payment
	Steps   []payment.Step
}

// Topic reads the payments topic from its start and folds each payment. What is malformed is left
// out, as it is a dead letter everywhere.
func (s *System) Topic(tb testing.TB) map[string]Story {
	tb.Helper()
	return paymentsOf(s.History(tb, payment.Topic))
}

func paymentsOf(events []event.Event) map[string]Story {
	stories := map[string]Story{}
	for id, all := range bySubject(events) {
		p, steps := payment.Fold(confirmed[payment.Entry](all))
		stories[id] = Story{all, p, steps}
	}
	return stories
}

// OrderStory is one order's events in the topic, and their fold.
type OrderStory struct {
	Events []event.Event
	Order  order.Order
	Steps  []order.Step
}

// Orders reads the orders topic from its start and folds each order.
func (s *System) Orders(tb testing.TB) map[string]OrderStory {
	tb.Helper()
	return ordersOf(s.History(tb, order.Topic))
}

func ordersOf(events []event.Event) map[string]OrderStory {
	stories := map[string]OrderStory{}
	for id, all := range bySubject(events) {
		o, steps := order.Fold(confirmed[order.Entry](all))
		stories[id] = OrderStory{all, o, steps}
	}
	return stories
}

func bySubject(events []event.Event) map[string][]event.Event {
	subjects := map[string][]event.Event{}
	for _, e := range events {
		subjects[e.Subject] = append(subjects[e.Subject], e)
	}
	return subjects
}

// confirmed returns events as confirmed entries of a fold.
func confirmed[E ~struct {
	event.Event
	Confirmed bool
}](events []event.Event) []E {
	entries := make([]E, len(events))
	for i, e := range events {
		entries[i] = E{Event: e, Confirmed: true}
	}
	return entries
}

// History reads a topic from its start: each event once, those of one subject in the topic's order.
func (s *System) History(tb testing.TB, topic string) (events []event.Event) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := kafka.Open("oracle", s.Parts.Connection)
	defer client.Close()
	err := client.History(ctx, topic, func(e event.Event) error {
		e.Time = e.Time.UTC().Truncate(time.Microsecond) // what PostgreSQL keeps
		events = append(events, e)
		return nil
	})
	if err != nil {
		tb.Fatalf("read the topic %s: %v", topic, err)
	}
	return events
}
