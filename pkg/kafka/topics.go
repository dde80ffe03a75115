package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// DeadLettersTopic is where notices of new dead letters go, of every service.
const DeadLettersTopic = "dead-letters"

// maxMessageBytes is the topics' limit of one batch of messages.
const maxMessageBytes = 4 << 20

// TopicConfig is a topic as migrate creates it.
type TopicConfig struct {
	Name       string
	Partitions int
	// Retention is how long messages are kept; 0 is for ever.
	Retention time.Duration
}

// DeadLettersConfig is the configuration of DeadLettersTopic: one partition, 90 days.
func DeadLettersConfig() TopicConfig {
	return TopicConfig{Name: DeadLettersTopic, Partitions: 1, Retention: 90 * 24 * time.Hour}
}

// ErrPartitions says that a topic is there with another number of partitions. That cannot be
// changed in place, since a key's order is that of its partition.
var ErrPartitions = errors.New("topic has another number of partitions")

// CreateTopics creates the topics that are not there yet. It waits up to a minute for
// brokers that are still starting.
func (c *Client) CreateTopics(ctx context.Context, topics ...TopicConfig) error {
	request := &kafkago.CreateTopicsRequest{}
	for _, t := range topics {
		retention := "-1"
		if t.Retention > 0 {
			retention = strconv.FormatInt(t.Retention.Milliseconds(), 10)
		}
		request.Topics = append(request.Topics, kafkago.TopicConfig{
			Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: -1, // the brokers' default
			ConfigEntries: []kafkago.ConfigEntry{
				{ConfigName: "retention.ms", ConfigValue: retention},
				{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(maxMessageBytes)},
			},
		})
	}
	err := retry(ctx, func() error {
		// It says what is wrong with a connection; what comes next does not.
		if _, err := c.metadata(ctx); err != nil {
			return err
		}
		// The transport's memory of brokers that are just starting may lack the one that creates topics.
		admin, done := c.withoutMemory(10*time.Second, c.brokers...)
		defer done()
		response, err := admin.CreateTopics(ctx, request)
		if err != nil {
			return err
		}
		for _, t := range topics {
			if err := response.Errors[t.Name]; err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
				if denied(err) {
					err = fmt.Errorf("this user may not create it; run migrate as %s (deploy/kafka/acls.sh says what that may do): %w", OwnerUser, err)
				}
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, t := range topics {
		partitions, err := c.partitions(ctx, t.Name)
		if err != nil {
			return fmt.Errorf("look at topic %s: %w", t.Name, err)
		}
		if len(partitions) != t.Partitions {
			return fmt.Errorf("%w: %s has %d and should have %d; see docs/operations.md on how to move to a new topic",
				ErrPartitions, t.Name, len(partitions), t.Partitions)
		}
	}
	return nil
}

// partitions lists a topic's partitions, once the brokers know it and its leaders.
func (c *Client) partitions(ctx context.Context, topic string) (ids []int, err error) {
	err = retry(ctx, func() error {
		ids = nil
		// The transport's memory of the topics may be older than the topic.
		found, err := c.dialer.LookupPartitions(ctx, "tcp", c.brokers[0], topic)
		for i := 1; err != nil && i < len(c.brokers); i++ {
			found, err = c.dialer.LookupPartitions(ctx, "tcp", c.brokers[i], topic)
		}
		for _, p := range found {
			ids = append(ids, p.ID)
		}
		return err
	})
	slices.Sort(ids)
	return ids, err
}

// Partition is where one partition of a topic begins and ends, and how far a group is.
type Partition struct {
	Topic     string
	ID        int
	First     int64 // the oldest message's offset
	End       int64 // the next message's offset
	Committed int64 // the group's; -1 where it has committed none
}

// Lag is how many messages the group has not committed.
func (p Partition) Lag() int64 { return p.End - max(p.First, p.Committed) }

// Ends is where each partition ends of those topics that are there.
func (c *Client) Ends(ctx context.Context, topics ...string) (map[string]map[int]int64, error) {
	response, err := c.metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the topics: %w", err)
	}
	topics = slices.DeleteFunc(slices.Clone(topics), func(name string) bool {
		return !slices.ContainsFunc(response.Topics, func(t kafkago.Topic) bool { return t.Name == name && t.Error == nil })
	})
	ends := map[string]map[int]int64{}
	if len(topics) == 0 {
		return ends, nil
	}
	partitions, err := c.Offsets(ctx, "", topics...)
	if err != nil {
		return nil, err
	}
	for _, p := range partitions {
		if ends[p.Topic] == nil {
			ends[p.Topic] = map[int]int64{}
		}
		ends[p.Topic][p.ID] = p.End
	}
	return ends, nil
}

// Offsets looks at topics' partitions and, unless group is empty, at what it has committed.
func (c *Client) Offsets(ctx context.Context, group string, topics ...string) ([]Partition, error) {
	wanted := make(map[string][]int, len(topics))
	request := &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{}}
	for _, topic := range topics {
		ids, err := c.partitions(ctx, topic)
		if err != nil {
			return nil, fmt.Errorf("look at topic %s: %w", topic, err)
		}
		wanted[topic] = ids
		for _, id := range ids {
			request.Topics[topic] = append(request.Topics[topic], kafkago.FirstOffsetOf(id), kafkago.LastOffsetOf(id))
		}
	}
	listed, err := c.admin.ListOffsets(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	committed := map[string]map[int]int64{}
	if group != "" {
		if committed, err = c.committed(ctx, group, wanted); err != nil {
			return nil, err
		}
	}
	var partitions []Partition
	for _, topic := range topics {
		of := listed.Topics[topic]
		slices.SortFunc(of, func(a, b kafkago.PartitionOffsets) int { return a.Partition - b.Partition })
		for _, p := range of {
			if p.Error != nil {
				return nil, fmt.Errorf("list offsets of %s/%d: %w", topic, p.Partition, p.Error)
			}
			partition := Partition{Topic: topic, ID: p.Partition, First: p.FirstOffset, End: p.LastOffset, Committed: -1}
			if offset, ok := committed[topic][p.Partition]; ok {
				partition.Committed = offset
			}
			partitions = append(partitions, partition)
		}
	}
	return partitions, nil
}

func (c *Client) committed(ctx context.Context, group string, topics map[string][]int) (map[string]map[int]int64, error) {
	committed := map[string]map[int]int64{}
	err := retry(ctx, func() error {
		response, err := c.admin.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: group, Topics: topics})
		if err == nil {
			err = response.Error
		}
		if errors.Is(err, kafkago.GroupIdNotFound) { // it has not joined yet
			return nil
		}
		if err != nil {
			return err
		}
		for topic, partitions := range response.Topics {
			committed[topic] = map[int]int64{}
			for _, p := range partitions {
				committed[topic][p.Partition] = p.CommittedOffset
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fetch the offsets of group %s: %w", group, err)
	}
	return committed, nil
}
