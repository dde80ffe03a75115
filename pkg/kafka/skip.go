package kafka

import (
	"context"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
)

// Skip has events, which say that the service has written them, never be recorded: an operator knows that
// somebody else has. They stay on record as discarded dead letters. It skips all of them or none.
func (a *Adoption) Skip(ctx context.Context, origins []inbox.Origin, d inbox.Decision) ([]inbox.OwnEvent, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	extents, err := a.Client.extents(ctx, a.Group, a.topicNames()...)
	if err != nil {
		return nil, err
	}
	messages, events := make([]inbox.Message, len(origins)), make([]inbox.OwnEvent, len(origins))
	for i, origin := range origins {
		if messages[i], events[i], err = a.ownEventAt(ctx, origin, extents); err != nil {
			return nil, err
		}
	}
	err = a.DB.InTx(ctx, func(tx *pg.Tx) error {
		for i, e := range events {
			if err := a.Config.Skip(ctx, tx, messages[i], e, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// ownEventAt reads the event at a place; inbox.ErrNotMissing where it is none of the service's own.
func (a *Adoption) ownEventAt(ctx context.Context, origin inbox.Origin, extents map[journal.TopicPartition]journal.Extent) (
	message inbox.Message, e inbox.OwnEvent, err error,
) {
	extent, there := extents[origin.TopicPartition]
	if !there || origin.Offset < extent.First || origin.Offset >= extent.End {
		return message, e, fmt.Errorf("%s: %w: the partition does not hold it", origin, inbox.ErrNotMissing)
	}
	err = a.Client.readPartition(ctx, Partition{Topic: origin.Topic, ID: origin.Partition, First: origin.Offset, End: origin.Offset + 1},
		func(m kafkago.Message) error { message = received(m); return nil })
	if err != nil {
		return message, e, fmt.Errorf("read %s: %w", origin, err)
	}
	e, ours := a.OwnEvent(message)
	if !ours || e.Offset != origin.Offset {
		return message, e, fmt.Errorf("%s: %w", origin, inbox.ErrNotMissing)
	}
	return message, e, nil
}
