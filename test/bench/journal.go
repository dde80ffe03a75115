package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

const (
	fewEvents      = 10_000
	eventsEach     = 4 // of a stream
	journalRounds  = 400
	receivedAtOnce = 40
	journalAim     = "1.20"
)

// grown is a journal of some size, with its relay at work.
type grown struct {
	db      *pg.DB
	journal *journal.Journal
	streams int
	next    int64 // the offset of what is received next
}

// growth measures what the journal does with few events and with many.
func growth(e *environment) {
	sizes := [2]int{fewEvents, *journalEvents}
	broker := must(embedded.Kafka(e.TempDir(), ""))
	e.Cleanup(broker.Close)
	client := kafka.Open("bench", connection.Plaintext(broker.Addr()))
	e.Cleanup(client.Close)
	var journals [2]*grown
	for i, size := range sizes {
		topic := fmt.Sprintf("journal-%d", i)
		check(client.CreateTopics(e.ctx, kafka.TopicConfig{Name: topic, Partitions: 6}, kafka.DeadLettersConfig()))
		began := time.Now()
		g := grow(e, size)
		journals[i] = g
		e.Logf("%d events in %s", size, time.Since(began).Round(time.Second))
		ctx, cancel := context.WithCancel(e.ctx)
		relay := kafka.NewRelay(kafka.RelayConfig{Client: client, DB: g.db, Journal: g.journal,
			Topics: []event.Topic{{Name: topic, Prefixes: payment.Events.Prefixes}}, Log: slog.New(slog.DiscardHandler)})
		var running sync.WaitGroup
		running.Go(func() { _ = relay.Run(ctx) })
		e.Cleanup(func() { cancel(); running.Wait() })
	}
	fmt.Printf("\nThe journal with %d events and with %d (ms)\n\n", sizes[0], sizes[1])
	t := newTable(append([]string{"what is done"}, compared...)...)
	for _, work := range []struct {
		name string
		do   func(*grown) error
	}{
		{"append one event to a new stream", func(g *grown) error { return g.append(e.ctx, event.NewID().String()) }},
		{"append one event to a recent stream", func(g *grown) error { return g.append(e.ctx, g.recent()) }},
		{fmt.Sprintf("receive %d events of recent streams", receivedAtOnce), func(g *grown) error { return g.receive(e.ctx, g.recent) }},
		{"append one event, until it is published", func(g *grown) error { return g.publish(e.ctx) }},
		{"read a recent payment's stream, as its page does", func(g *grown) error { return g.read(e.ctx, g.recent()) }},
		// From here on of any age, so that nearly each is the first to be touched: no aim, since it measures how
		// much PostgreSQL keeps in memory.
		{fmt.Sprintf("receive %d events of streams of any age", receivedAtOnce), func(g *grown) error { return g.receive(e.ctx, g.some) }},
		{"read a stream of any age", func(g *grown) error { return g.read(e.ctx, g.some()) }},
	} {
		t.compare([]string{work.name}, journalRounds, time.Hour, journalAim, func(which int) error { return work.do(journals[which]) })
	}
	t.print()
}

// streamName is the id of the stream n, in the order of time, as ids are.
const streamName = `'0193f3a0-0000-7000-8000-' || lpad(to_hex(n), 12, '0')`

// grow fills a journal by SQL, as many streams that were received to their end.
func grow(e *environment, events int) *grown {
	db := must(pg.Open(e.ctx, pgtest.NewURL(e, journal.Migrations, inbox.Migrations)))
	e.Cleanup(db.Close)
	g := &grown{db: db, journal: journal.New(db, "/contractor-ui", journal.Live()), streams: events / eventsEach, next: int64(events)}
	const portion = 100_000 // streams, each well within the time limit of a statement
	for from := 0; from < g.streams; from += portion {
		to := min(from+portion, g.streams)
		check(db.InTx(e.ctx, func(tx *pg.Tx) error {
			tx.Queue("set local statement_timeout = 0")
			tx.Queue(`insert into streams (stream, version, log) select 'payment-' || `+streamName+`, $3, $3 from generate_series($1::int, $2::int - 1) n`,
				from, to, eventsEach)
			tx.Queue(`insert into journal (stream, version, log, event_id, type, source, subject, time, data_schema, sequence, correlation_id,
				causation_id, actor, actor_name, trace_parent, data, topic, partition, "offset")
				select 'payment-' || `+streamName+`, v, v, ('0193f3a0-000' || v || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'payment_requested', '/contractor-ui',
				`+streamName+`, now(), 'https://countersign.example/schemas/payment_requested.json', 0, '0193f3a0-0000-7000-8000-000000000000', '',
				'ada', 'Ada Nowak', '', $4::jsonb, 'payments', n % 6, n * $3::bigint + v
				from generate_series($1::int, $2::int - 1) n, generate_series(1, $3::int) v`, from, to, eventsEach, string(newRequest(newID()).Data))
			return nil
		}))
	}
	conn := must(pgx.Connect(e.ctx, db.URL()))
	defer func() { _ = conn.Close(e.ctx) }()
	for _, statement := range []string{"set statement_timeout = 0", "vacuum analyze streams", "vacuum analyze journal", "checkpoint"} {
		must(conn.Exec(e.ctx, statement))
	}
	return g
}

// some is the id of a payment of any age.
func (g *grown) some() string { return g.id(rand.IntN(g.streams)) }

// recent is the id of one of the last payments, of which there are as many at each size: those that things
// happen to.
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
		loaded, err := g.journal.Load(ctx, tx, payment.Stream(id))
		if err != nil {
			return err
		}
		stream := loaded[payment.Stream(id)]
		return g.journal.Append(ctx, tx, &stream, newRequest(id))
	})
}

func (g *grown) receive(ctx context.Context, pick func() string) error {
	received := make([]journal.Received, receivedAtOnce)
	for i := range received {
		id := pick()
		g.next++
		received[i] = journal.Received{Event: newRequest(id), Stream: payment.Stream(id), Topic: "payments", Offset: g.next}
	}
	return g.db.InTx(ctx, func(tx *pg.Tx) error {
		_, _, err := g.journal.Receive(ctx, tx, received)
		return err
	})
}

// publish appends, and waits until the relay has done its work.
func (g *grown) publish(ctx context.Context) error {
	if err := g.append(ctx, g.recent()); err != nil {
		return err
	}
	for {
		since, err := g.journal.OutboxSince(ctx)
		if err != nil || since.IsZero() {
			return err
		}
	}
}

func (g *grown) read(ctx context.Context, id string) error {
	_, err := g.journal.Read(ctx, payment.Stream(id))
	return err
}
