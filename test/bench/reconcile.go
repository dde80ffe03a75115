package main

import (
	"context"
	"fmt"
	"io"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/deploy/reconcile"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/money"
	waiting "countersign.example/pkg/wait"
	"countersign.example/test/testsystem"
)

const eventsOfPayment = 4

// reconciled measures how long `countersign reconcile` takes with many payments, and how much memory.
func reconciled(e *environment) {
	sys := testsystem.New(e, testsystem.Unlimited...)
	stop(sys, testsystem.Core, testsystem.Ordering)
	n := *reconciledPayments
	check(pay(e.ctx, sys.Parts.Brokers, sys.Keys, n))
	// The web apps receive it. The cores would take their own events for forged ones: their journals are copied.
	for _, app := range []string{testsystem.Contractor, testsystem.Manager} {
		conn := must(pgx.Connect(e.ctx, sys.Database[app]))
		for received := 0; received < n*eventsOfPayment && waiting.Sleep(e.ctx, lookAtMemory); {
			check(conn.QueryRow(e.ctx, "select coalesce(sum(next), 0)::bigint from consumer_positions where topic = $1", payment.Topic).Scan(&received))
		}
		check(conn.Close(e.ctx))
	}
	for _, core := range []string{testsystem.Core, testsystem.Ordering} {
		copyTable(e.ctx, sys, core, "streams", "stream, version, log")
		copyTable(e.ctx, sys, core, "journal", `stream, version, log, event_id, type, source, subject, time, data_schema, sequence, correlation_id, causation_id,
			actor, actor_name, trace_parent, data, topic, partition, "offset"`)
		execute(e.ctx, sys, core, "delete from consumer_positions")
		copyTable(e.ctx, sys, core, "consumer_positions", "topic, partition, first, next, target")
	}
	execute(e.ctx, sys, testsystem.Core, `insert into operations (payment_id, kind, n, state, amount, currency, closed_at)
		select subject, replace(replace(type, 'payment_', ''), 'authorized', 'authorize'), 1, 'succeeded', 1000, 'EUR', now() from journal where type = 'payment_authorized'
		union all select subject, 'capture', 1, 'succeeded', 1000, 'EUR', now() from journal where type = 'payment_captured'`)
	execute(e.ctx, sys, testsystem.Gateway, fmt.Sprintf(`insert into requests (key, fingerprint, kind, payment_id, amount, outcome, answered_at, answer)
		select id || ':' || kind || ':1', '', kind, id, 1000, 'approved', now(), json_build_object('key', id || ':' || kind || ':1', 'kind', kind, 'payment_id', id,
			'amount', json_build_object('amount', 1000, 'currency', 'EUR'), 'outcome', 'approved', 'reference', 'r', 'expires_at', '2030-01-01T00:00:00Z', 'at', '2026-01-01T00:00:00Z')
		from (select '%s' || lpad(to_hex(n), 12, '0') as id from generate_series(0, %d) n) p, (values ('authorize'), ('capture')) kinds (kind)`, paidPrefix, n-1))

	var most atomic.Uint64
	ctx, done := context.WithCancel(e.ctx)
	go func() {
		for waiting.Sleep(ctx, 20*time.Millisecond) {
			sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
			metrics.Read(sample)
			most.Store(max(most.Load(), sample[0].Value.Uint64()))
		}
	}()
	config := sys.ReconcileConfig()
	config.Progress = func(how string) { fmt.Println(how) }
	report := must(reconcile.Run(e.ctx, config))
	done()
	if report.Count > 0 {
		e.Fatalf("%d differences, the first: %s", report.Count, report.Differences[0])
	}
	t := newTable("", "payments", "events", "took (s)", "live memory, with the broker's (MB)")
	t.add("reconcile", fmt.Sprint(report.Compared.Payments), fmt.Sprint(report.Compared.Events), fmt.Sprintf("%.1f", report.Seconds), fmt.Sprint(most.Load()>>20))
	t.print()
}

const paidPrefix = "0193f3a0-0000-7000-8000-"

// pay writes the events of n payments that were captured to the topic.
func pay(ctx context.Context, brokers string, keys *kafkatest.Keys, n int) error {
	writer := &kafkago.Writer{Addr: kafkago.TCP(brokers), Balancer: kafkago.Murmur2Balancer{}, RequiredAcks: kafkago.RequireAll,
		BatchSize: produceBatch, BatchBytes: 2 << 20, BatchTimeout: 10 * time.Millisecond}
	defer func() { _ = writer.Close() }()
	amount := money.Amount{Minor: 10_00, Currency: "EUR"}
	var batch []kafkago.Message
	for i := range n {
		id := fmt.Sprintf("%s%012x", paidPrefix, i)
		for _, e := range []event.Event{
			payment.New("/contractor-ui", id, payment.Requested{PaymentID: id, ContractorID: "ada-nowak", Amount: amount, Description: "A fence", CaptureMethod: payment.Automatic}),
			payment.New("/manager-ui", id, payment.Accepted{}),
			payment.New("/payments-core", id, payment.Authorized{GatewayReference: "r"}),
			payment.New("/payments-core", id, payment.Captured{GatewayReference: "r", Amount: amount}),
		} {
			e.Time, e.Meta = time.Now(), event.Meta{Actor: "mia-weber", ActorName: "Mia Weber", CorrelationID: uuid.NewString()}
			if e.Type == payment.TypeRequested {
				e.Actor, e.ActorName = "ada-nowak", "Ada Nowak"
			}
			batch = append(batch, keys.Encode(payment.Topic, e))
		}
		if len(batch) >= produceBatch || i == n-1 {
			if err := writer.WriteMessages(ctx, batch...); err != nil {
				return fmt.Errorf("produce: %w", err)
			}
			batch = batch[:0]
		}
	}
	return nil
}

// copyTable copies a table of contractor-ui's database into that of a core.
func copyTable(ctx context.Context, sys *testsystem.System, core, table, columns string) {
	from, to := must(pgx.Connect(ctx, sys.Database[testsystem.Contractor])), must(pgx.Connect(ctx, sys.Database[core]))
	read, write := io.Pipe()
	go func() {
		_, err := from.PgConn().CopyTo(ctx, write, "copy (select "+columns+" from "+table+") to stdout (format binary)")
		_ = write.CloseWithError(err)
	}()
	_, err := to.PgConn().CopyFrom(ctx, read, "copy "+table+" ("+columns+") from stdin (format binary)")
	check(err, "copy ", table)
	check(from.Close(ctx))
	check(to.Close(ctx))
}

func execute(ctx context.Context, sys *testsystem.System, service, statement string) {
	conn := must(pgx.Connect(ctx, sys.Database[service]))
	_, err := conn.Exec(ctx, statement)
	check(err, service)
	check(conn.Close(ctx))
}
