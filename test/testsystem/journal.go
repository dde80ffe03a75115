package testsystem

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// record is a row of a service's journal, as the oracle reads it: with SQL of its own.
type record struct {
	Stream    string
	Log       int64 // 0 while pending
	ID        uuid.UUID
	Type      string
	Source    string
	Subject   string
	Time      time.Time
	Actor     string
	ActorName string
	Data      []byte
}

// eachPayment calls each with every payment as a service's journal has it. It keeps the events of one at a
// time.
func eachPayment(ctx context.Context, conn *pgx.Conn, each func(id string, p payment.Payment) error) error {
	rows, err := conn.Query(ctx, `select stream, coalesce(log, 0), coalesce(shared_id, event_id), type, source, subject, time, actor, actor_name, data
		from journal where starts_with(stream, $1) order by stream, log nulls last, version`, payment.Stream(""))
	if err != nil {
		return err
	}
	defer rows.Close()
	var entries []payment.Entry
	var stream string
	folded := func() error {
		if len(entries) == 0 {
			return nil
		}
		p, _ := payment.Fold(entries)
		return each(entries[0].Subject, p)
	}
	for rows.Next() {
		n, err := pgx.RowToStructByPos[record](rows)
		if err != nil {
			return err
		}
		if n.Stream != stream {
			if err := folded(); err != nil {
				return err
			}
			stream, entries = n.Stream, nil
		}
		entries = append(entries, payment.Entry{Confirmed: n.Log > 0, Event: event.Event{ID: n.ID, Type: n.Type, Source: n.Source, Subject: n.Subject,
			Time: n.Time.UTC(), Data: n.Data, Meta: event.Meta{Actor: n.Actor, ActorName: n.ActorName}}})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return folded()
}
