package history

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/schema"
)

// Whereabouts is how far an event has come, as far as this service knows.
type Whereabouts struct {
	InOutbox bool  // Kafka has not acknowledged it
	Next     int64 // the offset that is received next of its partition; 0 where it has none yet
	InCopy   bool  // the read model has it
	Copied   bool  // the read model has such a row at all
	Unpushed bool  // open pages have not been sent it
}

// unpushedLooked bounds how much of the list of unpushed changes is looked through.
const unpushedLooked = 1000

// whereabouts takes the event's position, topic, partition and stream.
const whereabouts = `select exists (select from outbox where position = $1),
	coalesce((select next from consumer_positions where topic = $2 and partition = $3), 0),
	exists (select from (select stream from unpushed order by id limit $5) as oldest where stream = $4)`

// copies are the tables of the read model that a revision of a stream can be read from, by its prefix.
var copies = map[string]string{payment.Stream(""): "payment_rows", order.Stream(""): "order_rows"}

// Where tells how far an event has come.
func (r *Reader) Where(ctx context.Context, e Event) (w Whereabouts, err error) {
	err = r.db.Pool().QueryRow(ctx, whereabouts, e.Position, e.Topic, e.Partition, e.Stream, unpushedLooked).Scan(&w.InOutbox, &w.Next, &w.Unpushed)
	if err != nil {
		return w, fmt.Errorf("look how far an event has come: %w", err)
	}
	for prefix, table := range copies {
		id, is := strings.CutPrefix(e.Stream, prefix)
		if !is || !schema.IsID(id) { // an event of an unknown type may be about anything
			continue
		}
		// A row has the revision of its stream, which counts appends and confirmations.
		err = r.db.Pool().QueryRow(ctx, "select revision >= $2 from "+table+" where id = $1", id, e.Version+e.Log).Scan(&w.InCopy)
		w.Copied = !errors.Is(err, pgx.ErrNoRows)
		if err != nil && w.Copied {
			return w, fmt.Errorf("look how far the read model is: %w", err)
		}
	}
	return w, nil
}

// Asked is what the gateway is known to be asked about a payment, since a manager commanded it; nothing where
// there is no such payment.
func (r *Reader) Asked(ctx context.Context, paymentID string) (kind payment.OperationKind, err error) {
	if paymentID == "" {
		return kind, nil
	}
	err = r.db.Pool().QueryRow(ctx, "select kind from under_way where payment_id = $1", paymentID).Scan(&kind)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return kind, fmt.Errorf("look what is under way of a payment: %w", err)
	}
	return kind, nil
}
