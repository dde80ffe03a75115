package journal

import (
	"context"
	"fmt"

	"countersign.example/pkg/pg"
)

// ReadWhere reads the events of all streams that a condition of SQL on the table journal selects, with their
// signatures, in the order of SQL that follows it. The condition must be one that an index bounds.
func (j *Journal) ReadWhere(ctx context.Context, q pg.Querier, where string, args ...any) ([]Record, error) {
	records, err := pg.Rows(ctx, q, scanSigned, "select "+recordColumns+", key_id, signature, signed_attributes from journal where "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return records, nil
}
