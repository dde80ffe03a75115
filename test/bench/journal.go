package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

const (
	fewEvents     = 10_000
	eventsEach    = 4 // of a stream
	journalRounds = 400
	heardAtOnce   = 40
	journalAim    = "1.20"
)

// grown is a journal of some size, with its relay at work.
type grown struct {
	db      *pg.DB
	book    *journal.Journal
	streams int
	next    int64 // the offset of what is heard next
}

// growth measures what the journal does with few events and with many, in turn.
func growth(s *environment) error {
	sizes := []int{fewEvents, *journalEvents}
	broker, err := embedded.Kafka(s.TempDir(), "")
	if err != nil {
		return err
	}
	s.Cleanup(broker.Close)
	client := kafka.Open("bench", broker.Addr())
	s.Cleanup(client.Close)
	journals := make([]*grown, len(sizes))
	for i, size := range sizes {
		topic := fmt.Sprintf("journal-%d", i)
		if err := client.CreateTopics(s.ctx, kafka.TopicConfig{Name: topic, Partitions: 6}, kafka.DeadLettersConfig()); err != nil {
			return err
		}
		began := time.Now()
		if journals[i], err = grow(s, size); err != nil {
			return fmt.Errorf("write %d events: %w", size, err)
		}
		s.Logf("%d events in %s", size, time.Since(began).Round(time.Second))
		g, ctx, done := journals[i], s.ctx, make(chan struct{})
		ctx, cancel := context.WithCancel(ctx)
		relay := kafka.NewRelay(kafka.RelayConfig{Client: client, DB: g.db, Journal: g.book,
			Topics: map[string]string{payment.Stream(""): topic}, Log: slog.New(slog.DiscardHandler)})
		go func() { defer close(done); _ = relay.Run(ctx) }()
		s.Cleanup(func() { cancel(); <-done })
	}
	fmt.Printf("\nThe journal with %d events and with %d (ms)\n\n", sizes[0], sizes[1])
	t := newTable("what is done", "few p50", "few p99", "many p50", "many p99", "p50 many / few", "aim")
	for _, work := range []struct {
		name string
		do   func(*grown, context.Context) error
	}{
		{"append one event to a new stream", func(g *grown, ctx context.Context) error { return g.append(ctx, event.NewID().String()) }},
		{"append one event to a recent stream", func(g *grown, ctx context.Context) error { return g.append(ctx, g.recent()) }},
		{fmt.Sprintf("hear %d events of recent streams", heardAtOnce), func(g *grown, ctx context.Context) error { return g.hear(ctx, g.recent) }},
		{"append one event, until it is published", (*grown).publish},
		{"read a recent payment's stream, as its page does", func(g *grown, ctx context.Context) error { return g.read(ctx, g.recent()) }},
		// From here on of any age, so that nearly each is the first to be touched: no aim, since it measures how much PostgreSQL keeps in memory.
		{fmt.Sprintf("hear %d events of streams of any age", heardAtOnce), func(g *grown, ctx context.Context) error { return g.hear(ctx, g.some) }},
		{"read a stream of any age", func(g *grown, ctx context.Context) error { return g.read(ctx, g.some()) }},
	} {
		took := make([][]time.Duration, len(sizes))
		for round := range journalRounds + journalRounds/10 {
			for _, i := range rand.Perm(len(journals)) { // neither is always the one that comes second
				began := time.Now()
				if err := work.do(journals[i], s.ctx); err != nil {
					return fmt.Errorf("%s: %w", work.name, err)
				}
				if round >= journalRounds/10 {
					took[i] = append(took[i], time.Since(began))
				}
			}
		}
		few, many := percentile(took[0], 50), percentile(took[1], 50)
		t.add(work.name, ms(few), ms(percentile(took[0], 99)), ms(many), ms(percentile(took[1], 99)), ratio(many, few), journalAim)
	}
	t.print()
	return nil
}

// streamName is the id of the stream n, in the order of time, as ids are.
const streamName = `'0193f3a0-0000-7000-8000-' || lpad(to_hex(n), 12, '0')`

// grow fills a journal by SQL, as many streams that were heard to their end.
func grow(s *environment, events int) (*grown, error) {
	db, err := pg.Open(s.ctx, pgtest.NewURL(s, journal.Migrations, inbox.Migrations))
	if err != nil {
		return nil, err
	}
	s.Cleanup(db.Close)
	g := &grown{db: db, book: journal.New(db, "/contractor-ui", journal.Live()), streams: events / eventsEach, next: int64(events)}
	data, err := json.Marshal(payment.Requested{PaymentID: event.NewID().String(), ContractorID: "ada", Amount: money.Amount{Minor: 125000, Currency: "EUR"},
		Description: "Design of the autumn brochure, second draft", CaptureMethod: payment.Automatic})
	if err != nil {
		return nil, err
	}
	const portion = 100_000 // streams, each well within the time limit of a statement
	for from := 0; from < g.streams; from += portion {
		to := min(from+portion, g.streams)
		if err := db.InTx(s.ctx, func(tx *pg.Tx) error {
			tx.Queue("set local statement_timeout = 0")
			tx.Queue(`insert into streams (stream, version, log) select 'payment-' || `+streamName+`, $3, $3 from generate_series($1::int, $2::int - 1) n`,
				from, to, eventsEach)
			tx.Queue(`insert into journal (stream, version, log, event_id, type, source, subject, time, data_schema, sequence, correlation_id,
				causation_id, actor, actor_name, trace_parent, data, topic, partition, "offset")
				select 'payment-' || `+streamName+`, v, v, ('0193f3a0-000' || v || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'payment_requested', '/contractor-ui',
				`+streamName+`, now(), 'https://countersign.example/schemas/payment_requested.json', 0, '0193f3a0-0000-7000-8000-000000000000', '',
				'ada', 'Ada Nowak', '', $4::jsonb, 'payments', n % 6, n * $3::bigint + v
				from generate_series($1::int, $2::int - 1) n, generate_series(1, $3::int) v`, from, to, eventsEach, string(data))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	for _, statement := range []string{"vacuum analyze streams", "vacuum analyze journal", "checkpoint"} {
		conn, err := db.Pool().Acquire(s.ctx)
		if err != nil {
			return nil, err
		}
		_, err = conn.Exec(s.ctx, "set statement_timeout = 0")
		if err == nil {
			_, err = conn.Exec(s.ctx, statement)
		}
		_ = conn.Hijack().Close(s.ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	return g, nil
}

// some is the id of a payment of any age.
func (g *grown) some() string { return g.id(rand.IntN(g.streams)) }

// recent is the id of one of the last payments, of which there are as many at each size: those that things happen to.
func (g *grown) recent() string { return g.id(g.streams - 1 - rand.IntN(fewEvents/eventsEach)) }

func (g *grown) id(n int) string { return fmt.Sprintf("0193f3a0-0000-7000-8000-%012x", n) }

func newRequest(id string) event.Event {
	e := payment.New("/contractor-ui", id, payment.Requested{PaymentID: id, ContractorID: "ada", Amount: money.Amount{Minor: 125000, Currency: "EUR"},
		Description: "Design of the autumn brochure, second draft", CaptureMethod: payment.Automatic})
	e.Time, e.Meta = time.Now(), event.Meta{Actor: "ada", ActorName: "Ada Nowak", CorrelationID: e.ID.String()}
	return e
}

func (g *grown) append(ctx context.Context, id string) error {
	return g.db.InTx(ctx, func(tx *pg.Tx) error {
		loaded, err := g.book.Load(ctx, tx, payment.Stream(id))
		if err != nil {
			return err
		}
		stream := loaded[payment.Stream(id)]
		return g.book.Append(ctx, tx, &stream, newRequest(id))
	})
}

func (g *grown) hear(ctx context.Context, pick func() string) error {
	heard := make([]journal.Received, heardAtOnce)
	for i := range heard {
		id := pick()
		g.next++
		heard[i] = journal.Received{Event: newRequest(id), Stream: payment.Stream(id), Topic: "payments", Offset: g.next}
	}
	return g.db.InTx(ctx, func(tx *pg.Tx) error {
		_, err := g.book.Receive(ctx, tx, heard)
		return err
	})
}

// publish appends, and waits until the relay has done its work.
func (g *grown) publish(ctx context.Context) error {
	if err := g.append(ctx, g.recent()); err != nil {
		return err
	}
	for {
		since, err := g.book.OutboxSince(ctx)
		if err != nil || since.IsZero() {
			return err
		}
	}
}

func (g *grown) read(ctx context.Context, id string) error {
	_, err := g.book.Read(ctx, payment.Stream(id))
	return err
}
