package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
)

// History calls each with every event of a topic from its start to its end as it is now: partition
// by partition, in the topic's order, each event once. What is malformed is left out, being a dead
// letter everywhere. An error of each ends it.
func (c *Client) History(ctx context.Context, topic string, each func(event.Event) error) error {
	partitions, err := c.Offsets(ctx, "", topic)
	if err != nil {
		return err
	}
	seen := map[uuid.UUID]bool{}
	return c.Events(ctx, partitions, func(_ Partition, _ int64, e event.Event) error {
		if seen[e.ID] {
			return nil
		}
		seen[e.ID] = true
		return each(e)
	})
}

// Events calls each with every event of partitions, from First to before End, and its offset: one partition after the other, in the
// topic's order, an event as often as it is there. What is malformed is left out. An error of each ends it. It keeps nothing.
func (c *Client) Events(ctx context.Context, partitions []Partition, each func(p Partition, offset int64, e event.Event) error) error {
	for _, p := range partitions {
		err := c.readPartition(ctx, p, func(m kafkago.Message) error {
			e, err := Decode(m)
			if errors.Is(err, ErrMalformed) {
				return nil
			}
			if err != nil {
				return err
			}
			return each(p, m.Offset, e)
		})
		if err != nil {
			return fmt.Errorf("read %s, partition %d: %w", p.Topic, p.ID, err)
		}
	}
	return nil
}

// readPartition reads from the first message to the one before p.End.
func (c *Client) readPartition(ctx context.Context, p Partition, each func(kafkago.Message) error) error {
	if p.First >= p.End {
		return nil
	}
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: c.brokers, Dialer: c.dialer, Topic: p.Topic, Partition: p.ID, MinBytes: 1, MaxBytes: 8 << 20,
		MaxWait: 100 * time.Millisecond, // closing waits for the fetch under way
	})
	defer func() { _ = reader.Close() }()
	if err := reader.SetOffset(p.First); err != nil {
		return err
	}
	for {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			return err
		}
		if err := each(m); err != nil {
			return err
		}
		if m.Offset+1 >= p.End {
			return nil
		}
	}
}
