package faults

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/schema"
)

// fuzzer makes messages that anybody could send: events of every type, as they should be and changed in every
// way. The same seed makes the same ones.
type fuzzer struct {
	rand     *rand.Rand
	keys     *kafkatest.Keys // of the services: the worst of all senders
	subjects []string
	sent     []string // ids
	begun    time.Time
}

// perSubject is about how many messages are about one subject: a payment has no thousands of events.
const perSubject = 25

// inCatalog is how many subjects may become products and customers: people still find theirs among them,
// without a search.
const inCatalog = 60

func newFuzzer(seed uint64, n int, keys *kafkatest.Keys, subjects ...string) *fuzzer {
	f := &fuzzer{keys: keys, rand: rand.New(rand.NewPCG(seed, seed)), subjects: subjects, begun: time.Now()}
	for range n/perSubject + 10 {
		f.subjects = append(f.subjects, f.uuid())
	}
	return f
}

func (f *fuzzer) uuid() string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(f.rand.UintN(256))
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

func of[T any](f *fuzzer, choices []T) T { return choices[f.rand.IntN(len(choices))] }

// some returns some subjects of messages, the given ones among them.
func (f *fuzzer) some(n int) []string { return f.subjects[:min(n, len(f.subjects))] }

type fuzzedTopic struct {
	name       string
	partitions int
	types      []schema.Type
}

// fuzzedTopics are the topics of messages, the catalog less often.
var fuzzedTopics = []fuzzedTopic{
	{payment.Topic, payment.Partitions, payment.Types()}, {order.Topic, order.Partitions, order.Types()},
	{payment.Topic, payment.Partitions, payment.Types()}, {order.Topic, order.Partitions, order.Types()},
	{payment.Topic, payment.Partitions, payment.Types()}, {order.Topic, order.Partitions, order.Types()},
	{payment.Topic, payment.Partitions, payment.Types()}, {order.Topic, order.Partitions, order.Types()},
	{catalog.Topic, catalog.Partitions, catalog.Types()},
}

// mutant is a message before it is sent.
type mutant struct {
	topic     fuzzedTopic
	key       []byte
	partition int // -1 for the key's
	headers   []kafkago.Header
	data      string
}

func (m *mutant) set(name, value string) {
	for i := range m.headers {
		if m.headers[i].Key == name {
			m.headers[i].Value = []byte(value)
			return
		}
	}
	m.headers = append(m.headers, kafkago.Header{Key: name, Value: []byte(value)})
}

// subjectMembers finds the member of the data that repeats the subject, by topic.
var subjectMembers = map[string]*regexp.Regexp{
	payment.Topic: regexp.MustCompile(`"(payment_id)"\s*:\s*"[^"]*"`),
	order.Topic:   regexp.MustCompile(`"(order_id)"\s*:\s*"[^"]*"`),
	catalog.Topic: regexp.MustCompile(`"(product_id|customer_id)"\s*:\s*"[^"]*"`),
}

// next returns one more message. About a third are as they should be.
func (f *fuzzer) next() kafkago.Message {
	topic := of(f, fuzzedTopics)
	typ, subject := of(f, topic.types), of(f, f.subjects)
	if topic.name == catalog.Topic {
		subject = of(f, f.some(inCatalog))
	}
	m := &mutant{topic: topic, key: []byte(subject), partition: -1}
	m.data = subjectMembers[topic.name].ReplaceAllString(string(typ.Example), `"$1":"`+subject+`"`)
	id := f.uuid()
	f.sent = append(f.sent, id)
	for _, header := range [][2]string{
		{"ce_specversion", "1.0"}, {"ce_id", id}, {"ce_type", typ.Name}, {"ce_source", typ.Writer}, {"ce_subject", subject},
		{"ce_time", f.begun.Add(time.Duration(f.rand.IntN(1000)) * time.Millisecond).UTC().Format(time.RFC3339Nano)},
		{"ce_dataschema", schema.URI(typ.Name)}, {"ce_correlationid", f.uuid()}, {"ce_causationid", f.uuid()},
		{"ce_actor", of(f, []string{"ada-nowak", "mia-weber", ""})}, {"ce_actorname", "Somebody"}, {"content-type", "application/json"},
	} {
		m.set(header[0], header[1])
	}
	if topic.name != payment.Topic {
		m.set("ce_sequence", fmt.Sprint(1+f.rand.IntN(5)))
	}
	for range of(f, []int{0, 0, 1, 1, 1, 2}) {
		of(f, mutations)(f, m)
	}
	if m.partition %= m.topic.partitions; m.partition < 0 {
		m.partition = kafkago.Murmur2Balancer{}.Balance(kafkago.Message{Key: m.key}, upTo(topic.partitions)...)
	}
	message := kafkago.Message{Topic: m.topic.name, Key: m.key, Value: []byte(m.data), Headers: m.headers, WriterData: m.partition}
	if f.rand.IntN(20) > 0 {
		f.keys.Sign(&message)
	}
	if f.rand.IntN(20) == 0 {
		tamper(f, &message)
	}
	return message
}

func upTo(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	return ids
}

var (
	texts = []string{
		"", " ", "\x00", "\xff\xfe", "\u202eevil", "\u2028", "\u200b", "é\u0301\u0301", "🏗️", "<script>alert(1)</script>", "'; drop table journal; --",
		"{{.}}", "\x1b[2J", "=cmd|' /C calc'!A0", strings.Repeat("x", 199), strings.Repeat("ü", 300), strings.Repeat("y", 3_000), "null", "-1", "../../etc",
		"/contractor-ui", "/manager-ui", "/payments-core", "/ordering-core", "payment_exploded", "payment_accepted", "order_paid", "product_added",
	}
	times = []string{
		"9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "1970-01-01T00:00:00Z",
		"2000-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-06-30T23:59:60Z", "yesterday", "2016-01-01T00:00:00.999999999999Z",
	}
	sources   = []string{"/contractor-ui", "/manager-ui", "/payments-core", "/ordering-core", "/evil", "evil"}
	sequences = []string{"0", "-1", "1", "2", "9223372036854775807", "9223372036854775808", "1e3", "x", " 1"}
	values    = []string{ // instead of a value in the data
		"-1", "0", "-0", "1e200000", "1e-200000", "1e999", "1E400", "0.1", "1.00", "9223372036854775807", "9223372036854775808", "99999999999999999999999999", "1e2",
		"null", "true", `""`, `" "`, `"\u0000"`, `"\ud800"`, `"\ud83d\ude00"`, "\"\xff\"", `"\u202e"`, `"EUR"`, `"XXX"`, `"JPY"`, `"9999-12-31T23:59:59-23:59"`,
		`"` + strings.Repeat("z", 5_000) + `"`, "[]", "{}", "[1]", `{"a":1e200000}`, strings.Repeat("[", 600) + strings.Repeat("]", 600), "1,", "}",
	}
	added = []string{ // one more member
		`"a":1e200000`, `"a":1`, `"colour":"red"`, `"a":null`, `"a":{"b":{"a":1e900}}`, `"":""`, `"amount":1`, `"amount":{"amount":1,"currency":"EUR"}`,
		`"\u0000":1`, `"a":"\u0000"`, `"big":[` + strings.Repeat("1e999,", 3_000) + `1]`, `"deep":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000),
	}
	token = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?|true|false|null`)
)

// mutations change a message, each in one of the ways in which one can be wrong.
var mutations = []func(*fuzzer, *mutant){
	func(f *fuzzer, m *mutant) { m.set("ce_type", of(f, texts)) },
	func(f *fuzzer, m *mutant) { m.set("ce_type", of(f, of(f, fuzzedTopics).types).Name) },
	func(f *fuzzer, m *mutant) { m.set("ce_source", of(f, sources)) },
	func(f *fuzzer, m *mutant) { m.set("ce_source", of(f, texts)) },
	func(f *fuzzer, m *mutant) { // of an unknown type, and from anybody
		m.set("ce_type", "payment_exploded")
		m.set("ce_source", of(f, sources))
	},
	func(f *fuzzer, m *mutant) { m.set("ce_time", of(f, times)) },
	func(f *fuzzer, m *mutant) { m.set("ce_time", of(f, times)) },
	func(f *fuzzer, m *mutant) { m.set("ce_sequence", of(f, sequences)) },
	func(f *fuzzer, m *mutant) { m.set("ce_id", of(f, f.sent)) },
	func(f *fuzzer, m *mutant) { m.set("ce_id", of(f, append([]string{uuid.Nil.String()}, texts...))) },
	func(f *fuzzer, m *mutant) {
		m.set(of(f, []string{"ce_actor", "ce_actorname", "ce_correlationid", "ce_causationid", "ce_dataschema", "traceparent"}), of(f, texts))
	},
	func(f *fuzzer, m *mutant) { m.set("ce_actor", of(f, []string{"ada-nowak", "mia-weber"})) },
	func(f *fuzzer, m *mutant) { m.partition = f.rand.IntN(m.topic.partitions) },
	func(f *fuzzer, m *mutant) { m.key = []byte(of(f, texts)) },
	func(f *fuzzer, m *mutant) { // another subject, which the key agrees with
		subject := of(f, texts)
		m.key = []byte(subject)
		m.set("ce_subject", subject)
	},
	func(f *fuzzer, m *mutant) { m.key = nil },
	func(f *fuzzer, m *mutant) {
		m.topic = of(f, fuzzedTopics)
		m.partition = f.rand.IntN(m.topic.partitions)
	},
	func(f *fuzzer, m *mutant) { // a header less, twice, or many more
		at := f.rand.IntN(len(m.headers))
		switch f.rand.IntN(3) {
		case 0:
			m.headers = append(m.headers[:at], m.headers[at+1:]...)
		case 1:
			m.headers = append(m.headers, m.headers[at])
		default:
			for n := range 50 {
				m.headers = append(m.headers, kafkago.Header{Key: fmt.Sprint("x-", n), Value: []byte(of(f, texts))})
			}
		}
	},
	func(f *fuzzer, m *mutant) { m.set(of(f, []string{"ce_specversion", "content-type"}), of(f, texts)) },
	changeValue, changeValue, changeValue,
	func(f *fuzzer, m *mutant) { m.data = strings.Replace(m.data, "{", "{"+of(f, added)+",", 1) },
	func(f *fuzzer, m *mutant) { m.data = m.data[:f.rand.IntN(len(m.data)+1)] },
	func(f *fuzzer, m *mutant) { m.data = of(f, values) },
}

// tamper changes what may have been signed: a bit of a header or of the data, or the signature's place.
func tamper(f *fuzzer, m *kafkago.Message) {
	if at := f.rand.IntN(len(m.Headers) + 1); at < len(m.Headers) && len(m.Headers[at].Value) > 0 {
		value := slices.Clone(m.Headers[at].Value)
		value[f.rand.IntN(len(value))] ^= 1 << f.rand.IntN(8)
		m.Headers[at].Value = value
	} else if len(m.Value) > 0 {
		m.Value[f.rand.IntN(len(m.Value))] ^= 1 << f.rand.IntN(8)
	}
}

// changeValue puts something else for one string or number of the data, a member's name perhaps.
func changeValue(f *fuzzer, m *mutant) {
	tokens := token.FindAllStringIndex(m.data, -1)
	if len(tokens) == 0 {
		return
	}
	at := of(f, tokens)
	m.data = m.data[:at[0]] + of(f, values) + m.data[at[1]:]
}
