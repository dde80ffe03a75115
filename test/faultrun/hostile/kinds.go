package hostile

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/money"
	"countersign.example/pkg/signing"
)

// forger is whom forged messages name: nobody whose events are counted.
const forger = "forger"

// one is one of the latest messages, with headers of its own.
func (m *Messages) one(ctx context.Context, luck *rand.Rand) (kafkago.Message, error) {
	found, err := m.latest(ctx, luck)
	if err != nil {
		return kafkago.Message{}, err
	}
	message := found[luck.IntN(len(found))]
	message.Headers = slices.Clone(message.Headers)
	return message, nil
}

// malform sends a message that is no event.
func (m *Messages) malform(ctx context.Context, luck *rand.Rand) error {
	message, err := m.one(ctx, luck)
	if err != nil {
		return err
	}
	switch luck.IntN(5) {
	case 0: // cut off
		message.Value = message.Value[:len(message.Value)/2]
	case 1:
		message.Value = []byte{0xff, 0, 'x'}
	case 2: // of a program that knows nothing of CloudEvents
		message.Headers, message.Value = nil, []byte("hello")
	case 3:
		message.Key = []byte(uuid.NewString())
	default:
		set(&message, "ce_time", "yesterday")
	}
	return m.sendMarked(ctx, message, string(inbox.Malformed))
}

// forge sends an event that its writer has not written.
func (m *Messages) forge(ctx context.Context, luck *rand.Rand) error {
	message, err := m.one(ctx, luck)
	if err != nil {
		return err
	}
	which := luck.IntN(4)
	if which == 0 { // what somebody has signed, and is changed
		message.Value = append(message.Value, ' ')
		return m.sendMarked(ctx, message, string(inbox.Disallowed))
	}
	set(&message, "ce_id", event.NewID().String())
	set(&message, "ce_actor", forger)
	message.Headers = slices.DeleteFunc(message.Headers, func(h kafkago.Header) bool {
		return h.Key == "ce_"+signing.MaterialAttribute || h.Key == "ce_"+signing.ExtensionsAttribute
	})
	switch which {
	case 1: // without a signature
	case 2: // by the key of a stranger who calls himself so
		m.strangers.Sign(&message)
	default: // by another service than it says
		source := headerOf(message, "ce_source")
		others := slices.DeleteFunc(slices.Clone(kafkatest.Services), func(name string) bool { return "/"+name == source })
		if err := kafka.Sign(&message, m.keys.Signer("/"+others[luck.IntN(len(others))])); err != nil {
			return err
		}
	}
	return m.sendMarked(ctx, message, string(inbox.Disallowed))
}

// poison sends a well signed event of a new payment that nobody can use, and one behind it that all can once
// the former is given up.
func (m *Messages) poison(ctx context.Context, luck *rand.Rand) error {
	id := uuid.NewString()
	good := payment.New(payment.Writer(payment.TypeRequested), id, payment.Requested{PaymentID: id, ContractorID: "ada-nowak",
		Amount: money.Amount{Minor: 10_00, Currency: "EUR"}, Description: "Behind poison", CaptureMethod: payment.Automatic})
	good.ID, good.Time, good.Meta = event.NewID(), time.Now(), event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak", CorrelationID: uuid.NewString()}
	bad := good
	bad.ID = event.NewID()
	if luck.IntN(2) == 0 {
		bad.Data = []byte("{}")
	} else {
		bad.Time = time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	partition := kafka.CloudEvents.Partition([]byte(id), payment.Partitions)
	messages := []kafkago.Message{m.keys.Encode(payment.Topic, bad), m.keys.Encode(payment.Topic, good)}
	// Where brokers have both twice, the second poison waits behind the first.
	kinds := [][]string{{string(inbox.Poison), string(inbox.Parked)}, {string(inbox.Parked)}}
	for i := range messages {
		messages[i].Partition = partition
		messages[i] = m.marked(messages[i], kinds[i]...)
	}
	return m.send(ctx, messages...)
}

func set(message *kafkago.Message, name, value string) {
	for i := range message.Headers {
		if message.Headers[i].Key == name {
			message.Headers[i].Value = []byte(value)
			return
		}
	}
	message.Headers = append(message.Headers, kafkago.Header{Key: name, Value: []byte(value)})
}

func headerOf(message kafkago.Message, name string) string {
	for _, h := range message.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
