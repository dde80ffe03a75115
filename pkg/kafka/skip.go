package kafka

import (
	"context"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/journal/inbox"
)

// Skip has an event, which says that the service has written it, never be recorded: an operator knows that
// somebody else has. It stays on record as a discarded dead letter.
func (a *Adoption) Skip(ctx context.Context, origin inbox.Origin, d inbox.Decision) (inbox.OwnEvent, error) {
	if err := d.Check(); err != nil {
		return inbox.OwnEvent{}, err
	}
	extents, err := a.Client.extents(ctx, a.Group, a.topicNames()...)
	if err != nil {
		return inbox.OwnEvent{}, err
	}
	extent, there := extents[origin.TopicPartition]
	if !there || origin.Offset < extent.First || origin.Offset >= extent.End {
		return inbox.OwnEvent{}, fmt.Errorf("%s: %w: the partition does not hold it", origin, inbox.ErrNotMissing)
	}
	var message inbox.Message
	err = a.Client.readPartition(ctx, Partition{Topic: origin.Topic, ID: origin.Partition, First: origin.Offset, End: origin.Offset + 1},
		func(m kafkago.Message) error { message = received(m); return nil })
	if err != nil {
		return inbox.OwnEvent{}, fmt.Errorf("read %s: %w", origin, err)
	}
	e, ours := a.OwnEvent(message)
	if !ours || e.Offset != origin.Offset {
		return inbox.OwnEvent{}, fmt.Errorf("%s: %w", origin, inbox.ErrNotMissing)
	}
	return e, a.Config.Skip(ctx, message, e, d)
}
