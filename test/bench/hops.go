package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/test/testsystem"
)

// hops are the raw steps that no payment can do without on its way to an open page, each done as plainly as
// its library allows: what a system without any mechanism of its own would take.
type hops struct {
	pool   *pgxpool.Pool
	writer *kafkago.Writer
	reader *kafkago.Reader
	redis  *redis.Client

	fetched, read awaited // by key
}

const (
	hopsTopic  = "bench-hops"
	hopsStream = "bench-hops"
)

// hop is the time that each took in one chain.
type hop struct{ commit, kafka, commitAgain, redis time.Duration }

func (h hop) sum() time.Duration { return h.commit + h.kafka + h.commitAgain + h.redis }

func newHops(e *environment, parts *testsystem.Parts) *hops {
	ctx, cancel := context.WithCancel(e.ctx)
	e.Cleanup(cancel)
	options := must(redis.ParseURL(parts.RedisURL))
	options.ContextTimeoutEnabled = true
	h := &hops{
		pool: must(pgxpool.New(ctx, pgtest.NewURL(e))), redis: redis.NewClient(options),
		// As the relay's: a call waits for more to write for a millisecond.
		writer: &kafkago.Writer{Addr: kafkago.TCP(parts.Brokers), Topic: hopsTopic, RequiredAcks: kafkago.RequireAll,
			BatchTimeout: time.Millisecond, BatchSize: 1_000,
			Transport: &kafkago.Transport{}}, // the shared one remembers for seconds which topics there are
		reader: kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{parts.Brokers}, Topic: hopsTopic,
			MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 250 * time.Millisecond}),
	}
	var running sync.WaitGroup
	e.Cleanup(func() {
		cancel()
		_ = h.reader.Close()
		running.Wait()
		_ = h.writer.Close()
		_ = h.redis.Close()
		h.pool.Close()
	})
	client := kafka.Open("bench", connection.Plaintext(parts.Brokers))
	defer client.Close()
	// It waits until the brokers know the topic and its leader, which they do a moment after they have made it.
	check(client.CreateTopics(ctx, kafka.TopicConfig{Name: hopsTopic, Partitions: 1}))
	must(h.pool.Exec(ctx, `create table written (position bigint generated always as identity primary key, stream text not null,
		event_id uuid not null unique, data jsonb not null); create table listed (position bigint primary key)`))
	running.Go(func() { h.fetch(ctx) })
	running.Go(func() { h.follow(ctx) })
	return h
}

// fetch notes when each message has arrived.
func (h *hops) fetch(ctx context.Context) {
	for {
		m, err := h.reader.ReadMessage(ctx)
		if err != nil {
			return
		}
		h.fetched.arrived(string(m.Key), time.Now())
	}
}

// follow notes when each entry has arrived.
func (h *hops) follow(ctx context.Context) {
	last := "0-0"
	for ctx.Err() == nil {
		answer, err := h.redis.XRead(ctx, &redis.XReadArgs{Streams: []string{hopsStream, last}, Block: time.Second, Count: 1_000}).Result()
		if err != nil {
			continue // nothing came, or ctx has ended
		}
		for _, m := range answer[0].Messages {
			last = m.ID
			id, _ := m.Values["id"].(string)
			h.read.arrived(id, time.Now())
		}
	}
}

// chain does the hops one after the other.
func (h *hops) chain(ctx context.Context) (took hop, err error) {
	id := uuid.NewString()
	if took.commit, err = h.commit(ctx, id); err != nil {
		return took, err
	}
	payload := []byte(`{"payment_id":"` + id + `","amount":{"amount":1099,"currency":"EUR"},"description":"a line of text"}`)
	fetched, began := h.fetched.expect(id), time.Now()
	if err := h.writer.WriteMessages(ctx, kafkago.Message{Key: []byte(id), Value: payload}); err != nil {
		return took, fmt.Errorf("produce: %w", err)
	}
	at, err := when(ctx, fetched)
	if err != nil {
		return took, fmt.Errorf("fetch: %w", err)
	}
	took.kafka = at.Sub(began)
	if took.commitAgain, err = h.commit(ctx, uuid.NewString()); err != nil {
		return took, err
	}
	read, began := h.read.expect(id), time.Now()
	if err := h.redis.XAdd(ctx, &redis.XAddArgs{Stream: hopsStream, Values: []string{"id", id, "m", string(payload)}}).Err(); err != nil {
		return took, fmt.Errorf("XADD: %w", err)
	}
	if at, err = when(ctx, read); err != nil {
		return took, fmt.Errorf("XREAD: %w", err)
	}
	took.redis = at.Sub(began)
	return took, nil
}

// commit inserts what a journal would, in a transaction.
func (h *hops) commit(ctx context.Context, id string) (time.Duration, error) {
	began := time.Now()
	err := pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `with written as (insert into written (stream, event_id, data) values ($1, $2, $3) returning position)
			insert into listed select position from written`, "payment-"+id, id, `{"amount": {"amount": 1099, "currency": "EUR"}}`)
		return err
	})
	return time.Since(began), err
}
