package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg"
)

// locked reports whether somebody else holds the stream's row.
func (h *harness) locked(stream string) (held bool, err error) {
	err = h.db.Pool().QueryRow(context.Background(), `select exists (select from streams where stream = $1)
		and not exists (select from streams where stream = $1 for update skip locked)`, stream).Scan(&held)
	return held, err
}

func TestBeforeRunsBeforeTheStreamsAreLocked(t *testing.T) {
	t.Parallel()
	// given a service that has a stream already, and refuses in Before what it cannot stand
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	h.append(newEvent("1", 1))
	var ran, early, cured atomic.Int64
	r := h.recording()
	r.Before = func(ctx context.Context, tx *pg.Tx, received []journal.Received) error {
		for _, e := range received {
			held, err := h.locked(e.Stream)
			if err != nil {
				return err
			}
			if ran.Add(1); !held {
				early.Add(1)
			}
			if e.Subject == "bad" && cured.Load() == 0 {
				panic("cannot stand it")
			}
		}
		return nil
	}
	r.Projectors = []journal.Projector{func(ctx context.Context, tx *pg.Tx, streams []journal.Stream) error {
		held, err := h.locked("thing-1")
		if err == nil && !held && streams[0].ID == "thing-1" {
			err = errors.New("the stream is not locked by now")
		}
		return err
	}}
	run(t, kafka.NewConsumer(kafka.ConsumerConfig{Config: r, Client: h.client, Group: h.group}).Run)

	// when
	h.produce(addresses, h.encoded(newEvent("1", 2), newEvent("bad", 1))...)
	h.eventually(1, "journal where log = 1")
	h.eventually(1, "dead_letters where kind = 'poison'")

	// then, and when the dead letter is replayed
	cured.Store(1)
	before := ran.Load()
	settled, err := inbox.NewDeadLetterStore(r).Replay(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, 1, settled)
	require.Equal(t, before+1, ran.Load())
	require.Equal(t, ran.Load(), early.Load())
}

func TestATopicMayHoldStreamsOfSeveralKinds(t *testing.T) {
	t.Parallel()
	// given a topic of two kinds of things, which share an id
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	r := h.recording()
	r.Topics[0].Check = nil
	r.Topics[0].Stream = func(e event.Event) string { return e.Type[:len("product")] + "-" + e.Subject }
	relay := kafka.NewRelay(kafka.RelayConfig{
		Client: h.client, DB: h.db, Journal: h.journal, Log: r.Log, Signer: h.keys.Signer("/here"),
		Topics: []event.Topic{{Name: h.topic, Prefixes: []string{"product-", "custome-"}}},
	})
	product, customer := newEvent("1", 1), newEvent("1", 2)
	product.Type, customer.Type = "product_added", "customer_added"
	product.Sequence, customer.Sequence = 1, 7

	// when both are written
	for stream, e := range map[string]event.Event{"product-1": product, "custome-1": customer} {
		require.NoError(t, h.db.InTx(t.Context(), func(tx *pg.Tx) error {
			loaded, err := h.journal.Load(t.Context(), tx, stream)
			if err != nil {
				return err
			}
			s := loaded[stream]
			return h.journal.Append(t.Context(), tx, &s, e)
		}))
	}
	run(t, relay.Run)
	run(t, kafka.NewConsumer(kafka.ConsumerConfig{Config: r, Client: h.client, Group: h.group}).Run)

	// then each comes back to its own stream, with its writer's version
	h.eventually(2, "journal where log = 1")
	for stream, sequence := range map[string]int64{"product-1": 1, "custome-1": 7} {
		s, err := h.journal.Read(t.Context(), stream)
		require.NoError(t, err)
		require.Len(t, s.Records, 1, fmt.Sprint(stream))
		require.Equal(t, sequence, s.Records[0].Sequence)
	}
	h.eventually(0, "outbox")
}
