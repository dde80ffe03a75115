package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/evidence"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/signing"
)

func newEvent(source, subject, typ, data string) event.Event {
	return event.Event{ID: event.NewID(), Type: typ, Source: source, Subject: subject, Time: time.Now().UTC(), DataSchema: "urn:" + typ,
		Meta: event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}, Data: json.RawMessage(data)}
}

// run returns the exit code, and what was said.
func run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := execute(t.Context(), args, &out, &out)
	return code, out.String()
}

func requireSaid(t *testing.T, wanted, code int, out string, words ...string) {
	t.Helper()
	if code != wanted {
		t.Errorf("exit code %d, not %d", code, wanted)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("nothing is said of %q", w)
		}
	}
	if t.Failed() {
		t.Fatal(out)
	}
}

// bundleOf are messages as a bundle in a file.
func bundleOf(t *testing.T, keys *kafkatest.Keys, subject string, messages ...kafkago.Message) string {
	t.Helper()
	b := evidence.Bundle{Format: evidence.Format, Subject: subject}
	if err := signing.ChangeTrust(keys.Dir, func(trust *signing.Trust) { b.Keys = trust.Keys }); err != nil {
		t.Fatal(err)
	}
	for i, m := range messages {
		e := evidence.Event{Number: i + 1, Topic: payment.Topic, Offset: int64(i), Attributes: map[string]string{}, Data: string(m.Value)}
		for _, h := range m.Headers {
			if name, is := strings.CutPrefix(h.Key, "ce_"); is {
				e.Attributes[name] = string(h.Value)
			} else if h.Key == "content-type" {
				e.Attributes["datacontenttype"] = string(h.Value)
			}
		}
		b.Events = append(b.Events, e)
	}
	var content bytes.Buffer
	path := filepath.Join(t.TempDir(), "evidence.json")
	if err := evidence.Write(&content, b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestABundleIsVerifiedOffline(t *testing.T) {
	keys, others := kafkatest.NewKeys(t), kafkatest.NewKeys(t)
	id := uuid.NewString()
	asked := keys.Encode(payment.Topic, newEvent("/contractor-ui", id, payment.TypeRequested, `{"description": "Roof"}`))
	accepted := keys.Encode(payment.Topic, newEvent("/manager-ui", id, payment.TypeAccepted, `{}`))
	path := bundleOf(t, keys, id, asked, accepted)

	code, out := run(t, "verify", path)
	requireSaid(t, 0, code, out, "payment_accepted (event 2) is signed with key", "of /manager-ui, which says that Mia Weber (mia-weber) did it", "--keys FILE")
	code, out = run(t, "verify", "--keys", signing.TrustFile(keys.Dir), path)
	requireSaid(t, 0, code, out, "Only those have counted")
	code, out = run(t, "verify", "--keys", signing.TrustFile(others.Dir), path)
	requireSaid(t, 1, code, out, "event 1 of the bundle (payment_requested", "nobody here knows")

	// what contractor-ui signs is no acceptance, though its signature is right
	forged := newEvent("/contractor-ui", id, payment.TypeAccepted, `{}`)
	code, out = run(t, "verify", bundleOf(t, keys, id, asked, keys.Encode(payment.Topic, forged)))
	requireSaid(t, 1, code, out, "event 2 of the bundle (payment_accepted", "/contractor-ui has written it, and only /manager-ui may")

	for _, c := range []struct {
		words string
		args  []string
	}{
		{"no such file", []string{"verify", filepath.Join(t.TempDir(), "none.json")}},
		{"not a bundle", []string{"verify", signing.TrustFile(keys.Dir)}},
		{"is a directory", []string{"verify", t.TempDir()}},
		{"its keys cannot be used", []string{"verify", "--keys", path, path}},
		{"usage", []string{"verify"}}, {"usage", []string{"verify", "--topics", path}},
		{"unknown flag", []string{"verify", "--keyz"}}, {"unknown command", []string{"accept"}},
	} {
		code, out := run(t, c.args...)
		requireSaid(t, 2, code, out, c.words)
	}
}

func TestTheTopicsAreVerified(t *testing.T) {
	broker, err := embedded.Kafka("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	keys := kafkatest.NewKeys(t)
	client := kafka.Open("test", connection.Plaintext(broker.Addr()))
	t.Cleanup(client.Close)
	var topics []kafka.TopicConfig
	for _, topic := range read {
		topics = append(topics, kafka.TopicConfig{Name: topic.Name, Partitions: 1})
	}
	if err := client.CreateTopics(t.Context(), topics...); err != nil {
		t.Fatal(err)
	}
	writer := &kafkago.Writer{Addr: kafkago.TCP(broker.Addr()), RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond}
	t.Cleanup(func() { _ = writer.Close() })
	publish := func(messages ...kafkago.Message) {
		t.Helper()
		if err := writer.WriteMessages(t.Context(), messages...); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KAFKA_BROKERS", broker.Addr())
	t.Setenv("EVENT_VERIFY_KEYS_FILE", signing.TrustFile(keys.Dir))

	// given more events than are verified in one pass
	good := make([]kafkago.Message, 2*batchMessages+1)
	for i := range good {
		good[i] = keys.Encode(payment.Topic, newEvent("/contractor-ui", uuid.NewString(), payment.TypeRequested, `{}`))
	}
	publish(good...)
	code, out := run(t, "verify", "--topics")
	requireSaid(t, 0, code, out, "payments: 401 messages, 401 verified", "orders: 0 messages")

	// when there come one that was changed, one that its writer has not signed, and one that is no event
	changed := keys.Encode(payment.Topic, newEvent("/manager-ui", uuid.NewString(), payment.TypeAccepted, `{}`))
	changed.Value = []byte(`{"note":"\u001b[2J"}`)
	publish(changed, keys.Encode(payment.Topic, newEvent("/contractor-ui", uuid.NewString(), payment.TypeAccepted, `{}`)),
		kafkago.Message{Topic: payment.Topic, Value: []byte("\x1b[2J")})

	// then each is named, with its place
	code, out = run(t, "verify", "--topics")
	requireSaid(t, 1, code, out, "payments: 404 messages, 401 verified", "2 refused, 1 no events", "payments/0/401: \"payment_accepted\"", "they were changed",
		"payments/0/402", "only /manager-ui may write", "payments/0/403", "3 messages do not verify")
	if strings.Contains(out, "\x1b") {
		t.Error("a control sequence reached the terminal")
	}

	t.Setenv("EVENT_VERIFY_KEYS_FILE", filepath.Join(t.TempDir(), "none.json"))
	code, out = run(t, "verify", "--topics")
	requireSaid(t, 2, code, out, "none.json")
	t.Setenv("KAFKA_BROKERS", "")
	code, out = run(t, "verify", "--topics")
	requireSaid(t, 2, code, out, "KAFKA_BROKERS is empty")
}
