package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// answers returns one page of the records that have a definite answer.
func (s *Server) answers(ctx context.Context, payment, after string, limit int) ([]json.RawMessage, error) {
	texts, err := pg.Rows(ctx, s.db.Pool(), pgx.RowTo[string], `
		select answer from requests
		where key > $1 and ($2 = '' or payment_id = $2) and answer is not null
		order by key limit $3`, after, payment, limit)
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	answers := make([]json.RawMessage, len(texts))
	for i, text := range texts {
		answers[i] = json.RawMessage(text)
	}
	return answers, nil
}

// Audit checks the ledger: every hold is the sum of its approved answers, and was approved once. Its error
// names the holds for which that is not so.
func (s *Server) Audit(ctx context.Context) error {
	wrong, err := pg.Rows(ctx, s.db.Pool(), pgx.RowTo[string], `
		select h.reference
		from holds h
		left join requests r on r.reference = h.reference and r.outcome = 'approved'
		group by h.reference
		having count(*) filter (where r.kind = 'authorize') <> 1
		    or coalesce(sum(r.amount) filter (where r.kind = 'authorize'), 0) <> h.amount
		    or coalesce(sum(r.amount) filter (where r.kind = 'capture'), 0) <> h.captured
		    or coalesce(sum(r.amount) filter (where r.kind = 'release'), 0) <> h.released
		    or coalesce(sum(r.amount) filter (where r.kind = 'refund'), 0) <> h.refunded
		order by h.reference`)
	if err != nil {
		return fmt.Errorf("audit the books: %w", err)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("holds that are not the sum of their answers: %s", strings.Join(wrong, ", "))
	}
	return nil
}
