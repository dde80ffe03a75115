package kafka

import (
	"net"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka/connection"
)

func TestRightsFollowFromWhatAServiceDeclares(t *testing.T) {
	// given a broker that denies what is not allowed
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	scram := func(user string) kfake.Opt { return kfake.User("SCRAM-SHA-512", user, "password") }
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }),
		kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-512", "admin", "password"), scram("shop"), scram(OwnerUser), scram(ReaderUser))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	as := func(user string) *Client {
		client := Open("test", connection.Settings{KafkaBrokers: []string{listener.Addr().String()}, KafkaSASL: connection.ScramSHA512,
			KafkaUsername: user, KafkaPassword: "password"})
		t.Cleanup(client.Close)
		return client
	}
	received, published := []event.Topic{{Name: "payments"}}, []event.Topic{{Name: "orders"}}
	rights := Rights("shop", received, published)

	// then nobody may do anything before it is allowed
	require.ErrorContains(t, as(OwnerUser).CreateTopics(t.Context(), DeadLettersConfig()), "run migrate as "+OwnerUser)
	require.ErrorIs(t, as("shop").Grant(t.Context(), rights), kafkago.ClusterAuthorizationFailed)

	// and what is allowed is enough, and no more
	require.NoError(t, as("admin").Grant(t.Context(), rights))
	require.NoError(t, as(OwnerUser).CreateTopics(t.Context(), DeadLettersConfig(), TopicConfig{Name: "payments", Partitions: 2}))
	require.NoError(t, as("admin").CreateTopics(t.Context(), TopicConfig{Name: "orders", Partitions: 2}))
	for _, tc := range []struct {
		user, topic string
		operation   kafkago.ACLOperationType
		may         bool
	}{
		{"shop", "payments", kafkago.ACLOperationTypeRead, true},
		{"shop", "payments", kafkago.ACLOperationTypeWrite, false},
		{"shop", "orders", kafkago.ACLOperationTypeWrite, true},
		{"shop", "orders", kafkago.ACLOperationTypeRead, false},
		{"shop", DeadLettersTopic, kafkago.ACLOperationTypeWrite, true},
		{"shop", DeadLettersTopic, kafkago.ACLOperationTypeRead, false},
		{"shop", "payments", kafkago.ACLOperationTypeDelete, false},
		{OwnerUser, "payments", kafkago.ACLOperationTypeRead, false},
		{OwnerUser, "payments", kafkago.ACLOperationTypeDelete, false},
		{ReaderUser, "payments", kafkago.ACLOperationTypeRead, true},
		{ReaderUser, "payments", kafkago.ACLOperationTypeWrite, false},
	} {
		err := as(tc.user).checkTopics(t.Context(), tc.operation, tc.topic)
		require.Equal(t, tc.may, err == nil, "%s, %s of %s: %v", tc.user, tc.operation, tc.topic, err)
		require.Equal(t, !tc.may, denied(err), "%v", err)
	}
	_, err = as("shop").Offsets(t.Context(), "shop", "payments")
	require.NoError(t, err)
	_, err = as("shop").Offsets(t.Context(), "another", "payments")
	require.True(t, denied(err), "%v", err)
}

func TestRightsAreCommandsOfKafkasOwnTool(t *testing.T) {
	rights := Rights("shop", []event.Topic{{Name: "payments"}, {Name: "orders"}}, nil)
	require.Equal(t, `kafka-acls.sh --bootstrap-server "$KAFKA_BROKERS" --command-config "$KAFKA_ADMIN" --add --allow-principal User:shop --operation Read --topic payments --topic orders`,
		rights[0].Command())
	require.Contains(t, rights[2].Command(), "User:shop --operation Read --group shop")
	require.Contains(t, rights[3].Command(), "User:countersign-owner --operation Create --operation Describe --topic payments --topic orders --topic dead-letters")
}

// Some brokers, such as those of other makers, do not say what a user may do.
func TestABrokerThatDoesNotSayWhatAUserMayDoDeniesNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	cluster.ControlKey(int16(kmsg.Metadata), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		answer := request.ResponseKind().(*kmsg.MetadataResponse)
		for _, asked := range request.(*kmsg.MetadataRequest).Topics {
			topic := kmsg.NewMetadataResponseTopic() // what it may do is not given
			topic.Topic, topic.Partitions = asked.Topic, []kmsg.MetadataResponseTopicPartition{kmsg.NewMetadataResponseTopicPartition()}
			answer.Topics = append(answer.Topics, topic)
		}
		return answer, nil, true
	})
	client := Open("test", connection.Plaintext(listener.Addr().String()))
	t.Cleanup(client.Close)

	require.NoError(t, client.checkTopics(t.Context(), kafkago.ACLOperationTypeRead, "payments"))
}

func TestEachThingThatIsDeniedIsSaidOnceAMinute(t *testing.T) {
	var r reports
	first, second := &connection.Error{Broker: "one:9092", Hint: "wrong"}, &connection.Error{Broker: "two:9092", Hint: "wrong"}
	said := 0
	for range 5 { // the brokers are tried in turn
		for _, err := range []error{first, second, net.ErrClosed} {
			if r.worth(err) {
				said++
			}
		}
	}
	require.Equal(t, 2, said)
	require.True(t, r.over())
	require.True(t, r.worth(second))
}
