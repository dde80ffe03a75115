package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// lookWithin bounds a look into Kafka for which a person waits.
const lookWithin = 5 * time.Second

// Message is a message as a partition holds it, and Header one of its headers.
type (
	Message = kafkago.Message
	Header  = kafkago.Header
)

// TopicState is a topic as the brokers have it.
type TopicState struct {
	Name       string
	Partitions []PartitionState // by their numbers
}

// Messages is how many offsets the topic's partitions hold between their beginnings and their ends. What
// compaction has removed counts as well.
func (t TopicState) Messages() (n int64) {
	for _, p := range t.Partitions {
		n += p.End - p.First
	}
	return n
}

// PartitionState is a partition as the brokers have it.
type PartitionState struct {
	Partition
	Leader           string // host:port; "" while there is none
	Replicas, InSync int
	Unread           bool // its leader has not said where it begins and ends
}

// Unread reports whether it is not known where one of the partitions begins and ends.
func (t TopicState) Unread() bool {
	return slices.ContainsFunc(t.Partitions, func(p PartitionState) bool { return p.Unread })
}

// Look reads the topics of the cluster that are not Kafka's own, and where their partitions begin and end. A
// partition whose leader does not answer is Unread.
func (c *Client) Look(ctx context.Context) ([]TopicState, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	answer, err := c.metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the topics: %w", err)
	}
	request := &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{}}
	var topics []TopicState
	for _, t := range answer.Topics {
		if t.Internal || t.Error != nil {
			continue
		}
		topic := TopicState{Name: t.Name}
		for _, p := range t.Partitions {
			state := PartitionState{Partition: Partition{Topic: t.Name, ID: p.ID, Committed: -1}, Replicas: len(p.Replicas), InSync: len(p.Isr), Unread: true}
			if p.Leader.Host != "" {
				state.Leader = fmt.Sprintf("%s:%d", p.Leader.Host, p.Leader.Port)
			}
			topic.Partitions = append(topic.Partitions, state)
			request.Topics[t.Name] = append(request.Topics[t.Name], kafkago.FirstOffsetOf(p.ID), kafkago.LastOffsetOf(p.ID))
		}
		slices.SortFunc(topic.Partitions, func(a, b PartitionState) int { return a.ID - b.ID })
		topics = append(topics, topic)
	}
	slices.SortFunc(topics, func(a, b TopicState) int { return strings.Compare(a.Name, b.Name) })
	if len(topics) == 0 {
		return nil, nil
	}
	listed, err := c.admin.ListOffsets(ctx, request)
	if err != nil { // of no partition at all
		return topics, nil
	}
	for _, topic := range topics {
		for _, found := range listed.Topics[topic.Name] {
			for i := range topic.Partitions {
				if p := &topic.Partitions[i]; p.ID == found.Partition && found.Error == nil {
					p.First, p.End, p.Unread = found.FirstOffset, found.LastOffset, false
				}
			}
		}
	}
	return topics, nil
}

// GroupState is a consumer group as the brokers have it.
type GroupState struct {
	Name, State string
	Members     []GroupMember
	Committed   map[string]map[int]int64 // by topic and partition
}

// GroupMember is a process that consumes.
type GroupMember struct {
	Name, Host string
	Partitions map[string][]int // by topic
}

// Lag is how many messages of a topic's partitions the group has not committed, but for those that are
// Unread; false where it has committed none of them.
func (g GroupState) Lag(t TopicState) (lag int64, follows bool) {
	for _, p := range t.Partitions {
		if committed, has := g.Committed[t.Name][p.ID]; has {
			follows = true
			if !p.Unread {
				lag += max(0, p.End-max(p.First, committed))
			}
		}
	}
	return lag, follows
}

// Groups reads the consumer groups that this user may see, and how far they are in topics.
func (c *Client) Groups(ctx context.Context, topics []TopicState) ([]GroupState, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	listed, err := c.admin.ListGroups(ctx, &kafkago.ListGroupsRequest{})
	if err == nil {
		err = listed.Error
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the consumer groups: %w", err)
	}
	if len(listed.Groups) == 0 {
		_, err := c.metadata(ctx) // where no broker was known yet, nobody was asked
		return nil, err
	}
	wanted, ids := map[string][]int{}, []string{}
	for _, t := range topics {
		for _, p := range t.Partitions {
			wanted[t.Name] = append(wanted[t.Name], p.ID)
		}
	}
	for _, g := range listed.Groups {
		ids = append(ids, g.GroupID)
	}
	slices.Sort(ids)
	described, err := c.admin.DescribeGroups(ctx, &kafkago.DescribeGroupsRequest{GroupIDs: ids})
	if err != nil {
		return nil, fmt.Errorf("ask for the consumer groups: %w", err)
	}
	groups := make([]GroupState, len(ids))
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(groupsAtOnce)
	for i, id := range ids {
		groups[i].Name = id
		for _, d := range described.Groups {
			if d.GroupID == id {
				groups[i].describe(d)
			}
		}
		asking.Go(func() (err error) {
			if groups[i].Committed, err = c.committed(ctx, id, wanted); err != nil {
				return fmt.Errorf("ask how far group %s is: %w", id, err)
			}
			for _, partitions := range groups[i].Committed {
				// Of these it has committed nothing.
				maps.DeleteFunc(partitions, func(_ int, offset int64) bool { return offset < 0 })
			}
			return nil
		})
	}
	return groups, asking.Wait()
}

// groupsAtOnce is how many groups are asked for at once.
const groupsAtOnce = 8

func (g *GroupState) describe(d kafkago.DescribeGroupsResponseGroup) {
	g.State = d.GroupState
	for _, m := range d.Members {
		member := GroupMember{Name: m.ClientID, Host: strings.TrimPrefix(m.ClientHost, "/"), Partitions: map[string][]int{}}
		for _, t := range m.MemberAssignments.Topics {
			member.Partitions[t.Topic] = append(member.Partitions[t.Topic], t.Partitions...)
		}
		g.Members = append(g.Members, member)
	}
}

// OffsetAt is the offset of a partition's first message from a time on; the partition's end where there is
// none.
func (c *Client) OffsetAt(ctx context.Context, p Partition, at time.Time) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	answer, err := c.admin.ListOffsets(ctx, &kafkago.ListOffsetsRequest{
		Topics: map[string][]kafkago.OffsetRequest{p.Topic: {kafkago.TimeOffsetOf(p.ID, at)}},
	})
	if err != nil {
		return 0, fmt.Errorf("look for the offset of a time: %w", err)
	}
	for _, found := range answer.Topics[p.Topic] {
		if found.Partition != p.ID || found.Error != nil {
			continue
		}
		for offset := range found.Offsets {
			if offset >= 0 {
				return offset, nil
			}
		}
	}
	return p.End, nil
}

// Read calls each with the messages of a partition from an offset on, until that returns false, the partition
// ends, or lookWithin is over. It returns the offset that comes next. No group is joined, and no offset
// committed.
func (c *Client) Read(ctx context.Context, p Partition, from int64, each func(Message) bool) (next int64, err error) {
	next = max(from, p.First)
	if next >= p.End {
		return next, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	conn, err := c.leader(ctx, p)
	if err != nil {
		return next, fmt.Errorf("read %s, partition %d: %w", p.Topic, p.ID, err)
	}
	defer func() { _ = conn.Close() }()
	until, _ := ctx.Deadline()
	_ = conn.SetDeadline(until)
	for next < p.End {
		if _, err := conn.Seek(next, kafkago.SeekAbsolute|kafkago.SeekDontCheck); err != nil {
			return next, fmt.Errorf("read %s, partition %d: %w", p.Topic, p.ID, err)
		}
		batch := conn.ReadBatchWith(kafkago.ReadBatchConfig{MinBytes: 1, MaxBytes: readBytes, MaxWait: readWait})
		began, further := next, true
		for further && next < p.End {
			m, err := batch.ReadMessage()
			if err != nil {
				break
			}
			if next = m.Offset + 1; m.Offset >= began && m.Offset < p.End {
				further = each(m)
			}
		}
		err := batch.Close()
		switch {
		case !further:
			return next, nil
		case next == began && (err == nil || errors.Is(err, io.EOF) || errors.Is(err, kafkago.RequestTimedOut)) && batch.HighWaterMark() >= p.End:
			return p.End, nil // what is there has been compacted away
		case next == began && err != nil:
			return next, fmt.Errorf("read %s, partition %d: %w", p.Topic, p.ID, err)
		case ctx.Err() != nil:
			return next, nil
		}
	}
	return next, nil
}

// leader connects to the broker that leads a partition.
func (c *Client) leader(ctx context.Context, p Partition) (conn *kafkago.Conn, err error) {
	for i, broker := range c.brokers {
		share, done := shareOf(ctx, len(c.brokers)-i)
		conn, err = c.dialer.DialLeader(share, "tcp", broker, p.Topic, p.ID)
		done()
		if err == nil {
			return conn, nil
		}
	}
	return nil, err
}
