package journal

import (
	"context"
	"fmt"

	"countersign.example/pkg/pg"
)

// Touch has streams pushed to open pages again although nothing was written to them, because what they show
// has changed with another stream. Their revision on the pages must have grown by itself. Touch locks
// nothing.
func (j *Journal) Touch(ctx context.Context, tx *pg.Tx, streams ...string) error {
	if !j.live || len(streams) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, "insert into unpushed (stream) select distinct unnest($1::text[])", streams); err != nil {
		return fmt.Errorf("have streams pushed again: %w", err)
	}
	j.notifyAfter(tx, false, streams...)
	return nil
}
