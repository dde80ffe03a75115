package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/operator"
	"countersign.example/pkg/pg"
)

// produce writes messages to the topic as anybody could.
func (h *harness) produce(addresses []string, messages ...kafkago.Message) {
	h.tb.Helper()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafkago.Writer{
		Addr: kafkago.TCP(addresses...), Balancer: kafkago.Murmur2Balancer{}, RequiredAcks: kafkago.RequireAll,
		BatchTimeout: 1, BatchBytes: 4 << 20, BatchSize: 1000, Transport: transport,
	}
	for i := range messages {
		messages[i].Topic = h.topic
	}
	require.NoError(h.tb, w.WriteMessages(h.tb.Context(), messages...))
	require.NoError(h.tb, w.Close())
}

func (h *harness) encoded(events ...event.Event) []kafkago.Message {
	messages := make([]kafkago.Message, len(events))
	for i, e := range events {
		messages[i] = h.keys.Encode(h.topic, e)
	}
	return messages
}

// panicsOn is a projector that panics at events of the subject until it is cured.
func panicsOn(subject string, cured *atomic.Bool) journal.Projector {
	return func(_ context.Context, _ *pg.Tx, streams []journal.Stream) error {
		for _, s := range streams {
			if s.ID == "thing-"+subject && !cured.Load() {
				panic("cannot stand " + subject)
			}
		}
		return nil
	}
}

// ns are the numbers in a stream's events, in fold order.
func (h *harness) ns(subject string) (ns []int) {
	h.tb.Helper()
	s, err := h.journal.Read(h.tb.Context(), "thing-"+subject)
	require.NoError(h.tb, err)
	for i, record := range s.Records {
		require.EqualValues(h.tb, i+1, record.Log)
		var body struct{ N int }
		require.NoError(h.tb, json.Unmarshal(record.Data, &body))
		ns = append(ns, body.N)
	}
	return ns
}

func TestAPoisonMessageQuarantinesItsKeyAndReplayHealsIt(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 3)
	var cured atomic.Bool
	h.project = panicsOn("bad", &cured)
	run(t, h.consumer().Run)
	run(t, h.relay().Run)

	var events []event.Event
	for n := 1; n <= 5; n++ {
		events = append(events, newEvent("good", n), newEvent("bad", n), newEvent("fine", n))
	}
	h.produce(addresses, h.encoded(events...)...)

	// The others go on, the key waits.
	h.eventually(10, "journal")
	h.eventually(5, "dead_letters")
	require.Equal(t, []int{1, 2, 3, 4, 5}, h.ns("good"))
	require.Empty(t, h.ns("bad"))
	deadLetters := inbox.NewDeadLetterStore(h.recording())
	list, err := deadLetters.List(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, list, 5)
	require.Equal(t, inbox.Poison, list[0].Kind)
	require.Contains(t, list[0].Error, "cannot stand bad")
	require.Equal(t, inbox.Parked, list[1].Kind)
	h.eventually(1, "dead_letters where noticed_at is not null")

	// Not out of order, and not before the cure.
	_, err = deadLetters.Replay(t.Context(), list[1].ID)
	require.ErrorContains(t, err, "waits behind dead letter")
	_, err = deadLetters.Replay(t.Context(), list[0].ID)
	var again *inbox.FailedAgainError
	require.ErrorAs(t, err, &again)
	h.eventually(1, "dead_letters where kind = 'poison' and attempts = 4")

	cured.Store(true)
	settled, err := deadLetters.Replay(t.Context(), list[0].ID)
	require.NoError(t, err)
	require.Equal(t, 5, settled)
	require.Equal(t, []int{1, 2, 3, 4, 5}, h.ns("bad"))
	h.eventually(0, "quarantined_keys")
	_, err = deadLetters.Replay(t.Context(), list[0].ID)
	require.ErrorIs(t, err, inbox.ErrNoDeadLetter)

	// The key is free.
	h.produce(addresses, h.encoded(newEvent("bad", 6))...)
	h.eventually(6, "journal where subject = 'bad'")
	h.eventually(0, "outbox")
}

func TestDiscardFreesTheKeyAndRedeliveryDoesNotBringItBack(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	poison := newEvent("bad", 1)
	poison.Data = json.RawMessage(`{"n":"one"}`)
	stop := run(t, h.consumer().Run)
	h.produce(addresses, h.encoded(poison, newEvent("bad", 2), newEvent("bad", 3))...)
	h.eventually(3, "dead_letters")
	deadLetters := inbox.NewDeadLetterStore(h.recording())
	list, err := deadLetters.List(t.Context(), 10)
	require.NoError(t, err)

	settled, err := deadLetters.Discard(t.Context(), list[0].ID)

	require.NoError(t, err)
	require.Equal(t, 2, settled)
	require.Equal(t, []int{2, 3}, h.ns("bad"))
	h.eventually(0, "quarantined_keys")

	// When another group of the same service receives everything again, nothing changes.
	stop()
	h.group += "-again"
	h.produce(addresses, h.encoded(newEvent("bad", 4))...)
	run(t, h.consumer().Run)
	h.eventually(3, "journal")
	require.Equal(t, []int{2, 3, 4}, h.ns("bad"))
	h.eventually(3, "dead_letters")
}

func TestAReplayThatFailsFurtherDownStopsThere(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	first, third := newEvent("bad", 1), newEvent("bad", 3)
	first.Data, third.Data = json.RawMessage(`{"n":"one"}`), json.RawMessage(`{"n":"three"}`)
	run(t, h.consumer().Run)
	h.produce(addresses, h.encoded(first, newEvent("bad", 2), third, newEvent("bad", 4))...)
	h.eventually(4, "dead_letters")
	deadLetters := inbox.NewDeadLetterStore(h.recording())
	list, err := deadLetters.List(t.Context(), 10)
	require.NoError(t, err)

	settled, err := deadLetters.Discard(t.Context(), list[0].ID)

	var again *inbox.FailedAgainError
	require.ErrorAs(t, err, &again)
	require.Equal(t, list[2].ID, again.DeadLetter)
	require.Equal(t, 1, settled)
	h.eventually(1, "dead_letters where kind = 'poison' and state = 'waiting'")
	h.eventually(1, "quarantined_keys")
	settled, err = deadLetters.Discard(t.Context(), again.DeadLetter)
	require.NoError(t, err)
	require.Equal(t, 1, settled)
	require.Equal(t, []int{2, 4}, h.ns("bad"))
}

func TestAFirstBatchOfThreeHundredFailingStopsNobody(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	var tries atomic.Int64
	h.project = func(_ context.Context, _ *pg.Tx, streams []journal.Stream) error {
		for _, s := range streams {
			if s.ID == "thing-bad" {
				tries.Add(1)
				panic("no")
			}
		}
		return nil
	}
	var events []event.Event
	for n := range 300 {
		events = append(events, newEvent("bad", n))
	}
	h.produce(addresses, h.encoded(append(events, newEvent("good", 1))...)...)

	run(t, h.consumer().Run)

	h.eventually(1, "journal where subject = 'good'")
	h.eventually(300, "dead_letters")
	h.eventually(1, "dead_letters where kind = 'poison'")
	require.LessOrEqual(t, tries.Load(), int64(20))
}

// Far behind, a batch is recorded in several transactions at once.
func TestABacklogIsRecordedInTheOrderOfEachKeyAroundAPoisonOne(t *testing.T) {
	t.Parallel()
	const subjects, each = 40, 200
	addresses := brokers(t)
	h := newHarness(t, addresses, 3)
	var cured atomic.Bool
	h.project = panicsOn("subject-7", &cured)
	var events []event.Event
	for n := 1; n <= each; n++ {
		for subject := range subjects {
			events = append(events, newEvent(fmt.Sprintf("subject-%d", subject), n))
		}
	}
	h.produce(addresses, h.encoded(events...)...)
	want := make([]int, each)
	for i := range want {
		want[i] = i + 1
	}

	run(t, h.consumer().Run)

	h.eventually((subjects-1)*each, "journal")
	h.eventually(each, "dead_letters")
	for subject := range subjects {
		if name := fmt.Sprintf("subject-%d", subject); subject != 7 {
			require.Equal(t, want, h.ns(name), name)
		}
	}
	cured.Store(true)
	deadLetters := inbox.NewDeadLetterStore(h.recording())
	list, err := deadLetters.List(t.Context(), each)
	require.NoError(t, err)
	settled, err := deadLetters.Replay(t.Context(), list[0].ID)
	require.NoError(t, err)
	require.Equal(t, each, settled)
	require.Equal(t, want, h.ns("subject-7"))
}

func TestWhatIsRecordedOfABacklogIsNotRecordedAgain(t *testing.T) {
	t.Parallel()
	// given a backlog, and a failure that passes, late enough for a batch to be large
	const subjects, each = 40, 200
	addresses := brokers(t)
	h := newHarness(t, addresses, 3)
	var failures atomic.Int64
	h.project = func(_ context.Context, _ *pg.Tx, streams []journal.Stream) error {
		for _, s := range streams {
			if s.ID == "thing-subject-7" && s.Log > each/2 && failures.Add(1) <= 3 {
				return fmt.Errorf("connection lost: %w", io.ErrUnexpectedEOF)
			}
		}
		return nil
	}
	var events []event.Event
	for n := 1; n <= each; n++ {
		for subject := range subjects {
			events = append(events, newEvent(fmt.Sprintf("subject-%d", subject), n))
		}
	}
	h.produce(addresses, h.encoded(events...)...)
	consumer, registry := h.consumer(), prometheus.NewRegistry()
	registry.MustRegister(consumer.Collectors()...)

	run(t, consumer.Run)

	// then every message is recorded once, and none comes twice
	h.eventually(subjects*each, "journal")
	require.Greater(t, failures.Load(), int64(3))
	eventually(t, func() bool { return outcomes(t, registry)["recorded"] == subjects*each })
	require.Zero(t, outcomes(t, registry)["redelivered"])
}

// received are the messages by what became of them.
func outcomes(tb testing.TB, registry *prometheus.Registry) map[string]float64 {
	tb.Helper()
	gathered, err := registry.Gather()
	require.NoError(tb, err)
	outcomes := map[string]float64{}
	for _, family := range gathered {
		if family.GetName() != "received_total" {
			continue
		}
		for _, m := range family.Metric {
			outcomes[m.Label[0].GetValue()] = m.GetCounter().GetValue()
		}
	}
	return outcomes
}

func TestWhatIsNoEventIsSetAsideAlone(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	run(t, h.consumer().Run)
	run(t, h.relay().Run)
	message := func(change func(m *kafkago.Message, e *event.Event)) kafkago.Message {
		e := newEvent("1", 1)
		change(&kafkago.Message{}, &e)
		m := kafka.Encode(h.topic, e)
		change(&m, &e)
		return m
	}
	hostile := []kafkago.Message{
		{Value: []byte("hello")},
		{},
		{Key: []byte(strings.Repeat("k", 500_000)), Value: []byte("{}")},
		{Key: []byte("\x00\xff"), Value: []byte("\x00\xff"), Headers: []kafkago.Header{{Key: "ce_\xff\x00", Value: []byte("\xff\x00")}}},
		message(func(m *kafkago.Message, _ *event.Event) { m.Key = []byte("2") }),
		message(func(_ *kafkago.Message, e *event.Event) { e.Data = json.RawMessage(`{"n":1e200000}`) }),
		message(func(_ *kafkago.Message, e *event.Event) {
			e.Type, e.Data = "thing_unheard_of", json.RawMessage(`{"n":[`+strings.Repeat("1e999,", 20_000)+`1]}`)
		}),
		message(func(_ *kafkago.Message, e *event.Event) { e.ActorName = "\x00" }),
		message(func(_ *kafkago.Message, e *event.Event) { e.Subject = "\xff" }),
		message(func(_ *kafkago.Message, e *event.Event) { e.Subject = strings.Repeat("ü", 201) }),
		message(func(_ *kafkago.Message, e *event.Event) { e.ID = uuid.Nil }),
	}
	unknown := newEvent("1", 2)
	unknown.Type = "thing_unheard_of"
	h.produce(addresses, hostile...)
	h.produce(addresses, h.encoded(unknown, newEvent("1", 3))...)

	h.eventually(2, "journal where subject = '1'")
	require.Equal(t, []int{2, 3}, h.ns("1"))
	h.eventually(len(hostile), "dead_letters where kind = 'malformed'")
	h.eventually(len(hostile), "dead_letters where noticed_at is not null")
	h.eventually(0, "quarantined_keys")

	// A malformed one can be given up, and replaying it says what is wrong.
	deadLetters := inbox.NewDeadLetterStore(h.recording())
	list, err := deadLetters.List(t.Context(), 100)
	require.NoError(t, err)
	require.Equal(t, hostile[3].Key, list[3].Key)
	require.Equal(t, hostile[3].Value, list[3].Payload)
	_, err = deadLetters.Replay(t.Context(), list[0].ID)
	require.ErrorIs(t, err, kafka.ErrMalformed)
	_, err = deadLetters.Discard(t.Context(), list[0].ID)
	require.NoError(t, err)
	h.eventually(len(hostile)-1, "dead_letters where state = 'waiting'")
}

func TestTemporaryFailuresAreRepeatedAndMakeNoDeadLetter(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	var tries atomic.Int64
	h.project = func(context.Context, *pg.Tx, []journal.Stream) error {
		if n := tries.Add(1); n < 5 {
			return fmt.Errorf("try %d: %w", n, io.ErrUnexpectedEOF)
		}
		return nil
	}
	h.produce(addresses, h.encoded(newEvent("1", 1), newEvent("2", 1))...)

	run(t, h.consumer().Run)

	h.eventually(2, "journal")
	h.eventually(0, "dead_letters")
	require.EqualValues(t, 5, tries.Load())
}

func TestAConsumerThatCannotRecordSaysSo(t *testing.T) {
	t.Parallel()
	// given a consumer that receives and cannot record
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	away := &pgconn.PgError{Code: "57P03", Message: "the database system is starting up"}
	var cured atomic.Bool
	h.project = func(context.Context, *pg.Tx, []journal.Stream) error {
		if !cured.Load() {
			return away
		}
		return nil
	}
	h.produce(addresses, h.encoded(newEvent("1", 1))...)
	consumer := h.consumer()
	run(t, consumer.Run)
	eventually(t, func() bool { return errors.Is(consumer.Healthy(), away) })

	// when it can again
	cured.Store(true)

	// then it records, and is well
	h.eventually(1, "journal")
	eventually(t, func() bool { return consumer.Healthy() == nil })
}

func TestTheCommandListsReplaysAndDiscards(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	run(t, h.consumer().Run)
	h.produce(addresses, kafkago.Message{Key: []byte("\x1b[2J\x00"), Value: []byte("hello")})
	h.eventually(1, "dead_letters")
	execute := func(args ...string) (string, error) {
		command := operator.DeadLettersCommand(func(context.Context) (*inbox.DeadLetterStore, func(), error) {
			return inbox.NewDeadLetterStore(h.recording()), func() {}, nil
		})
		var out strings.Builder
		command.SetOut(&out)
		command.SetErr(&out)
		command.SetArgs(args)
		err := command.ExecuteContext(t.Context())
		return out.String(), err
	}

	out, err := execute("list")
	require.NoError(t, err)
	require.Contains(t, out, "malformed")
	require.NotContains(t, out, "\x1b", "a terminal must not obey a message")
	out, err = execute("replay", "1")
	require.ErrorIs(t, err, kafka.ErrMalformed)
	require.NotContains(t, out, "dead letters replayed")
	_, err = execute("discard", "one")
	require.ErrorContains(t, err, "not the id of a dead letter")
	_, err = execute("discard", "1")
	require.NoError(t, err)
	out, err = execute("list")
	require.NoError(t, err)
	require.Equal(t, "no dead letters wait\n", out)
}

func TestDiscardSucceedsWhereTheNextLetterFailsAgain(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	first, second := newEvent("bad", 1), newEvent("bad", 2)
	first.Data, second.Data = json.RawMessage(`{"n":"one"}`), json.RawMessage(`{"n":"two"}`)
	run(t, h.consumer().Run)
	h.produce(addresses, h.encoded(first, second)...)
	h.eventually(2, "dead_letters")
	command := operator.DeadLettersCommand(func(context.Context) (*inbox.DeadLetterStore, func(), error) {
		return inbox.NewDeadLetterStore(h.recording()), func() {}, nil
	})
	var out strings.Builder
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetArgs([]string{"discard", "1"})

	require.NoError(t, command.ExecuteContext(t.Context()))

	require.Contains(t, out.String(), "dead letter 1 is discarded\n")
	require.Contains(t, out.String(), "dead letter 2 failed again and keeps its key: ")
	h.eventually(1, "dead_letters where state = 'discarded' and id = 1")
	h.eventually(1, "dead_letters where state = 'waiting' and kind = 'poison' and id = 2")
	command.SetArgs([]string{"replay", "2"})
	var again *inbox.FailedAgainError
	require.ErrorAs(t, command.ExecuteContext(t.Context()), &again)
	for _, id := range []string{"-1", "0"} {
		command.SetArgs([]string{"replay", id})
		require.ErrorContains(t, command.ExecuteContext(t.Context()), "is a number, 1 or more")
	}
}
