package kafka_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/operator"
)

// produceTo writes a message to a partition, wherever its key belongs.
func (h *harness) produceTo(addresses []string, partition int, m kafkago.Message) {
	h.tb.Helper()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafkago.Writer{
		Addr: kafkago.TCP(addresses...), RequiredAcks: kafkago.RequireAll, BatchTimeout: 1, Transport: transport,
		Balancer: kafkago.BalancerFunc(func(kafkago.Message, ...int) int { return partition }),
	}
	m.Topic = h.topic
	require.NoError(h.tb, w.WriteMessages(h.tb.Context(), m))
	require.NoError(h.tb, w.Close())
}

// refusals are the events refused, by reason.
func refusals(tb testing.TB, registry *prometheus.Registry) map[string]float64 {
	tb.Helper()
	gathered, err := registry.Gather()
	require.NoError(tb, err)
	reasons := map[string]float64{}
	for _, family := range gathered {
		if family.GetName() == "refused_events_total" {
			for _, m := range family.Metric {
				reasons[m.Label[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return reasons
}

func TestWhatItsSenderMustNotWriteIsRefusedAndNothingWaits(t *testing.T) {
	t.Parallel()
	// given a service whose journal cannot be rebuilt, with an event received
	addresses := brokers(t)
	h := newHarness(t, addresses, 3)
	r := h.recording()
	r.Primary = true
	consumer, registry := kafka.NewConsumer(kafka.ConsumerConfig{Config: r, Client: h.client, Group: h.group}), prometheus.NewRegistry()
	registry.MustRegister(consumer.Collectors()...)
	run(t, consumer.Run)
	run(t, h.relay().Run)
	known := newEvent("1", 1)
	known.Data = json.RawMessage(`{"size": 1.50, "n": 1}`)
	h.produce(addresses, h.encoded(known)...)
	h.eventually(1, "journal")

	// when there come: a wrong writer, with data that cannot be used either, a wrong partition, one of our own
	// that we lack, a known id with other data
	forged, elsewhere, lost := newEvent("1", 2), newEvent("1", 3), newEvent("1", 4)
	forged.Type, lost.Source = "thing_owned", "/here"
	forged.Data = json.RawMessage(`{"colour":1}`)
	changed, same := known, known
	changed.Data = json.RawMessage(`{"n":1,"size":1.51}`)
	same.Data = json.RawMessage(`{"n":1,"size":15e-1}`) // as jsonb sees it, and is a redelivery
	first := h.encoded(known)[0]
	tp := kafkago.Murmur2Balancer{}.Balance(first, 0, 1, 2)
	h.produceTo(addresses, (tp+1)%3, h.encoded(elsewhere)[0])
	h.produce(addresses, h.encoded(forged, lost, changed, same)...)
	// and then good ones of the same keys
	owned := newEvent("1", 5)
	owned.Type, owned.Source = "thing_owned", "/owner"
	h.produce(addresses, h.encoded(owned, newEvent("2", 6))...)

	// then the good ones are recorded, the others are told once each, and no key is quarantined
	h.eventually(3, "journal where log > 0")
	require.Equal(t, []int{1, 5}, h.ns("1"))
	require.Equal(t, []int{6}, h.ns("2"))
	h.eventually(4, "dead_letters where kind = 'refused' and state = 'waiting'")
	h.eventually(4, "dead_letters where noticed_at is not null")
	h.eventually(4, "dead_letters")
	h.eventually(0, "quarantined_keys")
	eventually(t, func() bool { return outcomes(t, registry)["redelivered"] == 1 })
	require.Equal(t, map[string]float64{"writer": 1, "partition": 1, "missing": 1, "changed": 1}, refusals(t, registry))
	require.EqualValues(t, 4, outcomes(t, registry)["refused"])
	h.eventually(1, `journal where event_id = $1 and data = '{"n":1,"size":1.5}'`, known.ID) // what was first counts

	// and replaying one refuses it again, by the same rules
	deadLetters := inbox.NewDeadLetterStore(r)
	list, err := deadLetters.List(t.Context(), 10)
	require.NoError(t, err)
	for _, l := range list {
		_, err := deadLetters.Replay(t.Context(), l.ID)
		require.ErrorIs(t, err, inbox.ErrDisallowed, l.Error)
	}
	h.eventually(4, "dead_letters where kind = 'refused' and state = 'waiting' and attempts = 2")
	_, err = deadLetters.Discard(t.Context(), list[0].ID)
	require.NoError(t, err)
}

func TestNobodyCanTakeAnIDFromTheEventThatItBelongsTo(t *testing.T) {
	t.Parallel()
	// given two events of one writer, one of them still on its way back, and copies of their ids with other
	// keys, received first
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	r := h.recording()
	r.Primary = true
	ours, theirs := newEvent("ours", 1), newEvent("theirs", 1)
	ours.Source, ours.ID = "/here", event.NewID()
	squat := func(e event.Event, subject string) event.Event {
		e.Type, e.Source, e.Subject, e.Data = "thing_exploded", "/evil", subject, json.RawMessage(`{"boom":true}`)
		return e
	}
	h.append(ours)
	own := squat(ours, "a")
	own.Source = "/here" // it even says that we wrote it
	h.produce(addresses, h.encoded(squat(ours, "b"), own, squat(theirs, "c"))...)
	stop := run(t, kafka.NewConsumer(kafka.ConsumerConfig{Config: r, Client: h.client, Group: h.group}).Run)
	h.eventually(2, "journal where source = '/evil'")

	// when the events come themselves, and again
	h.produce(addresses, h.encoded(ours, theirs, ours, theirs, squat(ours, "b"), newEvent("last", 1))...)
	h.eventually(1, "journal where subject = 'last'")

	// then each is in its stream once, with its id
	for subject, id := range map[string]uuid.UUID{"ours": ours.ID, "theirs": theirs.ID, "b": ours.ID, "c": theirs.ID} {
		s, err := h.journal.Read(t.Context(), "thing-"+subject)
		require.NoError(t, err)
		require.Len(t, s.Records, 1, subject)
		require.Equal(t, id, s.Records[0].ID, subject)
		require.EqualValues(t, 1, s.Records[0].Log, subject)
	}
	h.eventually(1, "dead_letters")
	h.eventually(1, "dead_letters where key = 'a' and kind = 'refused'") // which the journal lacks, whatever else has its id
	stop()

	// and a core that looks for what it lacks is not told that it has it
	missing, err := r.Missing(t.Context(), []inbox.OwnEvent{{ID: ours.ID, Type: "thing_happened", Stream: "thing-ours"}, {ID: ours.ID, Stream: "thing-x"}})
	require.NoError(t, err)
	require.Len(t, missing, 1)
	require.Equal(t, "thing-x", missing[0].Stream)
}

func TestAnUnknownTypeWithAnAbsurdTimeHoldsNothingUp(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	run(t, h.consumer().Run)
	e := newEvent("1", 1)
	e.Type, e.Time = "thing_exploded", time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)

	h.produce(addresses, h.encoded(e, newEvent("1", 2))...)

	h.eventually(1, "dead_letters where kind = 'refused'")
	h.eventually(1, "journal")
	require.Equal(t, []int{2}, h.ns("1"))
	h.eventually(0, "quarantined_keys")
}

func TestARefusedEventIsRecordedWhenTodaysRulesTakeIt(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	run(t, h.consumer().Run)
	e := newEvent("1", 1)
	e.Type = "thing_owned"
	h.produce(addresses, h.encoded(e, newEvent("1", 2))...)
	h.eventually(1, "journal")
	h.eventually(1, "dead_letters where kind = 'refused'")
	r := h.recording()
	r.Topics[0].Writer = nil

	settled, err := inbox.NewDeadLetterStore(r).Replay(t.Context(), 1)

	require.NoError(t, err)
	require.Equal(t, 1, settled)
	require.Equal(t, []int{2, 1}, h.ns("1")) // after what its key has had since
}

// Many were refused for one cause, such as a key that came late. They are replayed at once, each key's in the
// topic's order; what was refused before then, and what is refused still, stays.
func TestAllThatWasRefusedIsReplayedInTheOrderOfEachKey(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	run(t, h.consumer().Run)
	refused := func(key string, n int) event.Event {
		e := newEvent(key, n)
		e.Type = "thing_owned"
		return e
	}
	h.produce(addresses, h.encoded(refused("1", 1))...)
	h.eventually(1, "dead_letters where kind = 'refused'")
	var since time.Time
	require.NoError(t, h.db.Pool().QueryRow(t.Context(), "select clock_timestamp()").Scan(&since))
	still := refused("2", 6)
	still.Source = "/elsewhere"
	others := make([]event.Event, 6)
	for n := range others {
		others[n] = still
		others[n].ID = event.NewID()
	}
	foreign := kafka.Encode(h.topic, refused("2", 7))
	require.NoError(t, kafka.Sign(&foreign, h.keys.Signer("/evil")))
	h.produce(addresses, append(h.encoded(append([]event.Event{refused("1", 2), refused("2", 3), refused("1", 4), refused("2", 5)}, others...)...), foreign)...)
	h.eventually(12, "dead_letters where kind = 'refused'")
	r := h.recording()
	r.Topics[0].Writer = func(string) string { return refused("1", 1).Source }
	command := operator.DeadLettersCommand(func(context.Context) (*inbox.DeadLetterStore, func(), error) {
		return inbox.NewDeadLetterStore(r), func() {}, nil
	})
	var out strings.Builder
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetArgs([]string{"replay", "--refused", "--since", since.Format(time.RFC3339Nano)})

	err := command.ExecuteContext(t.Context())

	// and those that stay are summed up by reason
	require.ErrorContains(t, err, "\n6 refused (unsigned): 6, 7, 8, 9, 10 ...; dead letter 6 failed again and waits: ")
	require.ErrorContains(t, err, "\n1 refused (key): 12; dead letter 12 failed again and waits: it is signed with key ")
	require.Equal(t, 2, strings.Count(err.Error(), "failed again"))
	require.Contains(t, out.String(), "dead letters replayed: 4")
	require.Equal(t, []int{2, 4}, h.ns("1"))
	require.Equal(t, []int{3, 5}, h.ns("2"))
	h.eventually(8, "dead_letters where kind = 'refused' and state = 'waiting'")
	for args, want := range map[string]string{
		"replay --refused --all": "none of the others", "replay --refused 1": "no id", "replay --since 2026-01-01T00:00:00Z 1": "--refused",
		"replay --refused --since yesterday": "invalid time format",
	} {
		command.SetArgs(strings.Fields(args))
		require.ErrorContains(t, command.ExecuteContext(t.Context()), want, args)
	}
}

func TestDataThatCannotBeUsedQuarantinesItsKeyAndIsReplayedAtItsPlace(t *testing.T) {
	t.Parallel()
	// given a consumer that does not know a member yet, and a clock that is wrong
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	stop := run(t, h.consumer().Run)
	newer, early, late := newEvent("1", 2), newEvent("2", 1), newEvent("3", 1)
	newer.Data = json.RawMessage(`{"n":2,"colour":"red"}`)
	early.Time = time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
	m := h.encoded(newEvent("1", 1), newer, newEvent("1", 3), early, late, newEvent("good", 1))
	m[4] = kafka.Encode(h.topic, late)
	*header(&m[4], "ce_time") = []byte("9999-12-31T23:59:59-23:59") // the year 10000
	h.keys.Sign(&m[4])

	// when
	h.produce(addresses, m...)

	// then what cannot be used holds its key
	h.eventually(1, "journal where subject = 'good'")
	require.Equal(t, []int{1}, h.ns("1"))
	h.eventually(3, "dead_letters where kind = 'poison'")
	h.eventually(1, "dead_letters where kind = 'parked'")
	stop()

	// and the next version records it at its place, and what waited behind it
	r := h.recording()
	r.Topics[0].Check = nil
	settled, err := inbox.NewDeadLetterStore(r).ReplayAll(t.Context())
	require.Equal(t, 2, settled)
	require.ErrorContains(t, err, "a day from now")
	require.Equal(t, []int{1, 2, 3}, h.ns("1"))
	h.eventually(2, "quarantined_keys")
}
