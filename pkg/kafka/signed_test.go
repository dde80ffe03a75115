package kafka_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/signing"
)

// header is a message's header; it can be changed through it.
func header(m *kafkago.Message, name string) *[]byte {
	for i := range m.Headers {
		if m.Headers[i].Key == name {
			return &m.Headers[i].Value
		}
	}
	return nil
}

func without(m kafkago.Message, names ...string) kafkago.Message {
	m.Headers = slices.DeleteFunc(slices.Clone(m.Headers), func(h kafkago.Header) bool { return slices.Contains(names, h.Key) })
	return m
}

func TestOnlyWhatItsWriterHasSignedIsRecorded(t *testing.T) {
	t.Parallel()
	// given a service
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	consumer, registry := h.consumer(), prometheus.NewRegistry()
	registry.MustRegister(consumer.Collectors()...)
	run(t, consumer.Run)
	owned := newEvent("1", 1)
	owned.Type, owned.Source = "thing_owned", "/owner"
	good := h.encoded(owned)[0]

	// when there come an event that nobody signed, one that is signed and changed on its way, one that another
	// service has signed, one without its signature, one with another key of the topic, and then the good one,
	// twice
	next := func() event.Event { e := owned; e.ID = event.NewID(); return e }
	unsigned := kafka.Encode(h.topic, next())
	changed := h.encoded(next())[0]
	changed.Value = []byte(`{"n":9}`)
	actor := h.encoded(next())[0]
	actor.Headers = append(actor.Headers, kafkago.Header{Key: "ce_actor", Value: []byte("mia")})
	foreign := kafka.Encode(h.topic, next())
	require.NoError(t, kafka.Sign(&foreign, h.keys.Signer("/evil"))) // for another source
	stripped := without(h.encoded(next())[0], "ce_dssematerial", "ce_signedextattrs")
	rekeyed := h.encoded(next())[0]
	rekeyed.Key, *header(&rekeyed, "ce_subject") = []byte("2"), []byte("2")
	borrowed := h.encoded(next())[0]
	*header(&borrowed, "ce_dssematerial") = *header(&good, "ce_dssematerial") // of another event
	h.produce(addresses, unsigned, changed, actor, foreign, stripped, rekeyed, borrowed, good, good)

	// then the good one alone is recorded, once; the others are refused, with words, and nothing waits
	h.eventually(1, "journal")
	h.eventually(7, "dead_letters where kind = 'refused'")
	eventually(t, func() bool { return outcomes(t, registry)["redelivered"] == 1 })
	h.eventually(0, "quarantined_keys")
	require.Equal(t, map[string]float64{"unsigned": 2, "signature": 4, "key": 1}, refusals(t, registry))
	list, err := inbox.NewDeadLetterStore(h.recording()).List(t.Context(), 10)
	require.NoError(t, err)
	for i, words := range []string{"no signature", "were changed", "were changed", "of /evil, and says that /owner", "no signature", "were changed", "were changed"} {
		require.Contains(t, list[i].Error, words, i)
	}

	// and the signature is kept with the event
	h.eventually(1, "journal where length(signature) = 64 and key_id = $1 and signed_attributes = 'sequence,correlationid,causationid,actor,actorname'",
		keyOf(t, h, "/owner"))
}

func keyOf(t *testing.T, h *harness, source string) string {
	t.Helper()
	var id string
	require.NoError(t, signing.ChangeTrust(h.keys.Dir, func(trust *signing.Trust) {
		for _, k := range trust.Keys {
			if k.Source == source {
				id = k.ID
			}
		}
	}))
	return id
}

func TestAnOwnEventComesBackWithTheSignatureThatItsRelayMade(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	run(t, h.relay().Run)
	run(t, h.consumer().Run)

	h.append(newEvent("1", 1))

	h.eventually(1, "journal where log = 1 and source = '/here' and length(signature) = 64 and key_id = $1", keyOf(t, h, "/here"))
}

func TestAServiceTakesItsNextKeyWhileItRuns(t *testing.T) {
	t.Parallel()
	// given a service that writes, and one that receives
	here := newHarness(t, brokers(t), 1)
	there := here.another("/there")
	run(t, here.relay().Run)
	run(t, here.consumer().Run)
	run(t, there.consumer().Run)
	here.append(newEvent("1", 1))
	there.eventually(1, "journal")
	former := keyOf(t, here, "/here")

	// when its key is renewed
	made := here.keys.Renew("here")
	here.append(newEvent("1", 2))

	// then it signs with that, and both are believed
	there.eventually(1, "journal where key_id = $1", made.ID)
	there.eventually(1, "journal where key_id = $1", former)
	there.eventually(0, "dead_letters")
}

func TestNothingIsPublishedWithAKeyThatNobodyBelieves(t *testing.T) {
	t.Parallel()
	// given a relay whose key is withdrawn
	h := newHarness(t, brokers(t), 1)
	run(t, h.relay().Run)
	run(t, h.consumer().Run)
	trusted, err := os.ReadFile(signing.TrustFile(h.keys.Dir))
	require.NoError(t, err)
	require.NoError(t, signing.ChangeTrust(h.keys.Dir, func(trust *signing.Trust) { trust.Keys = trust.Keys[1:] }))
	h.append(newEvent("1", 1))
	require.ErrorContains(t, h.keys.Signer("/here").Healthy(), "nobody would believe it")
	h.eventually(1, "outbox")

	// when it counts again
	require.NoError(t, os.WriteFile(signing.TrustFile(h.keys.Dir), trusted, 0o600))

	// then what has waited is published
	h.eventually(1, "journal where log = 1")
	h.eventually(0, "outbox")
}

func TestOnlyOnesOwnKeyCanSayThatTheDatabaseIsNotTheOneItWas(t *testing.T) {
	t.Parallel()
	// given a core, and events that say to be its own: unsigned, signed by somebody else, and signed by it
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	unsigned, foreign := kafka.Encode(h.topic, ours("1", 1)), kafka.Encode(h.topic, ours("1", 2))
	require.NoError(t, kafka.Sign(&foreign, h.keys.Signer("/evil")))
	h.produce(addresses, unsigned, foreign)
	check := kafka.NewJournalCheck(h.core(), h.db)

	// then the former two do not keep it from serving, now or once they were refused
	require.NoError(t, check.Check(t.Context()))
	stop := run(t, kafka.NewConsumer(h.core()).Run)
	h.eventually(2, "dead_letters where kind = 'refused'")
	require.NoError(t, check.Check(t.Context()))
	stop()

	// and the latter does, until it is adopted, which takes nothing else
	h.produce(addresses, h.encoded(ours("1", 3))...)
	var missing *kafka.MissingError
	require.ErrorAs(t, check.Check(t.Context()), &missing)
	require.Equal(t, 1, missing.Events)
	require.Contains(t, adopt(t, h, false), "1 events of this service's own")
	require.NoError(t, check.Check(t.Context()))
	require.Equal(t, []int{3}, h.ns("1"))
}

func TestUnsignedEventsPassWhileTheyAreAccepted(t *testing.T) {
	t.Parallel()
	// given a service for which some writers do not sign yet
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	r := h.recording()
	r.Verifier = kafka.Verifier{Keys: h.keys.Trust(), AcceptUnsigned: true}
	consumer, registry := kafka.NewConsumer(kafka.ConsumerConfig{Config: r, Client: h.client, Group: h.group}), prometheus.NewRegistry()
	registry.MustRegister(consumer.Collectors()...)
	stop := run(t, consumer.Run)

	// when there come an unsigned event, twice, a signed one, and one that was changed
	unsigned, changed := kafka.Encode(h.topic, newEvent("1", 1)), h.encoded(newEvent("1", 2))[0]
	changed.Value = []byte(`{"n":9}`)
	h.produce(addresses, unsigned, unsigned, changed, h.encoded(newEvent("1", 3))[0])

	// then what is wrong is refused, and what is unsigned counted
	h.eventually(2, "journal")
	h.eventually(1, "dead_letters where kind = 'refused' and error like '%were changed%'")
	h.eventually(1, "journal where signature is null")
	eventually(t, func() bool { return counter(t, registry, "unsigned_events_total") == 1 })
	stop()

	// and a service that requires signatures takes it up to the cut-off only
	ends, err := h.client.Ends(t.Context(), h.topic, "no-such-topic")
	require.NoError(t, err)
	require.Equal(t, map[string]map[int]int64{h.topic: {0: 4}}, ends)
	require.NoError(t, signing.ChangeTrust(h.keys.Dir, func(trust *signing.Trust) { trust.UnsignedUntil = ends }))
	there := h.another("/there")
	run(t, there.consumer().Run)
	h.produce(addresses, kafka.Encode(h.topic, newEvent("1", 4)))
	there.eventually(2, "journal")
	there.eventually(1, "dead_letters where error like '%no signature%'")
}

func counter(tb testing.TB, registry *prometheus.Registry, name string) float64 {
	tb.Helper()
	gathered, err := registry.Gather()
	require.NoError(tb, err)
	for _, family := range gathered {
		if family.GetName() == name {
			return family.Metric[0].GetCounter().GetValue()
		}
	}
	require.NoError(tb, errors.New("no metric "+name))
	return 0
}

func TestARefusedEventIsRecordedOnceItsKeyIsKnown(t *testing.T) {
	t.Parallel()
	// given an event that came before its writer's new key
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	run(t, h.consumer().Run)
	trusted, err := os.ReadFile(signing.TrustFile(h.keys.Dir))
	require.NoError(t, err)
	h.keys.Renew("there")
	early := h.encoded(newEvent("1", 1))[0]
	renewed, err := os.ReadFile(signing.TrustFile(h.keys.Dir))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(signing.TrustFile(h.keys.Dir), trusted, 0o600))
	h.produce(addresses, early)
	h.eventually(1, "dead_letters where error like '%which nobody here knows%'")

	// when the key is there, and it is replayed
	require.NoError(t, os.WriteFile(signing.TrustFile(h.keys.Dir), renewed, 0o600))
	_, err = inbox.NewDeadLetterStore(h.recording()).Replay(t.Context(), 1)

	// then it is recorded, with its signature
	require.NoError(t, err)
	h.eventually(1, "journal where length(signature) = 64")
	require.True(t, strings.HasPrefix(string(*header(&early, "ce_source")), "/there"))
}
