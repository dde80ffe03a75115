package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
)

// Error codes of the protocol.
const (
	unknownTopic       = 3
	brokerNotAvailable = 8
)

func TestTopicsAreCreatedByBrokersThatAreJustStarting(t *testing.T) {
	t.Parallel()
	// given a broker that does not know itself yet, and then not the topic that it has just created
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	const name = "new"
	cluster.ControlKey(kmsg.CreateTopics.Int16(), func(request kmsg.Request) (kmsg.Response, error, bool) {
		response := request.ResponseKind().(*kmsg.CreateTopicsResponse)
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode = name, brokerNotAvailable
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
	cluster.ControlKey(kmsg.Metadata.Int16(), func(request kmsg.Request) (kmsg.Response, error, bool) {
		asked := request.(*kmsg.MetadataRequest).Topics
		if len(asked) != 1 || asked[0].Topic == nil || *asked[0].Topic != name {
			return nil, nil, false
		}
		response := request.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = kmsg.StringPtr(name), unknownTopic
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
	client := kafka.Open("test", connection.Plaintext(cluster.ListenAddrs()...))
	t.Cleanup(client.Close)

	// then the topic is created all the same
	require.NoError(t, client.CreateTopics(t.Context(), kafka.TopicConfig{Name: name, Partitions: 2}))
	partitions, err := client.Offsets(t.Context(), "", name)
	require.NoError(t, err)
	require.Len(t, partitions, 2)
}
