package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kmsg"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/kafka/connection"
)

const (
	// topicIDsVersion is the first version of the question that is answered with ids; brokers know it since
	// Kafka 2.8.
	topicIDsVersion = 10
	topicIDsTimeout = 5 * time.Second
)

// extents are where the partitions of the consumer's topics begin and end, how far its group is, which topics
// they are, and how far its database was before. The topics are there.
func (cfg ConsumerConfig) extents(ctx context.Context) (map[journal.TopicPartition]journal.Extent, error) {
	received, err := cfg.received(ctx)
	if err != nil {
		return nil, err
	}
	extents, err := cfg.Client.extents(ctx, cfg.Group, cfg.topicNames()...)
	for tp, extent := range extents {
		extent.Received = received[tp]
		extents[tp] = extent
	}
	return extents, err
}

// received asks the journal, for callWithin at most.
func (cfg ConsumerConfig) received(ctx context.Context) (map[journal.TopicPartition]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return cfg.Journal.Received(ctx)
}

// extents are those of Kafka alone.
func (c *Client) extents(ctx context.Context, group string, topics ...string) (_ map[journal.TopicPartition]journal.Extent, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, errNoAnswer)
	defer cancel()
	defer func() {
		if err != nil && errors.Is(context.Cause(ctx), errNoAnswer) {
			err = fmt.Errorf("%w: %w", errNoAnswer, err)
		}
	}()
	// The ids first: should a topic be recreated in between, then what comes next finds another id.
	ids, err := c.topicIDs(ctx, topics...)
	if err != nil {
		return nil, err
	}
	partitions, err := c.Offsets(ctx, group, topics...)
	if err != nil {
		return nil, err
	}
	extents := make(map[journal.TopicPartition]journal.Extent, len(partitions))
	for _, p := range partitions {
		extents[journal.TopicPartition{Topic: p.Topic, Partition: p.ID}] = journal.Extent{
			First: p.First, End: p.End, Committed: p.Committed, TopicID: ids[p.Topic],
		}
	}
	return extents, nil
}

// topicIDs asks for the ids of topics, which change when a topic is deleted and recreated. A topic without
// one is not in the answer.
func (c *Client) topicIDs(ctx context.Context, topics ...string) (ids map[string]uuid.UUID, err error) {
	err = retry(ctx, func() error {
		for _, broker := range c.brokers {
			if ids, err = c.topicIDsOf(ctx, broker, topics); err == nil {
				return nil
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the topics' ids: %w", err)
	}
	return ids, nil
}

func (c *Client) topicIDsOf(ctx context.Context, broker string, topics []string) (map[string]uuid.UUID, error) {
	found, err := c.described(ctx, broker, topics)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]uuid.UUID, len(topics))
	for name, t := range found {
		if t.ErrorCode == 0 && t.TopicID != [16]byte{} {
			ids[name] = t.TopicID
		}
	}
	return ids, nil
}

// described asks one broker about topics: with their ids, and what this user may do with them. kafka-go knows
// neither.
//
// https://kafka.apache.org/protocol.html#The_Messages_Metadata
func (c *Client) described(ctx context.Context, broker string, topics []string) (map[string]kmsg.MetadataResponseTopic, error) {
	ctx, cancel := context.WithTimeout(ctx, topicIDsTimeout)
	defer cancel()
	conn, err := c.dialer.DialFunc(ctx, "tcp", broker)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	request := kmsg.NewPtrMetadataRequest() // which creates none
	request.Version, request.IncludeTopicAuthorizedOperations = topicIDsVersion, true
	for _, topic := range topics {
		wanted := kmsg.NewMetadataRequestTopic()
		wanted.Topic = kmsg.StringPtr(topic)
		request.Topics = append(request.Topics, wanted)
	}
	answer, err := connection.Ask(conn, c.name, request)
	if err != nil {
		return nil, err
	}
	found := make(map[string]kmsg.MetadataResponseTopic, len(topics))
	for _, t := range answer.(*kmsg.MetadataResponse).Topics {
		if t.Topic != nil && slices.Contains(topics, *t.Topic) {
			found[*t.Topic] = t
		}
	}
	return found, nil
}
