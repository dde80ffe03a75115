package testsystem

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/kafka"
)

// consumers are the services that have a journal, and consumed the topics that each of them consumes.
var (
	consumers = []string{Core, Ordering, Contractor, Manager}
	consumed  = map[string][]string{
		Core:       {payment.Topic, order.Topic},
		Ordering:   {payment.Topic, order.Topic, catalog.Topic},
		Contractor: {payment.Topic, order.Topic, catalog.Topic},
		Manager:    {payment.Topic, order.Topic, catalog.Topic},
	}
)

// Settle waits until nothing is under way: every event is in its topic and has come back, every
// consumer group is at the topic's end, open pages have been updated, and the core wants nothing
// more of the gateway.
func (s *System) Settle(tb testing.TB) {
	tb.Helper()
	before := int64(-1)
	Eventually(tb, "everything is settled", func() error {
		end, err := s.settled()
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
func (s *System) settled() (end int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.idle(ctx, Core, "operations that are open", "select count(*) from operations where state = 'open'"); err != nil {
		return 0, err
	}
	for _, service := range consumers {
		if err := s.idle(ctx, service, "events not in Kafka", "select count(*) from outbox"); err != nil {
			return 0, err
		}
		if err := s.idle(ctx, service, "events not received back", "select count(*) from journal where log is null"); err != nil {
			return 0, err
		}
		if service == Core || service == Ordering {
			continue // nobody looks at their pages
		}
		if err := s.idle(ctx, service, "changes not pushed to open pages", "select count(*) from unpushed"); err != nil {
			return 0, err
		}
	}
	client := kafka.Open("oracle", s.Parts.Brokers)
	defer client.Close()
	for _, service := range consumers {
		partitions, err := client.Offsets(ctx, service, consumed[service]...)
		if err != nil {
			return 0, err
		}
		for _, p := range partitions {
			if end += p.End; p.Lag() > 0 {
				return 0, fmt.Errorf("%s has not received %d of %s/%d", service, p.Lag(), p.Topic, p.ID)
			}
		}
	}
	return end, s.noNextStep(ctx)
}

// noNextStep asks the rules whether payments-core has something to do that it has not begun, such as a try
// that waits for its time.
func (s *System) noNextStep(ctx context.Context) error {
	stories, err := s.stories(ctx, Core)
	if err != nil {
		return err
	}
	for id, story := range stories {
		if next, _ := story.Payment.NextStep(); next != payment.NoOperation {
			return fmt.Errorf("%s of payment %s is still to come", next, id)
		}
	}
	return nil
}

// idle returns an error if the count that sql asks for is not 0.
func (s *System) idle(ctx context.Context, service, what, sql string) error {
	conn, err := pgx.Connect(ctx, s.Database[service])
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var n int
	if err := conn.QueryRow(ctx, sql).Scan(&n); err != nil {
		return fmt.Errorf("%s: %w", service, err)
	}
	if n > 0 {
		return fmt.Errorf("%s: %d %s", service, n, what)
	}
	return nil
}
