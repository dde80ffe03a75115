package kafka

import (
	"strings"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/signing"
)

// Sign signs a message that Encode has made. Nothing of it may change after that.
func Sign(m *kafkago.Message, s *signing.Signer) error {
	e := signing.Event{Attributes: make(map[string]string, len(m.Headers)+2), Data: m.Value}
	for _, h := range m.Headers {
		attribute(e.Attributes, h.Key, h.Value)
	}
	if err := s.Sign(e); err != nil {
		return err
	}
	for _, name := range []string{signing.ExtensionsAttribute, signing.MaterialAttribute} {
		m.Headers = append(m.Headers, kafkago.Header{Key: "ce_" + name, Value: []byte(e.Attributes[name])})
	}
	return nil
}

// Attributes are those of an event as Encode writes them, in CloudEvents' terms.
func Attributes(e event.Event) map[string]string {
	attributes := map[string]string{}
	for _, h := range Encode("", e).Headers {
		attribute(attributes, h.Key, h.Value)
	}
	return attributes
}

// attribute adds what a header says in CloudEvents' terms. Other headers are Kafka's or ours, and prove
// nothing.
func attribute(attributes map[string]string, header string, value []byte) {
	const contentTypeAttribute = "datacontenttype" // has no header with the prefix
	if header == "content-type" {
		attributes[contentTypeAttribute] = string(value)
	} else if name, is := strings.CutPrefix(header, "ce_"); is && name != contentTypeAttribute {
		attributes[name] = string(value)
	}
}

// Verifier verifies messages in the format of our topics.
type Verifier struct {
	Keys *signing.Keys
	// AcceptUnsigned takes events without a signature, as long as some writers do not sign yet.
	AcceptUnsigned bool
}

// Verify is for messages that can be decoded.
func (v Verifier) Verify(messages []inbox.Message) []signing.Verdict {
	claims := make([]signing.Message, len(messages))
	for i, m := range messages {
		claims[i] = signedMessage(m)
	}
	return v.Keys.Verify(claims, v.AcceptUnsigned)
}

func signedMessage(m inbox.Message) signing.Message {
	attributes := make(map[string]string, len(m.Headers))
	for _, h := range m.Headers {
		attribute(attributes, h.Key, h.Value)
	}
	return signing.Message{
		Event: signing.Event{Attributes: attributes, Data: m.Value}, Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Published: m.Time,
	}
}
