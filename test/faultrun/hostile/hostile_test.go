package hostile

import (
	"math/rand/v2"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/service/servicetest"
)

func TestEachMessageIsWhatItIsSentAs(t *testing.T) {
	broker, err := embedded.Kafka(t.TempDir(), servicetest.FreeAddr(t))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	client := kafka.Open("test", connection.Plaintext(broker.Addr()))
	t.Cleanup(client.Close)
	for _, topic := range topics {
		require.NoError(t, client.CreateTopics(t.Context(), kafka.TopicConfig{Name: topic.name, Partitions: topic.partitions}))
	}
	keys := kafkatest.NewKeys(t)
	m := New([]string{broker.Addr()}, keys, kafkatest.NewKeys(t))
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	const good = "0e0f2c5e-93a5-4ad0-a8a6-0e1a5b0b6c11"
	written := payment.New(payment.Writer(payment.TypeAccepted), good, payment.Accepted{})
	written.ID, written.Time, written.Meta = event.NewID(), time.Now(), event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}
	first := keys.Encode(payment.Topic, written)
	first.Partition = kafka.CloudEvents.Partition(first.Key, payment.Partitions)
	require.NoError(t, m.send(t.Context(), first))

	for n := range 10 {
		for _, f := range m.Faults(nil) {
			_, err := f.Break(t.Context(), rand.New(rand.NewPCG(uint64(n), 0)))
			require.NoError(t, err, f.Kind)
		}
	}

	verifier, kinds, doubled := kafka.Verifier{Keys: keys.Trust()}, map[string]int{}, 0
	for partition := range payment.Partitions {
		for _, message := range all(t, broker.Addr(), partition) {
			sent, marked := m.sent[markOf(message)]
			if !marked {
				require.Equal(t, first.Value, message.Value)
				doubled++
				continue
			}
			require.True(t, sent.served)
			kind := judge(message, verifier)
			require.Contains(t, sent.kinds, kind, "%s %s", message.Headers, message.Value)
			kinds[kind]++
		}
	}
	require.GreaterOrEqual(t, doubled, 1+10)
	require.Equal(t, map[string]int{"malformed": 10, "refused": 10, "poison": 10, "parked": 10}, kinds)
}

// judge says as what a service sets a message apart.
func judge(message kafkago.Message, verifier kafka.Verifier) string {
	e, err := kafka.Decode(message)
	if err != nil {
		return string(inbox.Malformed)
	}
	headers := make([]inbox.Header, len(message.Headers))
	for i, h := range message.Headers {
		headers[i] = inbox.Header(h)
	}
	own := inbox.Message{Topic: message.Topic, Partition: message.Partition, Offset: message.Offset, Key: message.Key, Value: message.Value, Headers: headers, Time: message.Time}
	switch verdict := verifier.Verify([]inbox.Message{own})[0]; {
	case verdict.Err != nil:
		return string(inbox.Disallowed)
	case payment.Events.Check(e) != nil || e.Time.Year() < 2000:
		return string(inbox.Poison)
	}
	return string(inbox.Parked)
}

func all(t *testing.T, broker string, partition int) (found []kafkago.Message) {
	t.Helper()
	ends, err := (&kafkago.Client{Addr: kafkago.TCP(broker)}).ListOffsets(t.Context(),
		&kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{payment.Topic: {kafkago.LastOffsetOf(partition)}}})
	require.NoError(t, err)
	end := ends.Topics[payment.Topic][0].LastOffset
	r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{broker}, Topic: payment.Topic, Partition: partition, MaxWait: 50 * time.Millisecond})
	defer func() { require.NoError(t, r.Close()) }()
	for int64(len(found)) < end {
		message, err := r.ReadMessage(t.Context())
		require.NoError(t, err)
		found = append(found, message)
	}
	return found
}
