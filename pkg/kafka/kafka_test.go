package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// patience bounds every wait for something that must come.
const patience = 60 * time.Second

var errUnknownType = errors.New("unknown type")

// atOnce is how many tests run at once: they use a CPU for a tenth of their time.
const atOnce = "8"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// brokers returns a cluster to test with: the one at TEST_KAFKA_BROKERS, or one of our own.
func brokers(tb testing.TB) []string {
	tb.Helper()
	if addresses := os.Getenv("TEST_KAFKA_BROKERS"); addresses != "" {
		return strings.Split(addresses, ",")
	}
	broker, err := embedded.Kafka("", "")
	require.NoError(tb, err)
	tb.Cleanup(broker.Close)
	return []string{broker.Addr()}
}

// harness is a service for a test: a database with a journal, and a topic.
type harness struct {
	tb         testing.TB
	db         *pg.DB
	journal    *journal.Journal
	client     *kafka.Client
	keys       *kafkatest.Keys
	topic      string
	partitions int // of the topic
	group      string
	project    journal.Projector
}

// newHarness returns a service on a topic of its own with so many partitions.
func newHarness(tb testing.TB, addresses []string, partitions int) *harness {
	tb.Helper()
	name := "test-" + uuid.NewString()[:13]
	h := &harness{tb: tb, db: pgtest.New(tb, journal.Migrations, inbox.Migrations), topic: name, partitions: partitions, group: name}
	h.journal = journal.New(h.db, "/here")
	h.client = kafka.Open("test", connection.Plaintext(addresses...))
	h.keys = kafkatest.NewKeys(tb, "here", "there", "owner", "evil")
	tb.Cleanup(h.client.Close)
	err := h.client.CreateTopics(tb.Context(), kafka.TopicConfig{Name: name, Partitions: partitions}, kafka.DeadLettersConfig())
	require.NoError(tb, err)
	return h
}

// another returns a service with its own database on the same topic.
func (h *harness) another(source string) *harness {
	db := pgtest.New(h.tb, journal.Migrations, inbox.Migrations)
	return &harness{tb: h.tb, db: db, journal: journal.New(db, source), client: h.client, keys: h.keys, topic: h.topic, partitions: h.partitions, group: h.group + source}
}

func (h *harness) recording() inbox.Config {
	r := inbox.Config{
		DB: h.db, Format: kafka.CloudEvents, Verifier: kafka.Verifier{Keys: h.keys.Trust()}, Journal: h.journal, Log: slog.New(slog.DiscardHandler),
		Topics: []event.Topic{{
			Name: h.topic, Stream: func(e event.Event) string { return "thing-" + e.Subject }, Check: check, Unknown: errUnknownType,
			Partitions: h.partitions, Writer: writer,
		}},
	}
	if h.project != nil {
		r.Projectors = []journal.Projector{h.project}
	}
	return r
}

// writer is who writes what has an owner.
func writer(typ string) string {
	if typ == "thing_owned" {
		return "/owner"
	}
	return ""
}

// check takes {"n": 1}, and other keys only as "size".
func check(e event.Event) error {
	if e.Type != "thing_happened" && e.Type != "thing_owned" {
		return fmt.Errorf("%w: %s", errUnknownType, e.Type)
	}
	var body struct {
		N    int         `json:"n"`
		Size json.Number `json:"size"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(e.Data)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(&body)
}

func (h *harness) relay() *kafka.Relay {
	return kafka.NewRelay(kafka.RelayConfig{
		Client: h.client, DB: h.db, Journal: h.journal, Log: slog.New(slog.DiscardHandler),
		Topics: []event.Topic{{Name: h.topic, Prefixes: []string{"thing-"}}}, Signer: h.keys.Signer(h.journal.Source()),
	})
}

func (h *harness) consumer() *kafka.Consumer {
	return kafka.NewConsumer(kafka.ConsumerConfig{Config: h.recording(), Client: h.client, Group: h.group})
}

// run runs something until the test ends or stop is called; that it returns nil is checked.
func run(tb testing.TB, what func(ctx context.Context) error) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- what(ctx) }()
	stopped := false
	stop = func() {
		cancel()
		if !stopped {
			stopped = true
			require.NoError(tb, <-done)
		}
	}
	tb.Cleanup(stop)
	return stop
}

func newEvent(subject string, n int) event.Event {
	return event.Event{
		ID: event.NewID(), Type: "thing_happened", Source: "/there", Subject: subject, Time: time.Now().UTC().Truncate(time.Microsecond),
		Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n)),
	}
}

// append writes events in the service, in one transaction each.
func (h *harness) append(events ...event.Event) {
	h.tb.Helper()
	for _, e := range events {
		require.NoError(h.tb, h.db.InTx(h.tb.Context(), func(tx *pg.Tx) error {
			streams, err := h.journal.Load(h.tb.Context(), tx, "thing-"+e.Subject)
			if err != nil {
				return err
			}
			s := streams["thing-"+e.Subject]
			return h.journal.Append(h.tb.Context(), tx, &s, e)
		}))
	}
}

// eventually polls until so many rows fit.
func (h *harness) eventually(want int, query string, args ...any) {
	h.tb.Helper()
	var n int
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		require.NoError(h.tb, h.db.Pool().QueryRow(h.tb.Context(), "select count(*) from "+query, args...).Scan(&n))
		if n == want {
			return
		}
		pause(h.tb)
	}
	require.Equal(h.tb, want, n, query)
}

// pause is the time between two looks at something that is waited for.
func pause(tb testing.TB) {
	timer := time.NewTimer(10 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-tb.Context().Done():
	}
}

func TestAConsumerThatComesBeforeItsTopicReceives(t *testing.T) {
	t.Parallel()
	// given a consumer that waits, since its topic is not there
	addresses := brokers(t)
	h := newHarness(t, addresses, 3)
	h.topic += "-later"
	consumer := h.consumer()
	run(t, consumer.Run)
	eventually(t, func() bool {
		err := consumer.Healthy()
		return err != nil && strings.Contains(err.Error(), h.topic)
	})

	// when the topic is made, and written to
	require.NoError(t, h.client.CreateTopics(t.Context(), kafka.TopicConfig{Name: h.topic, Partitions: 3}))
	h.produce(addresses, h.encoded(newEvent("1", 1), newEvent("2", 1))...)

	// then it receives
	h.eventually(2, "journal")
	require.NoError(t, consumer.Healthy())
}

func TestAConsumerGoesOnWithATopicThatIsRecreated(t *testing.T) {
	t.Parallel()
	// given a consumer whose topic is deleted under it
	addresses := brokers(t)
	h := newHarness(t, addresses, 3)
	consumer := h.consumer()
	run(t, consumer.Run)
	eventually(t, func() bool { return consumer.Healthy() == nil })
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafkago.Client{Addr: kafkago.TCP(addresses...), Transport: transport}
	_, err := admin.DeleteTopics(t.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{h.topic}})
	require.NoError(t, err)
	eventually(t, func() bool { return consumer.Healthy() != nil })

	// when it is recreated, and written to
	require.NoError(t, h.client.CreateTopics(t.Context(), kafka.TopicConfig{Name: h.topic, Partitions: 3}))
	h.produce(addresses, h.encoded(newEvent("1", 1), newEvent("2", 1))...)

	// then it receives
	h.eventually(2, "journal")
	require.NoError(t, consumer.Healthy())
}

func TestAnEventReachesAnotherServiceAndComesBack(t *testing.T) {
	t.Parallel()
	here := newHarness(t, brokers(t), 3)
	there := here.another("/there")
	for _, h := range []*harness{here, there} {
		run(t, h.relay().Run)
		run(t, h.consumer().Run)
	}
	e := newEvent("1", 1)
	e.Meta = event.Meta{CorrelationID: "c", CausationID: "d", Actor: "mia", ActorName: "Mia Wëber", TraceParent: "00-1"}

	here.append(e, newEvent("2", 2))

	here.eventually(2, "journal where log = 1")
	there.eventually(2, "journal where log = 1")
	here.eventually(0, "outbox")
	s, err := there.journal.Read(t.Context(), "thing-1")
	require.NoError(t, err)
	e.Source = "/here"
	received := s.Records[0].Event
	require.JSONEq(t, string(e.Data), string(received.Data))
	received.Data = e.Data
	require.Equal(t, e, received)
}
