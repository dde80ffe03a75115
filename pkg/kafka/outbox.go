package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/tracing"
)

// outboxBatch is what the relay publishes in one call.
type outboxBatch struct {
	positions []int64
	messages  []kafkago.Message
	traced    []tracing.Part // those of a trace that is recorded
	cut       bool           // there was more than fits
}

// nextBatch reads what is oldest on the outbox, limit events and relayBytes at most.
func (r *Relay) nextBatch(ctx context.Context, limit int) (outboxBatch, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	var batch outboxBatch
	size := 0
	err := r.cfg.Journal.Outbox(ctx, limit, func(position int64, stream string, e event.Event) (more bool, err error) {
		topic, ok := r.topicOf(stream)
		if !ok {
			return false, fmt.Errorf("no topic is configured for stream %q", stream)
		}
		m, err := r.encode(topic, e)
		if err != nil {
			return false, err
		}
		size += sizeOf(m)
		if batch.cut = size > relayBytes && len(batch.messages) > 0; batch.cut {
			return false, nil
		}
		batch.positions = append(batch.positions, position)
		batch.messages = append(batch.messages, m)
		if tracing.Recorded(e.TraceParent) {
			batch.traced = append(batch.traced, tracing.Published(e.TraceParent, topic, e.ID.String(), e.Type))
		}
		return true, nil
	})
	return batch, err
}

// encode is an event as the relay publishes it, signed.
func (r *Relay) encode(topic string, e event.Event) (kafkago.Message, error) {
	m := Encode(topic, e)
	if r.cfg.Signer == nil {
		return m, nil
	}
	return m, Sign(&m, r.cfg.Signer)
}

// topicOf is the topic of a stream's events.
func (r *Relay) topicOf(stream string) (topic string, ok bool) {
	for _, t := range r.cfg.Topics {
		if slices.ContainsFunc(t.Prefixes, func(prefix string) bool { return strings.HasPrefix(stream, prefix) }) {
			return t.Name, true
		}
	}
	return "", false
}

// sizeOf is about what the message takes in a batch.
func sizeOf(m kafkago.Message) int {
	n := 64 + len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += 8 + len(h.Key) + len(h.Value)
	}
	return n
}

// drainNotices publishes notices of the dead letters that have had none. What was parked behind a
// poison message has no notice of its own.
func (r *Relay) drainNotices(ctx context.Context, writer *kafkago.Writer) error {
	for ctx.Err() == nil {
		notices, err := r.newNotices(ctx)
		if err != nil {
			return err
		}
		if len(notices) == 0 {
			return nil
		}
		messages := make([]kafkago.Message, len(notices))
		for i, n := range notices {
			if messages[i], err = r.notice(n); err != nil {
				return err
			}
		}
		acknowledged, err := r.write(ctx, writer, messages)
		if err != nil {
			return err
		}
		ids := pg.Column(acknowledged, func(n int) int64 { return notices[n].DeadLetter })
		noteCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeGrace)
		err = inbox.MarkNoticed(noteCtx, r.cfg.DB, ids)
		cancel()
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *Relay) newNotices(ctx context.Context) ([]inbox.Notice, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return inbox.NewNotices(ctx, r.cfg.DB)
}

func (r *Relay) notice(n inbox.Notice) (kafkago.Message, error) {
	data, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and numbers
	}
	source := r.cfg.Journal.Source()
	subject := fmt.Sprintf("%s/%d", strings.TrimPrefix(source, "/"), n.DeadLetter)
	// The same dead letter's notice has the same id, should it be published twice.
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(subject+"/"+string(n.Kind)))
	return r.encode(DeadLettersTopic, event.Event{
		ID: id, Type: "dead_letter_recorded", Source: source, Subject: subject, Time: time.Now(), Data: data,
	})
}
