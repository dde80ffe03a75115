package testsystem

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/kafka"
)

// consumers are the services that have a journal, and Consumed the topics that each of them consumes.
var (
	consumers = []string{Core, Ordering, Contractor, Manager}
	Consumed  = map[string][]string{
		Core:       {payment.Topic, order.Topic},
		Ordering:   {payment.Topic, order.Topic, catalog.Topic},
		Contractor: {payment.Topic, order.Topic, catalog.Topic, people.Topic},
		Manager:    {payment.Topic, order.Topic, catalog.Topic, people.Topic},
	}
)

// unsettled are what a service has none of when it is settled. Nobody looks at the cores' pages.
var unsettled = []struct{ what, sql, of string }{
	{"operations that are open", "select count(*) from operations where state = 'open'", Core},
	{"events not in Kafka", "select count(*) from outbox", ""},
	{"events not received back", "select count(*) from journal where log is null", ""},
	{"changes not pushed to open pages", "select count(*) from unpushed", Contractor},
	{"changes not pushed to open pages", "select count(*) from unpushed", Manager},
}

// look looks whether all is settled, with one connection to each database.
type look struct {
	system *System
	conns  map[string]*pgx.Conn
}

// Settle waits until nothing is under way: every event is in its topic and has come back, every
// consumer group is at the topic's end, open pages have been updated, and the core wants nothing
// more of the gateway.
func (s *System) Settle(tb testing.TB) {
	tb.Helper()
	s.SettleWithin(tb, patience)
}

// SettleWithin is Settle for what may take longer.
func (s *System) SettleWithin(tb testing.TB, patience time.Duration) {
	tb.Helper()
	l := &look{s, map[string]*pgx.Conn{}}
	defer l.close()
	before := int64(-1)
	within(tb, patience, "everything is settled", func() error {
		end, err := l.settled()
		if err != nil {
			before = -1
			return err
		}
		// What one look finds at rest may have been in motion between two services: look twice.
		if end != before {
			before = end
			return fmt.Errorf("all have received %d", end)
		}
		return nil
	})
}

// settled returns how many messages all services together have received, or an error with what is under way.
func (l *look) settled() (end int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, service := range consumers {
		if err := l.idle(ctx, service); err != nil {
			return 0, err
		}
	}
	client := kafka.Open("oracle", l.system.Parts.Connection)
	defer client.Close()
	for _, service := range consumers {
		partitions, err := client.Offsets(ctx, service, Consumed[service]...)
		if err != nil {
			return 0, err
		}
		for _, p := range partitions {
			if end += p.End; p.Lag() > 0 {
				return 0, fmt.Errorf("%s has not received %d of %s/%d", service, p.Lag(), p.Topic, p.ID)
			}
		}
	}
	long, cancel := context.WithTimeout(context.Background(), time.Minute) // it reads a whole journal
	defer cancel()
	return end, l.noNextStep(long)
}

// noNextStep asks the rules whether payments-core has something to do that it has not begun, such as a try
// that waits for its time.
func (l *look) noNextStep(ctx context.Context) error {
	conn, err := l.conn(ctx, Core)
	if err != nil {
		return err
	}
	return eachPayment(ctx, conn, func(id string, p payment.Payment) error {
		if next, _ := p.NextStep(); next != payment.NoOperation {
			return fmt.Errorf("%s of payment %s is still to come", next, id)
		}
		return nil
	})
}

// idle returns an error if a service has something that is unsettled.
func (l *look) idle(ctx context.Context, service string) error {
	conn, err := l.conn(ctx, service)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, count := range unsettled {
		if count.of != "" && count.of != service {
			continue
		}
		batch.Queue(count.sql).QueryRow(func(row pgx.Row) error {
			var n int
			if err := row.Scan(&n); err != nil {
				return fmt.Errorf("%s: %w", service, err)
			}
			if n > 0 {
				return fmt.Errorf("%s: %d %s", service, n, count.what)
			}
			return nil
		})
	}
	return conn.SendBatch(ctx, batch).Close()
}

// conn is the connection to a service's database, or a new one where that is lost.
func (l *look) conn(ctx context.Context, service string) (*pgx.Conn, error) {
	if conn := l.conns[service]; conn != nil && !conn.IsClosed() {
		return conn, nil
	}
	conn, err := pgx.Connect(ctx, l.system.Database[service])
	if err == nil {
		l.conns[service] = conn
	}
	return conn, err
}

func (l *look) close() {
	for _, conn := range l.conns {
		_ = conn.Close(context.Background())
	}
}
