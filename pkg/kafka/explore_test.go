package kafka_test

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
)

// state is the topic of a harness as its client sees it.
func (h *harness) state() kafka.TopicState {
	h.tb.Helper()
	topics, err := h.client.Look(h.tb.Context())
	require.NoError(h.tb, err)
	for _, t := range topics {
		if t.Name == h.topic {
			return t
		}
	}
	h.tb.Fatalf("%s is not among %v", h.topic, topics)
	return kafka.TopicState{}
}

func TestATopicIsLookedIntoWithoutBeingConsumed(t *testing.T) {
	t.Parallel()
	// given a topic of two partitions with five messages in the second, three of which a group has consumed
	addresses := brokers(t)
	h := newHarness(t, addresses, 2)
	before := time.Now().Add(-24 * time.Hour).Truncate(time.Millisecond)
	at := func(n int) time.Time { return before.Add(time.Duration(n) * time.Hour) }
	for n := range 3 {
		h.produceTo(addresses, 1, kafkago.Message{Key: []byte("k"), Value: fmt.Append(nil, n), Time: at(n)})
	}
	reader := kafkago.NewReader(kafkago.ReaderConfig{Brokers: addresses, Topic: h.topic, GroupID: h.group, MaxWait: 100 * time.Millisecond, StartOffset: kafkago.FirstOffset})
	for range 3 {
		_, err := reader.ReadMessage(t.Context())
		require.NoError(t, err)
	}
	group := func() kafka.GroupState {
		groups, err := h.client.Groups(t.Context(), []kafka.TopicState{h.state()})
		require.NoError(t, err)
		for _, g := range groups {
			if g.Name == h.group {
				return g
			}
		}
		t.Fatalf("%s is not among %v", h.group, groups)
		return kafka.GroupState{}
	}
	// then its member and its partitions are seen while it consumes
	member := group()
	require.Equal(t, "Stable", member.State)
	require.Len(t, member.Members, 1)
	require.ElementsMatch(t, []int{0, 1}, member.Members[0].Partitions[h.topic])
	require.NoError(t, reader.Close())
	for n := 3; n < 5; n++ {
		h.produceTo(addresses, 1, kafkago.Message{Key: []byte("k"), Value: []byte{0xff, 0, byte(n)}, Time: at(n)})
	}

	// and its lag once it has gone
	topic := h.state()
	require.EqualValues(t, 5, topic.Messages())
	lag, follows := group().Lag(topic)
	require.True(t, follows)
	require.EqualValues(t, 2, lag)

	// and messages from any offset, whatever is in them
	second := topic.Partitions[1].Partition
	read := func(from int64, most int) (offsets []int64, next int64) {
		next, err := h.client.Read(t.Context(), second, from, func(m kafkago.Message) bool {
			offsets = append(offsets, m.Offset)
			return len(offsets) < most
		})
		require.NoError(t, err)
		return offsets, next
	}
	offsets, next := read(0, 3)
	require.Equal(t, []int64{0, 1, 2}, offsets)
	require.EqualValues(t, 3, next)
	offsets, next = read(next, 10)
	require.Equal(t, []int64{3, 4}, offsets)
	require.EqualValues(t, 5, next)
	offsets, next = read(5, 10)
	require.Empty(t, offsets)
	require.EqualValues(t, 5, next)
	offsets, _ = read(-7, 1)
	require.Equal(t, []int64{0}, offsets)

	// and a time leads to its offset, or to the end
	offset, err := h.client.OffsetAt(t.Context(), second, before.Add(200*time.Minute))
	require.NoError(t, err)
	require.EqualValues(t, 4, offset)
	offset, err = h.client.OffsetAt(t.Context(), second, at(20))
	require.NoError(t, err)
	require.EqualValues(t, 5, offset)

	// and nothing of that was consumed
	lag, _ = group().Lag(h.state())
	require.EqualValues(t, 2, lag)
}

// A broker that is silent, though it is asked first, leaves time to ask the others.
func TestASilentBrokerDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	h.produceTo(addresses, 0, kafkago.Message{Value: []byte("x")})
	client := kafka.Open("test", connection.Plaintext(append([]string{silentBroker(t)}, addresses...)...))
	t.Cleanup(client.Close)

	topics, err := client.Look(t.Context())
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(topics, func(t kafka.TopicState) bool { return t.Name == h.topic }))
	read := 0
	_, err = client.Read(t.Context(), h.state().Partitions[0].Partition, 0, func(kafkago.Message) bool { read++; return true })
	require.NoError(t, err)
	require.Equal(t, 1, read)
}

// Where a partition's leader does not answer, the others are shown, and nobody is said to be up to date.
func TestAPartitionWithoutItsLeaderIsNotTakenForEmpty(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	addresses := []string{listener.Addr().String()}
	h := newHarness(t, addresses, 2)
	for partition := range 2 {
		h.produceTo(addresses, partition, kafkago.Message{Value: []byte("x")})
	}
	cluster.ControlKey(int16(kmsg.ListOffsets), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked := request.(*kmsg.ListOffsetsRequest).Topics[0]
		if asked.Partitions[0].Partition == 0 {
			return nil, nil, false
		}
		answer := request.ResponseKind().(*kmsg.ListOffsetsResponse)
		partition := kmsg.NewListOffsetsResponseTopicPartition()
		partition.Partition, partition.ErrorCode = 1, int16(kafkago.NotLeaderForPartition)
		answer.Topics = []kmsg.ListOffsetsResponseTopic{{Topic: asked.Topic, Partitions: []kmsg.ListOffsetsResponseTopicPartition{partition}}}
		return answer, nil, true
	})

	topic := h.state()
	require.True(t, topic.Unread())
	require.False(t, topic.Partitions[0].Unread)
	require.EqualValues(t, 1, topic.Partitions[0].End)
	require.True(t, topic.Partitions[1].Unread)
}

func TestABrokerThatIsAwayIsSaidSoon(t *testing.T) {
	t.Parallel()
	h := newHarness(t, brokers(t), 1)
	there := h.state().Partitions[0].Partition
	silent := silentClient(t)
	for what, look := range map[string]func() error{
		"topics":   func() error { _, err := silent.Look(t.Context()); return err },
		"groups":   func() error { _, err := silent.Groups(t.Context(), nil); return err },
		"a time":   func() error { _, err := silent.OffsetAt(t.Context(), there, time.Now()); return err },
		"messages": func() error { there.End = 1; _, err := silent.Read(t.Context(), there, 0, nil); return err },
	} {
		began := time.Now()
		require.Error(t, look(), what)
		require.Less(t, time.Since(began), 20*time.Second, what)
	}
}

// silentBroker accepts connections and never answers.
func silentBroker(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// silentClient is a client of a silent broker alone.
func silentClient(t *testing.T) *kafka.Client {
	t.Helper()
	client := kafka.Open("test", connection.Plaintext(silentBroker(t)))
	t.Cleanup(client.Close)
	return client
}
