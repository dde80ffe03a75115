package house

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

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
	partitions, err := client.Offsets(ctx, "", payment.Topic)
	if err != nil {
		tb.Fatalf("look at the topic: %v", err)
	}
	stories, seen := map[string]Story{}, map[uuid.UUID]bool{}
	for _, p := range partitions {
		messages, err := h.messages(ctx, p)
		if err != nil {
			tb.Fatalf("read partition %d: %v", p.ID, err)
		}
		for _, m := range messages {
			e, err := kafka.Decode(m)
			if err != nil || seen[e.ID] {
				continue
			}
			seen[e.ID] = true
			s := stories[e.Subject]
			s.Events = append(s.Events, e)
			stories[e.Subject] = s
		}
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

// messages reads one partition up to its end.
func (h *House) messages(ctx context.Context, p kafka.Partition) (read []kafkago.Message, err error) {
	if p.First >= p.End {
		return nil, nil
	}
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: []string{h.Parts.Brokers}, Topic: p.Topic, Partition: p.ID, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 100 * time.Millisecond,
	})
	defer func() { _ = reader.Close() }()
	if err := reader.SetOffset(p.First); err != nil {
		return nil, err
	}
	for {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			return nil, err
		}
		read = append(read, m)
		if m.Offset+1 >= p.End {
			return read, nil
		}
	}
}

// ids are the payments of stories, sorted so that differences are printed in the same order each time.
func ids(stories map[string]Story) []string { return slices.Sorted(maps.Keys(stories)) }
