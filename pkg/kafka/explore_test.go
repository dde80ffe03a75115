package kafka_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

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

// silentClient is a client of a broker that accepts connections and never answers.
func silentClient(t *testing.T) *kafka.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	client := kafka.Open("test", connection.Plaintext(listener.Addr().String()))
	t.Cleanup(client.Close)
	return client
}
