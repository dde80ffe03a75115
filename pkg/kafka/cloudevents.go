package kafka

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/inbox"
)

// Limits of what is accepted from a topic.
const (
	maxSubject   = 200     // characters
	maxAttribute = 2_000   // bytes, of every other attribute
	maxData      = 1 << 20 // bytes, also when every number is written out
	maxDigits    = 1_000   // of a number that is written out
	maxDepth     = 500     // of objects and arrays in each other
)

// ErrMalformed says that a message is not an event in the form that we speak.
var ErrMalformed = errors.New("malformed message")

const contentType = "application/json"

// Encode is the event as a Kafka message for topic: CloudEvents 1.0, Kafka binding, binary
// mode. The key is the subject, so that an aggregate's events stay in order.
//
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
func Encode(topic string, e event.Event) kafkago.Message {
	m := kafkago.Message{Topic: topic, Key: []byte(e.Subject), Value: e.Data, Headers: make([]kafkago.Header, 0, 14)}
	add := func(name, value string) {
		if value != "" {
			m.Headers = append(m.Headers, kafkago.Header{Key: name, Value: []byte(value)})
		}
	}
	add("ce_specversion", "1.0")
	add("ce_id", e.ID.String())
	add("ce_type", e.Type)
	add("ce_source", e.Source)
	add("ce_subject", e.Subject)
	add("ce_time", e.Time.UTC().Format(time.RFC3339Nano))
	add("ce_dataschema", e.DataSchema)
	if e.Sequence != 0 {
		add("ce_sequence", strconv.FormatInt(e.Sequence, 10))
	}
	add("ce_correlationid", e.CorrelationID)
	add("ce_causationid", e.CausationID)
	add("ce_actor", e.Actor)
	add("ce_actorname", e.ActorName)
	add("traceparent", e.TraceParent)
	add("content-type", contentType)
	return m
}

// CloudEvents is the format of our topics, for inbox.Config: an event is as Encode makes it, in the partition
// where Kafka's own producers put its key.
var CloudEvents inbox.Format = cloudEvents{}

type cloudEvents struct{}

func (cloudEvents) Partition(key []byte, partitions int) int {
	ids := make([]int, partitions)
	for id := range ids {
		ids[id] = id
	}
	return kafkago.Murmur2Balancer{}.Balance(kafkago.Message{Key: key}, ids...)
}

// Decode is the reverse of Encode. Every error is an ErrMalformed and says what is wrong.
func Decode(m kafkago.Message) (event.Event, error) { return CloudEvents.Decode(received(m)) }

// received is a message as an inbox takes it.
func received(m kafkago.Message) inbox.Message {
	headers := make([]inbox.Header, len(m.Headers))
	for i, h := range m.Headers {
		headers[i] = inbox.Header(h)
	}
	return inbox.Message{
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: m.Key, Value: m.Value, Headers: headers, Time: m.Time,
	}
}

// Decode ignores attributes that it does not know, as the specification asks.
func (cloudEvents) Decode(m inbox.Message) (event.Event, error) {
	attributes, err := attributesOf(m.Headers)
	if err != nil {
		return event.Event{}, err
	}
	for _, name := range []string{"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time"} {
		if attributes[name] == "" {
			return event.Event{}, malformed("header %s is missing", name)
		}
	}
	if v := attributes["ce_specversion"]; v != "1.0" {
		return event.Event{}, malformed("ce_specversion is %q, not 1.0", v)
	}
	if v := attributes["content-type"]; v != contentType && !strings.HasPrefix(v, contentType+";") {
		return event.Event{}, malformed("content-type is %q, not %s", v, contentType)
	}
	e := event.Event{
		Type: attributes["ce_type"], Source: attributes["ce_source"], Subject: attributes["ce_subject"],
		DataSchema: attributes["ce_dataschema"],
		Meta: event.Meta{
			CorrelationID: attributes["ce_correlationid"], CausationID: attributes["ce_causationid"],
			Actor: attributes["ce_actor"], ActorName: attributes["ce_actorname"], TraceParent: attributes["traceparent"],
		},
		Data: m.Value,
	}
	if n := utf8.RuneCountInString(e.Subject); n > maxSubject {
		return event.Event{}, malformed("ce_subject has %d characters, more than %d", n, maxSubject)
	}
	if !bytes.Equal(m.Key, []byte(e.Subject)) {
		return event.Event{}, malformed("the key is %.80q, and ce_subject is %.80q", m.Key, e.Subject)
	}
	// The canonical form only: uuid.Parse takes others as well, and one id has one spelling.
	if e.ID, err = uuid.Parse(attributes["ce_id"]); err != nil || e.ID.String() != attributes["ce_id"] || e.ID == uuid.Nil {
		return event.Event{}, malformed("ce_id %.80q is not a UUID", attributes["ce_id"])
	}
	if e.Time, err = time.Parse(time.RFC3339Nano, attributes["ce_time"]); err != nil {
		return event.Event{}, malformed("ce_time %.80q is not a time of RFC 3339", attributes["ce_time"])
	}
	e.Time = e.Time.UTC()
	if v := attributes["ce_sequence"]; v != "" {
		if e.Sequence, err = strconv.ParseInt(v, 10, 64); err != nil || e.Sequence < 1 {
			return event.Event{}, malformed("ce_sequence %.80q is not a positive number", v)
		}
	}
	if err := checkData(m.Value); err != nil {
		return event.Event{}, err
	}
	return e, nil
}

// attributesOf are the headers that are ours, by name.
func attributesOf(headers []inbox.Header) (map[string]string, error) {
	attributes := make(map[string]string, len(headers))
	for _, h := range headers {
		if !strings.HasPrefix(h.Key, "ce_") && h.Key != "content-type" && h.Key != "traceparent" {
			continue
		}
		if _, twice := attributes[h.Key]; twice {
			return nil, malformed("header %.80q is there twice", h.Key)
		}
		if len(h.Value) > maxAttribute {
			return nil, malformed("header %.80q has %d bytes, more than %d", h.Key, len(h.Value), maxAttribute)
		}
		if !utf8.Valid(h.Value) || bytes.IndexByte(h.Value, 0) >= 0 {
			return nil, malformed("header %.80q is not text", h.Key)
		}
		attributes[h.Key] = string(h.Value)
	}
	return attributes, nil
}

// checkData takes what every service can read and keep, whichever way it reads. Otherwise one service would
// call a message malformed that another calls poison.
func checkData(data []byte) error {
	if len(data) > maxData {
		return malformed("the data has %d bytes, more than %d", len(data), maxData)
	}
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(data) {
		return malformed("the data is not a JSON object")
	}
	if !jsontext.Value(data).IsValid() {
		return malformed("the data is not UTF-8, or has a name twice")
	}
	if hasNUL(data) {
		return malformed("the data has a NUL character, which cannot be kept")
	}
	return checkSize(data)
}

// checkSize takes what jsonb keeps and gives back in bounds: valid JSON whose numbers are not astronomical,
// since jsonb writes them out, and which is not nested too deeply for the server's stack.
func checkSize(data []byte) error {
	depth, written := 0, len(data)
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			for i++; data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return malformed("the data is nested more than %d deep", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || c >= '0' && c <= '9':
			begin := i
			for i+1 < len(data) && isNumeric(data[i+1]) {
				i++
			}
			number := data[begin : i+1]
			digits := writtenOut(number)
			if digits > maxDigits {
				return malformed("the number %.40s has more than %d digits", number, maxDigits)
			}
			if written += max(0, digits-len(number)); written > maxData {
				return malformed("the data with its numbers written out has more than %d bytes", maxData)
			}
		}
	}
	return nil
}

func isNumeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

// writtenOut is at most how many digits a JSON number has without an exponent.
func writtenOut(number []byte) int {
	at := bytes.IndexAny(number, "eE")
	if at < 0 {
		return len(number)
	}
	exponent, err := strconv.Atoi(string(number[at+1:]))
	if err != nil || exponent > maxDigits || exponent < -maxDigits {
		return maxDigits + 1
	}
	return at + max(exponent, -exponent)
}

// hasNUL reports whether a string in valid JSON has U+0000, which jsonb refuses.
func hasNUL(data []byte) bool {
	for {
		at := bytes.IndexByte(data, '\\')
		if at < 0 {
			return false
		}
		if data = data[at:]; bytes.HasPrefix(data, []byte(`\u0000`)) {
			return true
		}
		data = data[2:]
	}
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
