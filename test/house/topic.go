package house

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
)

// Story is everything the topic says about one payment.
type Story struct {
	Events  []event.Event // in the topic's order, each once
	Payment payment.Payment
	Steps   []payment.Step
}

// Topic reads the payments topic from its start and folds each payment. What is malformed is left
// out, as it is a dead letter everywhere.
func (h *House) Topic(tb testing.TB) map[string]Story {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := kafka.Open("oracle", h.Parts.Brokers)
	defer client.Close()
	stories := map[string]Story{}
	err := client.History(ctx, payment.Topic, func(e event.Event) error {
		s := stories[e.Subject]
		s.Events = append(s.Events, e)
		stories[e.Subject] = s
		return nil
	})
	if err != nil {
		tb.Fatalf("read the topic: %v", err)
	}
	for id, s := range stories {
		entries := make([]payment.Entry, len(s.Events))
		for i, e := range s.Events {
			e.Time = e.Time.UTC().Truncate(time.Microsecond) // what PostgreSQL keeps
			entries[i] = payment.Entry{Event: e, Confirmed: true}
		}
		s.Payment, s.Steps = payment.Fold(entries)
		stories[id] = s
	}
	return stories
}

// ids are the payments of stories, sorted so that differences are printed in the same order each time.
func ids(stories map[string]Story) []string { return slices.Sorted(maps.Keys(stories)) }
