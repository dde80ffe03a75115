package kafka

import (
	"context"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/signing"
)

// Messages calls each with every message of a partition, from First to before End, as it is to be verified.
// malformed says why a message is no event, if so. An error of each ends it. It keeps nothing.
func (c *Client) Messages(ctx context.Context, p Partition, each func(m signing.Message, malformed error) error) error {
	err := c.readPartition(ctx, p, func(m kafkago.Message) error {
		_, malformed := Decode(m)
		return each(signedMessage(received(m)), malformed)
	})
	if err != nil {
		return fmt.Errorf("read %s, partition %d: %w", p.Topic, p.ID, err)
	}
	return nil
}
