package kafka_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
)

// recreate deletes the topic, and makes it again with as many partitions.
func (h *harness) recreate(addresses []string, partitions int) {
	h.tb.Helper()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafkago.Client{Addr: kafkago.TCP(addresses...), Transport: transport}
	_, err := admin.DeleteTopics(h.tb.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{h.topic}})
	require.NoError(h.tb, err)
	eventually(h.tb, func() bool { // brokers delete in the background
		return h.client.CreateTopics(h.tb.Context(), kafka.TopicConfig{Name: h.topic, Partitions: partitions}) == nil && h.empty()
	})
}

func (h *harness) empty() bool {
	partitions, err := h.client.Offsets(h.tb.Context(), "", h.topic)
	return err == nil && len(partitions) > 0 && partitions[0].End == 0
}

// cutOff removes what is before an offset of partition 0, as retention does.
func (h *harness) cutOff(addresses []string, before int64) {
	h.tb.Helper()
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.Version = 1
	request.TimeoutMillis = 5000
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Offset = before
	request.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: h.topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{partition}}}
	conn, err := net.DialTimeout("tcp", addresses[0], patience)
	require.NoError(h.tb, err)
	defer conn.Close()
	require.NoError(h.tb, conn.SetDeadline(time.Now().Add(patience)))
	_, err = conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, request, 1))
	require.NoError(h.tb, err)
	var size [4]byte
	_, err = io.ReadFull(conn, size[:])
	require.NoError(h.tb, err)
	answer := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err = io.ReadFull(conn, answer)
	require.NoError(h.tb, err)
	response := kmsg.NewPtrDeleteRecordsResponse()
	response.Version = request.Version
	require.NoError(h.tb, response.ReadFrom(answer[4:])) // after the correlation id
	require.Zero(h.tb, response.Topics[0].Partitions[0].ErrorCode)
}

// accept accepts the loss of the topic's partition 0.
func (h *harness) accept() {
	h.tb.Helper()
	losses := kafka.NewLosses(kafka.ConsumerConfig{Config: h.recording(), Client: h.client, Group: h.group})
	lost, err := losses.Accept(h.tb.Context(), []journal.TopicPartition{{Topic: h.topic}}, inbox.Decision{Reason: "a test", By: "mia"})
	require.NoError(h.tb, err)
	require.Len(h.tb, lost, 1)
	h.eventually(1, "operator_decisions where decision = 'accept-loss' and topic = $1 and decided_by = 'mia' and reason = 'a test'", h.topic)
}

func says(consumer *kafka.Consumer, words string) func() bool {
	return func() bool {
		err := consumer.Healthy()
		return err != nil && strings.Contains(err.Error(), words)
	}
}

func things(n int) (events []event.Event) {
	for i := range n {
		events = append(events, newEvent("1", i+1))
	}
	return events
}

func TestATopicThatWasRecreatedIsNotReceivedFromTheMiddle(t *testing.T) {
	t.Parallel()
	// given a service that has received three messages of a topic, and set one of them aside
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	broken := newEvent("2", 1)
	broken.Data = []byte(`{"n":"x"}`)
	h.produce(addresses, h.encoded(append(things(2), broken)...)...)
	stop := run(t, h.consumer().Run)
	h.eventually(2, "journal")
	h.eventually(1, "dead_letters")
	stop()

	// when the topic is deleted, recreated, and written to beyond where that was
	h.recreate(addresses, 1)
	h.produce(addresses, h.encoded(things(5)...)...)
	consumer := h.consumer()
	run(t, consumer.Run)

	// then it is not received, and the service says why
	eventually(t, says(consumer, "created again after offset 2"))
	h.eventually(2, "journal")

	// and it is received from its beginning on once somebody has accepted the loss, all of it
	h.accept()
	h.eventually(7, "journal")
	eventually(t, func() bool { return consumer.Healthy() == nil })
	h.eventually(1, `dead_letters where "offset" < 0`)
}

func TestDeadLettersOfMessagesThatAreGoneDoNotHideWhatIsThereNow(t *testing.T) {
	t.Parallel()
	for name, now := range map[string]func(h *harness) kafkago.Message{
		"a good one":   func(h *harness) kafkago.Message { return h.encoded(newEvent("1", 3))[0] },
		"a poison one": func(h *harness) kafkago.Message { return h.encoded(poison("3"))[0] },
		"no event":     func(*harness) kafkago.Message { return kafkago.Message{Key: []byte("4"), Value: []byte("?")} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given a service that has received three messages, and set the last two aside
			addresses := brokers(t)
			h := newHarness(t, addresses, 1)
			stays := poison("2")
			malformed := kafkago.Message{Key: []byte("4"), Value: []byte("!")}
			h.produce(addresses, append(h.encoded(newEvent("1", 1), stays, poison("2")), malformed)...)
			stop := run(t, h.consumer().Run)
			h.eventually(3, "dead_letters")
			h.eventually(1, "consumer_positions where next = 4")
			stop()

			// when the partition is cut short, and other messages come in the place of the last two
			h.recreate(addresses, 1)
			_, err := h.db.Pool().Exec(t.Context(), "update consumer_positions set topic_id = null") // as if it were the same topic
			require.NoError(t, err)
			h.produce(addresses, h.encoded(newEvent("1", 1), stays)...)
			consumer := h.consumer()
			run(t, consumer.Run)
			eventually(t, says(consumer, "it was cut short"))
			h.produce(addresses, now(h), h.encoded(newEvent("1", 4))[0])
			h.accept()

			// then they are received, and what is still there is known
			h.eventually(1, "journal where \"offset\" = 3")
			h.eventually(2, `dead_letters where "offset" < 0 and error like '%where another message is now)'`)
			h.eventually(1, `dead_letters where "offset" = 1`)
			h.eventually(1, `(select "offset" from journal union select "offset" from dead_letters) t where "offset" = 2`)
		})
	}
}

// poison is an event whose data cannot be used.
func poison(key string) event.Event {
	e := newEvent(key, 1)
	e.Data = []byte(`{"n":"x"}`)
	return e
}

func TestATopicThatIsRecreatedUnderAConsumerIsNotReceivedFromTheMiddle(t *testing.T) {
	t.Parallel()
	// given a service that receives two topics
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	second := h.another("/here")
	second.topic += "-second"
	require.NoError(t, h.client.CreateTopics(t.Context(), kafka.TopicConfig{Name: second.topic, Partitions: 1}))
	recording := h.recording()
	recording.Topics = append(recording.Topics, second.recording().Topics...)
	consumer := kafka.NewConsumer(kafka.ConsumerConfig{Config: recording, Client: h.client, Group: h.group})
	run(t, consumer.Run)
	h.produce(addresses, h.encoded(things(2)...)...)
	h.eventually(2, "journal")

	// when one of them is recreated
	h.recreate(addresses, 1)
	h.produce(addresses, h.encoded(things(1)...)...)

	// then that one is not received any more, and the other one goes on
	eventually(t, says(consumer, "created again after offset 1"))
	second.produce(addresses, second.encoded(newEvent("3", 1))...)
	h.eventually(1, "journal where stream = 'thing-3'")
	h.eventually(3, "journal")
	h.accept()
	h.eventually(4, "journal")
}

func TestWhatRetentionCutsOffUnreceivedIsNotPassedOver(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	h.produce(addresses, h.encoded(things(1)...)...)
	stop := run(t, h.consumer().Run)
	h.eventually(1, "journal")
	stop()

	// when messages are gone before they are received
	h.produce(addresses, h.encoded(things(5)...)...)
	h.cutOff(addresses, 4)
	consumer := h.consumer()
	run(t, consumer.Run)

	eventually(t, says(consumer, "offsets 1 to 3 were cut off"))
	h.eventually(1, "journal")
	h.accept()
	h.eventually(3, "journal")
}

func TestAnEmptyDatabaseDoesNotPassOverWhatWasCutOff(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	h.produce(addresses, h.encoded(things(3)...)...)
	h.cutOff(addresses, 2)
	consumer := h.consumer()
	run(t, consumer.Run)
	eventually(t, says(consumer, "it begins at offset 2"))
	h.accept()
	h.eventually(1, "journal")
}
