package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/service"
	"countersign.example/pkg/signing"
)

// read are the topics of events.
var read = []event.Topic{payment.Events, order.Events, catalog.Events, people.Events}

// config is what --topics reads.
type config struct {
	connection.Settings
	EventVerifyKeysFile string `env:"EVENT_VERIFY_KEYS_FILE,required,notEmpty" desc:"the public keys of all services, by which received events are verified"`
}

// What is verified in one pass: it bounds the memory.
const (
	batchMessages = 200
	batchBytes    = 4 << 20
)

// counts are those of a topic.
type counts struct{ messages, verified, unsigned, refused, malformed int }

// verifyTopics verifies what the topics hold when it begins.
func verifyTopics(ctx context.Context, out io.Writer) error {
	var c config
	if err := service.Parse(&c); err != nil {
		return err
	}
	keys, err := signing.OpenKeys(c.EventVerifyKeysFile, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	client := kafka.Open("countersign", c.Settings)
	defer client.Close()
	wrong := 0
	for _, topic := range read {
		t := topicCheck{Topic: topic, keys: keys, out: out}
		if err := t.run(ctx, client); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s: %d messages, %d verified, %d not signed (from before the cut-off), %d refused, %d no events\n", topic.Name,
			t.messages, t.verified, t.unsigned, t.refused, t.malformed); err != nil {
			return err
		}
		wrong += t.refused + t.malformed
	}
	if wrong > 0 {
		fmt.Fprintf(out, "%d messages do not verify. Services refuse them as well: none of them counts.\n", wrong)
		return errNotHeld
	}
	return nil
}

// topicCheck verifies a topic, batch by batch.
type topicCheck struct {
	event.Topic
	counts
	keys  *signing.Keys
	out   io.Writer
	batch []signing.Message
	bytes int
}

func (t *topicCheck) run(ctx context.Context, client *kafka.Client) error {
	partitions, err := client.Offsets(ctx, "", t.Name)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		if err := client.Messages(ctx, p, t.add); err != nil {
			return err
		}
	}
	return t.verify()
}

func (t *topicCheck) add(m signing.Message, malformed error) error {
	t.messages++
	if malformed != nil {
		t.malformed++
		return t.report(m, malformed)
	}
	t.batch, t.bytes = append(t.batch, m), t.bytes+len(m.Data)
	if len(t.batch) < batchMessages && t.bytes < batchBytes {
		return nil
	}
	return t.verify()
}

func (t *topicCheck) verify() error {
	for i, v := range t.keys.Verify(t.batch, false) {
		m := t.batch[i]
		if writer := t.Writer(m.Attributes["type"]); v.Err == nil && writer != "" && writer != m.Attributes["source"] {
			v.Err = fmt.Errorf("%s has written it, and only %s may write what is of this type", m.Attributes["source"], writer)
		}
		switch {
		case v.Err != nil:
			t.refused++
			if err := t.report(m, v.Err); err != nil {
				return err
			}
		case v.Signature == nil:
			t.unsigned++
		default:
			t.verified++
		}
	}
	t.batch, t.bytes = t.batch[:0], 0
	return nil
}

// report quotes what somebody else has written.
func (t *topicCheck) report(m signing.Message, why error) error {
	_, err := fmt.Fprintf(t.out, "%s/%d/%d: %.80q, id %.80q, does not verify: %.500q\n", m.Topic, m.Partition, m.Offset, m.Attributes["type"], m.Attributes["id"], why.Error())
	return err
}
