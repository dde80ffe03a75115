package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg"
)

func TestALateCommitWithALowerPositionIsPublished(t *testing.T) {
	t.Parallel()
	here := newHarness(t, brokers(t), 3)
	there := here.another("/there")
	run(t, here.relay().Run)
	run(t, there.consumer().Run)

	// Given a transaction that has taken its position and not committed.
	require.NoError(t, here.db.InTx(t.Context(), func(tx *pg.Tx) error {
		streams, err := here.journal.Load(t.Context(), tx, "thing-late")
		require.NoError(t, err)
		s := streams["thing-late"]
		require.NoError(t, here.journal.Append(t.Context(), tx, &s, newEvent("late", 1)))
		late := s.Records[0].Position

		// When one with a higher position is committed, published and off the list.
		here.append(newEvent("early", 1))
		there.eventually(1, "journal where subject = 'early'")
		here.eventually(0, "outbox")
		here.eventually(1, "journal where position > $1", late)
		return nil
	}))

	// Then the late one is published too.
	there.eventually(1, "journal where subject = 'late'")
	here.eventually(0, "outbox")
}

func TestACrashBetweenPublishingAndMarkingMakesDuplicatesOnly(t *testing.T) {
	t.Parallel()
	here := newHarness(t, brokers(t), 3)
	there := here.another("/there")
	run(t, there.consumer().Run)
	stop := run(t, here.relay().Run)
	var events []event.Event
	for n := range 20 {
		events = append(events, newEvent([]string{"a", "b", "c"}[n%3], n))
	}
	here.append(events...)
	here.eventually(0, "outbox")
	stop()

	// The list as it was before the last call's acknowledgement was noted.
	_, err := here.db.Pool().Exec(t.Context(), "insert into outbox select position from journal order by position desc limit 12")
	require.NoError(t, err)
	here.append(newEvent("a", 20))
	run(t, here.relay().Run)

	there.eventually(21, "journal")
	here.eventually(0, "outbox")
	require.Equal(t, []int{0, 3, 6, 9, 12, 15, 18, 20}, there.ns("a"))
	require.Equal(t, []int{1, 4, 7, 10, 13, 16, 19}, there.ns("b"))
	require.Equal(t, 33, end(t, here), "the topic holds the duplicates")
}

// end is how many messages the topic holds.
func end(tb testing.TB, h *harness) (n int) {
	tb.Helper()
	partitions, err := h.client.Offsets(tb.Context(), "", h.topic)
	require.NoError(tb, err)
	for _, p := range partitions {
		n += int(p.End)
	}
	return n
}

func TestLargeEventsDoNotJamTheRelay(t *testing.T) {
	t.Parallel()
	here := newHarness(t, brokers(t), 1)
	there := here.another("/there")
	for n := range 6 {
		e := newEvent("large", n)
		e.Type = "thing_of_size"
		e.Data = json.RawMessage(`{"n":` + string(rune('0'+n)) + `,"text":"` + strings.Repeat("x", 900_000) + `"}`)
		here.append(e)
	}
	here.append(newEvent("large", 6))

	run(t, here.relay().Run)
	run(t, there.consumer().Run)

	there.eventually(7, "journal")
	require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6}, there.ns("large"))
}

func TestABrokerThatWasAwayIsCaughtUpWith(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker, err := embedded.Kafka(dir, "")
	require.NoError(t, err)
	addr := broker.Addr()
	here := newHarness(t, []string{addr}, 3)
	there := here.another("/there")
	relay, consumer := here.relay(), there.consumer()
	run(t, relay.Run)
	run(t, consumer.Run)
	here.append(newEvent("1", 1))
	there.eventually(1, "journal")
	require.NoError(t, relay.Healthy())
	require.NoError(t, consumer.Healthy())

	broker.Close()
	here.append(newEvent("1", 2), newEvent("2", 1))
	eventually(t, func() bool { return relay.Healthy() != nil && consumer.Healthy() != nil })
	here.eventually(2, "outbox")

	broker, err = embedded.Kafka(dir, addr)
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	there.eventually(3, "journal")
	here.eventually(0, "outbox")
	require.Equal(t, []int{1, 2}, there.ns("1"))
	eventually(t, func() bool { return relay.Healthy() == nil && consumer.Healthy() == nil })
}

// What a relay could not do is no fault of it once another replica leads: nothing would take that back.
func TestARelayThatLeadsNoMoreHasNoFault(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Kafka(t.TempDir(), "")
	require.NoError(t, err)
	here := newHarness(t, []string{broker.Addr()}, 1)
	relay := here.relay()
	run(t, relay.Run)
	here.append(newEvent("1", 1))
	here.eventually(1, "leases where name = 'relay' and expires_at > now()")

	broker.Close()
	here.append(newEvent("1", 2))
	eventually(t, func() bool { return relay.Healthy() != nil })
	_, err = here.db.Pool().Exec(t.Context(), "update leases set token = token + 1, expires_at = now() + interval '1 hour' where name = 'relay'")
	require.NoError(t, err)
	eventually(t, func() bool { return relay.Healthy() == nil })
}

func TestAnotherClusterIsFatal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker, err := embedded.Kafka(dir, "")
	require.NoError(t, err)
	addr := broker.Addr()
	h := newHarness(t, []string{addr}, 1)
	relayEnds, consumerEnds := make(chan error, 1), make(chan error, 1)
	go func() { relayEnds <- h.relay().Run(t.Context()) }()
	go func() { consumerEnds <- h.consumer().Run(t.Context()) }()
	h.append(newEvent("1", 1))
	h.eventually(1, "journal where log = 1")

	// While they run, the address becomes another cluster's.
	broker.Close()
	broker, err = embedded.Kafka(t.TempDir(), addr)
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	h.append(newEvent("1", 2))

	require.ErrorIs(t, <-consumerEnds, journal.ErrOtherCluster)
	require.ErrorIs(t, <-relayEnds, journal.ErrOtherCluster)
	require.ErrorIs(t, h.relay().Run(t.Context()), journal.ErrOtherCluster)
	require.ErrorIs(t, h.consumer().Run(t.Context()), journal.ErrOtherCluster)
}

// eventually polls until it holds.
func eventually(tb testing.TB, holds func() bool) {
	tb.Helper()
	require.Eventually(tb, holds, patience, patience/2000)
}

func TestMetricsTellWhatWaits(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	relay, consumer := h.relay(), h.consumer()
	registry := prometheus.NewRegistry()
	registry.MustRegister(relay.Collectors()...)
	registry.MustRegister(consumer.Collectors()...)
	h.produce(addresses, append(h.encoded(newEvent("1", 1)), kafkago.Message{Value: []byte("hello")})...)
	run(t, consumer.Run)
	h.append(newEvent("2", 1))
	h.eventually(1, "dead_letters")

	eventually(t, func() bool {
		gathered, err := registry.Gather()
		require.NoError(t, err)
		values := map[string]float64{}
		for _, family := range gathered {
			for _, m := range family.Metric {
				name := family.GetName()
				for _, label := range m.Label {
					if label.GetName() != "topic" {
						name += " " + label.GetValue()
					}
				}
				values[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
		lag, known := values["consumer_lag_messages 0"]
		return known && lag == 0 && values["outbox_events"] == 1 && values["dead_letters malformed"] == 1 &&
			values["received_total recorded"] == 1 && values["received_total malformed"] == 1
	})
}

func TestTopicsKeepTheirNumberOfPartitions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, brokers(t), 3)
	require.NoError(t, h.client.CreateTopics(t.Context(), kafka.TopicConfig{Name: h.topic, Partitions: 3}))
	err := h.client.CreateTopics(t.Context(), kafka.TopicConfig{Name: h.topic, Partitions: 6})
	require.ErrorIs(t, err, kafka.ErrPartitions)
}

func TestRebalancesWhileMessagesFlow(t *testing.T) {
	t.Parallel()
	here := newHarness(t, brokers(t), 4)
	there := here.another("/there")
	run(t, here.relay().Run)
	const keys, each = 20, 30
	var seen atomic.Int64
	there.project = func(_ context.Context, _ *pg.Tx, streams []journal.Stream) error {
		if seen.Add(1)%7 == 3 {
			return errors.New("a failure that passes")
		}
		return nil
	}
	run(t, there.consumer().Run)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for n := range each {
			for k := range keys {
				here.append(newEvent(string(rune('a'+k)), n))
			}
		}
	}()

	// Replicas come and go while it flows.
	for want := 50; want <= 400; want += 150 {
		eventually(t, func() bool { return count(t, there.db) >= want })
		another := run(t, there.consumer().Run)
		eventually(t, func() bool { return count(t, there.db) >= want+75 })
		another()
	}
	<-written

	there.eventually(keys*each, "journal")
	here.eventually(0, "outbox")
	for k := range keys {
		ns := there.ns(string(rune('a' + k)))
		require.Len(t, ns, each)
		for i, n := range ns {
			require.Equal(t, i, n)
		}
	}
}

func count(tb testing.TB, db *pg.DB) (n int) {
	require.NoError(tb, db.Pool().QueryRow(tb.Context(), "select count(*) from journal").Scan(&n))
	return n
}

func TestEverythingIsReceivedAgainAndNothingChanges(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 2)
	events := []event.Event{newEvent("1", 1), newEvent("2", 1), newEvent("1", 2)}
	h.produce(addresses, h.encoded(events...)...)
	stop := run(t, h.consumer().Run)
	h.eventually(3, "journal")
	stop()

	h.group += "-again"
	h.produce(addresses, h.encoded(newEvent("3", 1))...)
	run(t, h.consumer().Run)

	h.eventually(1, "journal where subject = '3'")
	h.eventually(4, "journal")
	require.Equal(t, []int{1, 2}, h.ns("1"))
}
