package reconciling_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	orders "countersign.example/ordering-core/order"
	"countersign.example/ordering-core/ordertest"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/internal/reconciling"
	"countersign.example/payments-core/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// records is a gateway of which only the record is asked.
type records struct {
	gateway.Gateway
	n int
}

func (g records) Records(context.Context, string) iter.Seq2[gateway.Record, error] {
	return func(yield func(gateway.Record, error) bool) {
		for i := range g.n {
			for _, kind := range []gateway.Kind{gateway.KindAuthorize, gateway.KindCapture} {
				if !yield(gateway.Record{Key: fmt.Sprintf("%s:%s:1", paymentID(i), kind), Kind: kind, PaymentID: paymentID(i),
					Amount: money.Amount{Minor: 1000, Currency: "EUR"}, Result: gateway.Result{Reference: "r"}}, nil) {
					return
				}
			}
		}
	}
}

func paymentID(i int) string { return fmt.Sprintf("01a00000-0000-7000-8000-%012x", i) }

// How much there is: RECONCILE_PAYMENTS=100000 is the size that docs/operations.md speaks of.
func howMany(t *testing.T) int {
	if s := os.Getenv("RECONCILE_PAYMENTS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 10_000
}

func TestReconcilingTakesTheSameMemoryHoweverMuchThereIs(t *testing.T) {
	// given many payments that were paid out
	n := howMany(t)
	broker, err := embedded.Kafka(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	client := kafka.Open("test", connection.Plaintext(broker.Addr()))
	t.Cleanup(client.Close)
	if err := client.CreateTopics(t.Context(), kafka.TopicConfig{Name: payment.Topic, Partitions: payment.Partitions},
		kafka.TopicConfig{Name: orders.Topic, Partitions: orders.Partitions}); err != nil {
		t.Fatal(err)
	}
	db := pgtest.New(t, journal.Migrations, inbox.Migrations, processlock.Migrations, migrations.Set, operations.JobMigrations)
	publish(t, broker.Addr(), n)
	record(t, db, client)

	// when they are reconciled
	base, peak, stop := live(), atomic.Uint64{}, make(chan struct{})
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	sampled := make(chan struct{})
	go func() {
		defer close(sampled)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			peak.Store(max(peak.Load(), liveAtLastCollection()))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	var differences, progress []string
	r := reconciling.Reconciler{
		DB: db, Journal: journal.New(db, "/payments-core"), Kafka: client, Gateway: records{n: n}, Patience: 2 * time.Second,
		Report:   func(d string) { differences = append(differences, d) },
		Progress: func(how string) { progress = append(progress, how) },
	}
	began := time.Now()
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	close(stop)
	<-sampled

	// then there is no difference, and it took little
	if len(differences) > 0 {
		t.Errorf("%d differences, the first: %s", len(differences), differences[0])
	}
	grown := int64(peak.Load()) - int64(base)
	t.Logf("%d payments in %s, %d MiB beyond what was there", n, took.Round(time.Millisecond), grown>>20)
	if grown > 24<<20 {
		t.Errorf("it took %d MiB", grown>>20)
	}
	if took > 3*time.Second && len(progress) == 0 {
		t.Error("it said nothing meanwhile")
	}
}

// live is what is in use now.
func live() uint64 {
	runtime.GC()
	return liveAtLastCollection()
}

func liveAtLastCollection() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// publish writes the events of n payments.
func publish(t *testing.T, broker string, n int) {
	t.Helper()
	w := &kafkago.Writer{Addr: kafkago.TCP(broker), Topic: "", Balancer: kafkago.Murmur2Balancer{}, RequiredAcks: kafkago.RequireAll,
		BatchTimeout: time.Millisecond, BatchSize: 5000, Transport: &kafkago.Transport{}}
	defer func() { _ = w.Close() }()
	amount := money.Amount{Minor: 1000, Currency: "EUR"}
	var messages []kafkago.Message
	flush := func() {
		if err := w.WriteMessages(t.Context(), messages...); err != nil {
			t.Fatal(err)
		}
		messages = messages[:0]
	}
	add := func(topic string, e event.Event) {
		if e.Time.IsZero() {
			e.Time, e.Meta = time.Now(), event.Meta{Actor: "mia", ActorName: "Mia Weber", CorrelationID: "c"}
		}
		if e.Type == payment.TypeRequested {
			e.Actor, e.ActorName = "ada", "Ada Nowak"
		}
		messages = append(messages, kafka.Encode(topic, e))
	}
	for i := range n {
		id, order := paymentID(i), ""
		if i%4 == 0 {
			order = fmt.Sprintf("01b00000-0000-7000-8000-%012x", i)
			history := ordertest.Submitted(order, amount)
			history.Append(event.Meta{CorrelationID: "c"}, orders.Paid{PaymentID: id})
			for _, e := range history.Events() {
				add(orders.Topic, e)
			}
		}
		add(payment.Topic, payment.New("/contractor-ui", id, payment.Requested{PaymentID: id, ContractorID: "ada", Amount: amount, Description: "A fence",
			OrderID: order, CaptureMethod: payment.Automatic}))
		add(payment.Topic, payment.New("/manager-ui", id, payment.Accepted{}))
		add(payment.Topic, payment.New("/payments-core", id, payment.Authorized{GatewayReference: "r"}))
		add(payment.Topic, payment.New("/payments-core", id, payment.Captured{GatewayReference: "r", Amount: amount}))
		if len(messages) >= 5000 {
			flush()
		}
	}
	flush()
}

// record puts what the topic holds into the journal, with the operations that belong to it.
func record(t *testing.T, db *pg.DB, client *kafka.Client) {
	t.Helper()
	ctx := t.Context()
	partitions, err := client.Offsets(ctx, "", payment.Topic, orders.Topic)
	if err != nil {
		t.Fatal(err)
	}
	logs := map[string]int64{}
	var events, operations, received [][]any
	if err := client.Events(ctx, partitions, func(p kafka.Partition, offset int64, e event.Event) error {
		stream := payment.Stream(e.Subject)
		if p.Topic == orders.Topic {
			stream = orders.Stream(e.Subject)
		}
		logs[stream]++
		events = append(events, []any{stream, logs[stream], logs[stream], e.ID, e.Type, e.Source, e.Subject, e.Time, e.DataSchema, e.Sequence,
			e.CorrelationID, e.CausationID, e.Actor, e.ActorName, e.TraceParent, string(e.Data), p.Topic, int32(p.ID), offset})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		received = append(received, []any{p.Topic, int32(p.ID), p.First, p.End, p.End})
	}
	for stream := range logs {
		id, ok := strings.CutPrefix(stream, payment.Stream(""))
		if !ok {
			continue
		}
		for _, kind := range []string{"authorize", "capture"} {
			operations = append(operations, []any{id, kind, int32(1), "succeeded", int64(1000), "EUR", time.Now(), time.Now()})
		}
	}
	for _, c := range []struct {
		table   string
		columns []string
		rows    [][]any
	}{
		{"journal", []string{"stream", "version", "log", "event_id", "type", "source", "subject", "time", "data_schema", "sequence",
			"correlation_id", "causation_id", "actor", "actor_name", "trace_parent", "data", "topic", "partition", "offset"}, events},
		{"consumer_positions", []string{"topic", "partition", "first", "next", "target"}, received},
		{"operations", []string{"payment_id", "kind", "n", "state", "amount", "currency", "opened_at", "closed_at"}, operations},
	} {
		if _, err := db.Pool().CopyFrom(ctx, pgx.Identifier{c.table}, c.columns, pgx.CopyFromRows(c.rows)); err != nil {
			t.Fatalf("%s: %v", c.table, err)
		}
	}
	if _, err := db.Pool().Exec(ctx, "insert into streams select stream, count(*), count(*) from journal group by 1"); err != nil {
		t.Fatal(err)
	}
}
