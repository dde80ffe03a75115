package faults

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/service/servicetest"
	"countersign.example/test/testsystem"
)

// One Kafka serves all of these, since its start is what takes time.
func TestKafkaWithUsers(t *testing.T) {
	k := startSecured(t)
	t.Run("a wrong connection is refused with words", func(t *testing.T) { wrongConnections(t, k) })
	t.Run("without a right nothing is created", func(t *testing.T) {
		for _, user := range []string{"contractor-ui", kafka.OwnerUser} {
			err := migrateTopics(t, k.as(user))
			require.ErrorContains(t, err, "this user may not create it; run migrate as countersign-owner")
		}
	})
	k.allow(t)
	sys := testsystem.NewSecured(t, k.as)
	p := signInBoth(t, sys)
	t.Run("the least rights are enough", func(t *testing.T) { leastRights(t, k, sys, p) })
	t.Run("everything else is denied", func(t *testing.T) { elseDenied(t, k) })
	t.Run("certificates and PLAIN name the same users", func(t *testing.T) { otherWays(t, k) })
	t.Run("a right that is taken away is missed until it is back", func(t *testing.T) { takenAway(t, k, sys, p) })
	t.Run("a password is changed under a running service", func(t *testing.T) { otherPassword(t, k, sys, p) })
}

func migrateTopics(t *testing.T, s connection.Settings) error {
	t.Helper()
	client := kafka.Open("test", s)
	defer client.Close()
	watch := servicetest.StartStopwatch(t)
	err := client.CreateTopics(t.Context(), kafka.DeadLettersConfig())
	require.Less(t, watch.Took(), 10*time.Second, "it is said at once")
	return err
}

func wrongConnections(t *testing.T, k *securedKafka) {
	plaintext, err := embedded.Kafka("", "")
	require.NoError(t, err)
	defer plaintext.Close()
	wrong := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(wrong, []byte("wrong"), 0o600))
	change := func(s connection.Settings, change func(*connection.Settings)) connection.Settings {
		change(&s)
		return s
	}
	elsewhere := alias(t, k.addr)
	for name, tc := range map[string]struct {
		settings connection.Settings
		want     string
	}{
		"a wrong password":            {change(k.as("contractor-ui"), func(s *connection.Settings) { s.KafkaPasswordFile = wrong }), `it does not know "contractor-ui" by this password: look at KAFKA_USERNAME and KAFKA_PASSWORD`},
		"a wrong password, as it is":  {change(k.byPlain("contractor-ui"), func(s *connection.Settings) { s.KafkaPasswordFile = wrong }), `it does not know "contractor-ui" by this password`},
		"nobody of that name":         {change(k.as("contractor-ui"), func(s *connection.Settings) { s.KafkaUsername = "eve" }), `it does not know "eve" by this password`},
		"an authority unknown here":   {change(k.as("contractor-ui"), func(s *connection.Settings) { s.KafkaCAFile = "" }), "name the authority's certificate in KAFKA_CA_FILE"},
		"another host's certificate":  {change(k.as("contractor-ui"), func(s *connection.Settings) { s.KafkaBrokers = []string{elsewhere} }), "its certificate is for localhost, 127.0.0.1, and not for 127.0.0.2"},
		"plaintext to TLS":            {connection.Plaintext(k.addr), "set KAFKA_TLS=true"},
		"plaintext to TLS, signed in": {change(k.as("contractor-ui"), func(s *connection.Settings) { s.KafkaTLS, s.KafkaCAFile = false, "" }), "set KAFKA_TLS=true"},
		"TLS and no user":             {change(k.byCertificate("contractor-ui"), func(s *connection.Settings) { s.KafkaBrokers = []string{k.addr} }), "set KAFKA_SASL"},
		"no certificate":              {change(k.byCertificate("contractor-ui"), func(s *connection.Settings) { s.KafkaCertFile, s.KafkaKeyFile = "", "" }), "set KAFKA_CERT_FILE and KAFKA_KEY_FILE"},
		"a user where none signs in":  {change(k.as("contractor-ui"), func(s *connection.Settings) { s.KafkaBrokers = []string{k.mtls} }), "set KAFKA_CERT_FILE and KAFKA_KEY_FILE"},
		"both where one is enough": {change(k.byCertificate("contractor-ui"), func(s *connection.Settings) {
			s.KafkaSASL, s.KafkaUsername, s.KafkaPassword = connection.ScramSHA512, "u", "p"
		}), "nobody signs in at this port"},
	} {
		t.Run(name, func(t *testing.T) {
			client := kafka.Open("test", tc.settings)
			defer client.Close()
			watch := servicetest.StartStopwatch(t)
			_, err := client.ClusterID(t.Context())
			require.ErrorContains(t, err, tc.want)
			require.Less(t, watch.Took(), 6*time.Second)
			if _, refused := errors.AsType[*connection.Error](err); refused {
				require.ErrorContains(t, migrateTopics(t, tc.settings), tc.want)
			}
		})
	}
}

func leastRights(t *testing.T, k *securedKafka, sys *testsystem.System, p people) {
	id, err := p.request(t.Context(), "12.00", "signed in")
	require.NoError(t, err)
	require.NoError(t, p.accept(t.Context(), id))
	sys.Settle(t)
	sys.CheckInvariants(t)

	for service, commands := range map[string][][]string{
		testsystem.Core:       {{"reconcile"}, {"accept-loss"}, {"dead-letters", "list"}},
		testsystem.Ordering:   {{"accept-loss"}, {"dead-letters", "list"}},
		testsystem.Contractor: {{"accept-loss"}, {"dead-letters", "list"}, {"rebuild"}},
		testsystem.Manager:    {{"accept-loss"}, {"dead-letters", "list"}, {"rebuild"}},
	} {
		for _, command := range commands {
			sys.Run(service, command...)
		}
	}
	said := k.goRun(t, kafka.ReaderUser, nil, "kafka/inspect", "topics")
	require.Regexp(t, `contractor-ui +payments `, said)
	said = k.goRun(t, kafka.ReaderUser, sys.Keys.Environment("manager-ui"), "countersign", "verify", "--topics")
	require.Contains(t, said, "payments: ")
	k.goRun(t, kafka.ReaderUser, nil, "keys", "cutoff", t.TempDir())
}

var allTopics = []string{"payments", "orders", "catalog", "people", kafka.DeadLettersTopic}

// may is what the users may do, and nothing else.
var may = map[string]struct{ read, write []string }{
	"contractor-ui":  {read: allTopics[:4], write: []string{"payments", "people", kafka.DeadLettersTopic}},
	"manager-ui":     {read: allTopics[:4], write: []string{"payments", "people", kafka.DeadLettersTopic}},
	"payments-core":  {read: []string{"payments", "orders"}, write: []string{"payments", kafka.DeadLettersTopic}},
	"ordering-core":  {read: []string{"payments", "orders", "catalog"}, write: []string{"orders", "catalog", kafka.DeadLettersTopic}},
	kafka.OwnerUser:  {},
	kafka.ReaderUser: {read: allTopics},
}

func elseDenied(t *testing.T, k *securedKafka) {
	for user, of := range may {
		c := client(t, k.as(user))
		for _, topic := range allTopics {
			if !slices.Contains(of.write, topic) {
				require.ErrorIs(t, write(t, c, topic), kafkago.TopicAuthorizationFailed, "%s writes to %s", user, topic)
			}
			if !slices.Contains(of.read, topic) {
				require.ErrorIs(t, read(t, c, topic), kafkago.TopicAuthorizationFailed, "%s reads %s", user, topic)
			} else {
				require.NoError(t, read(t, c, topic), "%s reads %s", user, topic)
			}
			deleted, err := c.DeleteTopics(t.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{topic}})
			require.NoError(t, err)
			require.ErrorIs(t, deleted.Errors[topic], kafkago.TopicAuthorizationFailed, "%s deletes %s", user, topic)
		}
		created, err := c.CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{Topic: "mine", NumPartitions: 1, ReplicationFactor: 1}}})
		require.NoError(t, err)
		require.ErrorIs(t, created.Errors["mine"], kafkago.TopicAuthorizationFailed, "%s creates a topic", user)
		allowed, err := c.CreateACLs(t.Context(), &kafkago.CreateACLsRequest{ACLs: []kafkago.ACLEntry{{ResourceType: kafkago.ResourceTypeTopic, ResourceName: "orders",
			ResourcePatternType: kafkago.PatternTypeLiteral, Principal: "User:" + user, Host: "*", Operation: kafkago.ACLOperationTypeAll, PermissionType: kafkago.ACLPermissionTypeAllow}}})
		require.NoError(t, err)
		require.ErrorIs(t, errors.Join(allowed.Errors...), kafkago.ClusterAuthorizationFailed, "%s allows itself more", user)
		if user != "manager-ui" && user != kafka.ReaderUser {
			offsets, err := c.OffsetFetch(t.Context(), &kafkago.OffsetFetchRequest{GroupID: "manager-ui", Topics: map[string][]int{"payments": {0}}})
			require.NoError(t, err)
			require.ErrorIs(t, offsets.Error, kafkago.GroupAuthorizationFailed, "%s looks at manager-ui's group", user)
		}
	}
}

func write(t *testing.T, c *kafkago.Client, topic string) error {
	t.Helper()
	answer, err := c.Produce(t.Context(), &kafkago.ProduceRequest{Topic: topic, Partition: 0, RequiredAcks: kafkago.RequireAll,
		Records: kafkago.NewRecordReader(kafkago.Record{Value: kafkago.NewBytes([]byte("x"))})})
	if err == nil {
		err = answer.Error
	}
	return hidden(err)
}

func read(t *testing.T, c *kafkago.Client, topic string) error {
	t.Helper()
	answer, err := c.Fetch(t.Context(), &kafkago.FetchRequest{Topic: topic, Partition: 0, Offset: 0, MinBytes: 1, MaxBytes: 1 << 10, MaxWait: 10 * time.Millisecond})
	if err == nil {
		err = answer.Error
	}
	return hidden(err)
}

// hidden is the refusal of a topic that the user may not even see: kafka-go then knows no broker to ask.
func hidden(err error) error {
	if err != nil && (strings.Contains(err.Error(), "topic not found") || errors.Is(err, kafkago.UnknownTopicOrPartition)) {
		return kafkago.TopicAuthorizationFailed
	}
	return err
}

func otherWays(t *testing.T, k *securedKafka) {
	for name, s := range map[string]func(string) connection.Settings{"mTLS": k.byCertificate, "PLAIN": k.byPlain} {
		t.Run(name, func(t *testing.T) {
			reader := kafka.Open("test", s(kafka.ReaderUser))
			defer reader.Close()
			found := 0
			require.NoError(t, reader.History(t.Context(), "payments", func(event.Event) error { found++; return nil }))
			require.Positive(t, found)
			require.ErrorIs(t, write(t, client(t, s("manager-ui")), "orders"), kafkago.TopicAuthorizationFailed)
		})
	}
}

func takenAway(t *testing.T, k *securedKafka, sys *testsystem.System, p people) {
	// when contractor-ui may not write
	k.deny(t, "contractor-ui", kafkago.ResourceTypeTopic, "payments", kafkago.ACLOperationTypeWrite)
	id, err := p.request(t.Context(), "13.00", "waits in the outbox")
	require.NoError(t, err)
	missed(t, sys, testsystem.Contractor, "publish", refusal(kafkago.ACLOperationTypeWrite, "payments"))
	k.allow(t)
	require.NoError(t, p.accept(t.Context(), id))
	back(t, sys, testsystem.Contractor)

	// when manager-ui may not read
	k.deny(t, "manager-ui", kafkago.ResourceTypeTopic, "payments", kafkago.ACLOperationTypeRead)
	id, err = p.request(t.Context(), "14.00", "waits on the topic")
	require.NoError(t, err)
	missed(t, sys, testsystem.Manager, "receive", refusal(kafkago.ACLOperationTypeRead, "payments"))
	k.allow(t)
	require.NoError(t, p.accept(t.Context(), id))
	back(t, sys, testsystem.Manager)

	// when payments-core may not be in its group
	k.deny(t, "payments-core", kafkago.ResourceTypeGroup, "payments-core", kafkago.ACLOperationTypeRead)
	missed(t, sys, testsystem.Core, "receive", "Group Authorization Failed")
	k.allow(t)
	back(t, sys, testsystem.Core)
	sys.Settle(t)
	sys.CheckInvariants(t)
}

// missed waits until a service says in its log, to operators and in a metric what it may not do.
func missed(t *testing.T, sys *testsystem.System, service, to, what string) {
	t.Helper()
	testsystem.Eventually(t, service+" says what it may not do", func() error {
		return errors.Join(says(get(t, sys.AdminURL(service)+"/readyz"), what), says(sys.Log(service), what),
			says(get(t, sys.AdminURL(service)+"/metrics"), `kafka_denied{service="`+service+`",to="`+to+`"} 1`))
	})
}

func back(t *testing.T, sys *testsystem.System, service string) {
	t.Helper()
	testsystem.Eventually(t, service+" goes on", func() error {
		metrics := get(t, sys.AdminURL(service)+"/metrics")
		return errors.Join(says(get(t, sys.URL(service)+"/readyz"), "ready"),
			says(metrics, `kafka_denied{service="`+service+`",to="publish"} 0`), says(metrics, `kafka_denied{service="`+service+`",to="receive"} 0`))
	})
}

func says(text, what string) error {
	if strings.Contains(text, what) {
		return nil
	}
	return errors.New(what + " is not in " + text[max(0, len(text)-2000):])
}

func get(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func otherPassword(t *testing.T, k *securedKafka, sys *testsystem.System, p people) {
	// given a service that starts with a password that is not the user's
	as := k.as("contractor-ui")
	right, err := os.ReadFile(as.KafkaPasswordFile)
	require.NoError(t, err)
	as.KafkaPasswordFile = filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(as.KafkaPasswordFile, []byte("not yet"), 0o600))
	sys.SetKafkaUser(testsystem.Contractor, as)
	require.NoError(t, sys.Stop(testsystem.Contractor))
	sys.Start(testsystem.Contractor)
	sys.WaitReady(testsystem.Contractor)
	missed(t, sys, testsystem.Contractor, "receive", "by this password: look at KAFKA_USERNAME and KAFKA_PASSWORD")
	id, err := p.request(t.Context(), "15.00", "waits for a password")
	require.NoError(t, err)

	// when the file has it
	require.NoError(t, os.WriteFile(as.KafkaPasswordFile, right, 0o600))

	// then it goes on by itself
	require.NoError(t, p.accept(t.Context(), id))
	back(t, sys, testsystem.Contractor)
	sys.Settle(t)
	sys.CheckInvariants(t)
}
