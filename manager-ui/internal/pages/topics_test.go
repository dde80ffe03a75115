package pages_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/manager-ui/internal/pages"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
)

// kafkaAt is a client of the broker at an address.
func kafkaAt(tb testing.TB, address string) *kafka.Client {
	tb.Helper()
	client := kafka.Open("test", connection.Plaintext(strings.TrimPrefix(address, "http://")))
	tb.Cleanup(client.Close)
	return client
}

// withTopic is a site whose Kafka has the topic payments, of one partition with these messages.
func withTopic(t *testing.T, messages ...kafkago.Message) *testSite {
	t.Helper()
	broker, err := embedded.Kafka("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	client := kafkaAt(t, broker.Addr())
	if err := client.CreateTopics(t.Context(), kafka.TopicConfig{Name: payment.Topic, Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	writer := &kafkago.Writer{Addr: kafkago.TCP(broker.Addr()), RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond, BatchBytes: 2 << 20}
	defer writer.Close()
	for _, m := range messages {
		m.Topic = payment.Topic
		if err := writer.WriteMessages(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return openWith(t, nowhere, func(o *pages.Options) { o.Kafka = client })
}

func TestTopicsAreLookedInto(t *testing.T) {
	// given a topic with an event, bytes that are no text, and one that is large and looks like HTML
	first := requested(ada, 125000, "Kitchen tiles", 0)
	first.ActorName = "Ada Nowak"
	o := withTopic(t, kafka.Encode(payment.Topic, first),
		kafkago.Message{Key: []byte{0xff, 1}, Value: []byte{0, 0xfe, 7}},
		kafkago.Message{Key: []byte("k"), Value: []byte("<script>" + strings.Repeat("x", 900<<10)), Headers: []kafkago.Header{{Key: "ce_type", Value: []byte("<b>bold</b>")}}})
	iris, omar := o.manager("iris-hahn"), o.manager("omar-reyes")

	// then the list, the topic and its messages are shown
	iris.get("/topics").is(http.StatusOK, `href="/topics/payments"`, "payments")
	iris.get("/topics/payments").is(http.StatusOK, "Partition 0", "No consumer group has committed anything of this topic.")
	list := iris.get("/topics/payments/0").is(http.StatusOK, "payment_requested", "0xff01", "&lt;b&gt;bold&lt;/b&gt;", "contractor-ui")
	if strings.Contains(list.text, "<b>bold</b>") {
		t.Error("a header is written as HTML")
	}

	// and a message by itself, with personal fields for auditors alone
	iris.get("/topics/payments/0/0").is(http.StatusOK, "A contractor asks to be paid.", "Kitchen tiles", "ce_type", first.Subject)
	if masked := omar.get("/topics/payments/0/0").is(http.StatusOK, "Personal fields are masked", "125000"); strings.Contains(masked.text, "Kitchen tiles") {
		t.Error("an operator sees a personal field")
	}
	omar.get("/topics/payments/0/0/data").is(http.StatusOK, "125000")
	iris.get("/topics/payments/0/1").is(http.StatusOK, "00 fe 07")
	iris.get("/topics/payments/0/2").is(http.StatusOK, "These are the first", "&lt;script&gt;")
	if got := iris.get("/topics/payments/0/2/data"); len(got.text) != 900<<10+len("<script>") {
		t.Errorf("the download has %d bytes", len(got.text))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.sessions.KeepSecurityLog(ended) // it stores what waits
	iris.get("/security?tab=acts").is(http.StatusOK, "Looked into a message", "topic=payments partition=0 offset=2 as=file")

	// and they are found by offset, time, key and words, but for words that somebody may not see
	for address, want := range map[string]string{
		"offset=1":             "0xff01",
		"key=" + first.Subject: "payment_requested",
		"text=kitchen":         "payment_requested",
		"text=KITCHEN+TILES":   "3 messages were looked through: from offset 0 to 2.",
		"text=nothing+of+it":   "No message is like that",
		"at=2000-01-01":        "payment_requested",
		"at=2999-01-01":        "No message here",
		"offset=3":             "No message here",
	} {
		iris.get("/topics/payments/0?"+address).is(http.StatusOK, want)
	}
	omar.get("/topics/payments/0?text=kitchen").is(http.StatusOK, "No message is like that")
	_ = o.sessions.KeepSecurityLog(ended)
	iris.get("/security?tab=acts").is(http.StatusOK, "Looked for words in messages", "topic=payments partition=0")

	// and what is wrong is said
	for address, status := range map[string]int{
		"/topics/payments/0?offset=4": 422, "/topics/payments/0?offset=-1": 422, "/topics/payments/0?offset=99999999999999999999": 422,
		"/topics/payments/0?at=yesterday": 422, "/topics/payments/1": 404, "/topics/payments/x": 404, "/topics/payments/0/3": 404,
		"/topics/payments/0/-1": 404, "/topics/payments/0/x": 404, "/topics/none": 404, "/topics/none/0": 404, "/topics/none/0/0": 404,
	} {
		iris.get(address).is(status)
	}
	o.manager("mia-weber").get("/topics").is(http.StatusForbidden)
}

func TestAnAbsentKafkaIsSaidOnEachPageOfTopics(t *testing.T) {
	o := open(t, nowhere)
	iris := o.manager("iris-hahn")
	for _, path := range []string{"/topics", "/topics/payments", "/topics/payments/0", "/topics/payments/0/7"} {
		iris.get(path).is(http.StatusOK, "Kafka does not answer.")
	}
	iris.get("/topics/payments/0/7/data").is(http.StatusServiceUnavailable)
	iris.get("/payments").is(http.StatusOK)
}

// What lacks an event's id is no event, and may hold what one of its type does.
func TestPersonalFieldsOfWhatIsNoEventAreMasked(t *testing.T) {
	e := requested(ada, 125000, "Kitchen tiles", 0)
	broken := kafka.Encode(payment.Topic, e)
	broken.Headers = slices.DeleteFunc(broken.Headers, func(h kafkago.Header) bool { return h.Key == "ce_id" })
	o := withTopic(t, broken)
	o.manager("iris-hahn").get("/topics/payments/0/0").is(http.StatusOK, "Kitchen tiles", "125000")
	o.manager("omar-reyes").get("/topics/payments/0/0").is(http.StatusOK, "Personal fields are masked", "125000").without("Kitchen tiles")
	o.manager("omar-reyes").get("/topics/payments/0?text=kitchen").is(http.StatusOK, "No message is like that")
}
