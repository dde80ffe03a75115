package expiring

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// paymentStreams begin so in the journal.
const paymentStreams = "payment-"

// fact is what matters here of an event of a payment; the rest of it is payments-core's.
type fact struct {
	Type string
	Data json.RawMessage
}

// takesItsCourse tells whether nobody is asked any more about a payment and its outcome is not known yet: it captures
// by itself, and was accepted. facts are in the log's order; what the log has decided before is not undone.
func takesItsCourse(facts []fact) bool {
	var automatic, accepted, ended bool
	for _, f := range facts {
		switch f.Type {
		case "payment_requested":
			var requested struct {
				CaptureMethod string `json:"capture_method"`
			}
			automatic = json.Unmarshal(f.Data, &requested) == nil && requested.CaptureMethod == "automatic"
		case "payment_accepted":
			accepted = true
		case "payment_withdrawn", "payment_rejected":
			ended = ended || !accepted
		case "payment_declined":
			var declined struct {
				Final bool `json:"final"`
			}
			ended = ended || json.Unmarshal(f.Data, &declined) == nil && declined.Final
		case "payment_captured", "payment_released", "payment_refunded", "payment_cancelled":
			ended = true
		}
	}
	return automatic && accepted && !ended
}

// underWay tells whether the outcome of a payment among streams is to be waited for. Their case is locked.
func underWay(ctx context.Context, tx *pg.Tx, streams []string) (bool, error) {
	payments := map[string][]fact{}
	rows, err := tx.Query(ctx, `select stream, type, data from journal where stream = any($1) and stream like 'payment-%'
		order by stream, log nulls last, version`, streams)
	if err != nil {
		return false, fmt.Errorf("read an order's payments: %w", err)
	}
	var stream string
	var f fact
	_, err = pgx.ForEachRow(rows, []any{&stream, &f.Type, (*[]byte)(&f.Data)}, func() error {
		payments[stream] = append(payments[stream], fact{f.Type, append(json.RawMessage(nil), f.Data...)})
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("read an order's payments: %w", err)
	}
	for _, facts := range payments {
		if takesItsCourse(facts) {
			return true, nil
		}
	}
	return false, nil
}

// Project has orders looked at again whose payment has news: what held them back may be over. It is a
// journal.Projector.
func (s *Sweeper) Project(ctx context.Context, tx *pg.Tx, streams []journal.Stream) error {
	var payments []string
	for _, stream := range streams {
		if strings.HasPrefix(stream.ID, paymentStreams) {
			payments = append(payments, stream.ID)
		}
	}
	if len(payments) == 0 {
		return nil
	}
	// The transaction holds these cases, so no two of these wait for each other. After a failure the wait goes on.
	_, err := tx.Exec(ctx, `update deadlines set sweep_at = due_at where sweep_at > due_at and failures = 0
		and order_id = any (array(select case_id from case_members where stream = any($1)))`, payments)
	if err != nil {
		return fmt.Errorf("look at deadlines again: %w", err)
	}
	return nil
}
