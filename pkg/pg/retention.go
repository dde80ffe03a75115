package pg

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"countersign.example/pkg/wait"
)

// Retention is how long rows are kept that are not needed any more.
type Retention struct {
	Name string // of what is deleted, for the log
	// Delete is a statement that deletes or empties at most $2 rows that have not been needed since $1. It
	// finds them without reading the rows that stay.
	Delete string
	Kept   time.Duration // since then
}

const (
	retentionEvery = time.Hour
	// retentionBatch keeps each statement well within the time limit of one.
	retentionBatch = 5000
	retentionRetry = 5 * time.Minute
)

// ApplyRetentions is a part of a service that deletes what is old, at its start and hourly. Every replica may
// run it.
func ApplyRetentions(db *DB, log *slog.Logger, retentions ...Retention) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		for {
			next := retentionEvery
			for _, r := range retentions {
				if _, err := r.Apply(ctx, db, time.Now()); err != nil && ctx.Err() == nil {
					log.WarnContext(ctx, "what is old could not be deleted, which will be tried again", "what", r.Name, "error", err)
					next = retentionRetry
				}
			}
			if !wait.Sleep(ctx, next) {
				return ctx.Err()
			}
		}
	}
}

// Apply deletes what was not needed any more at now, and returns how many rows that was. It works in batches,
// each a transaction: the next try goes on where a time limit cut this one off.
func (r Retention) Apply(ctx context.Context, db *DB, now time.Time) (forgotten int64, err error) {
	for {
		tag, err := db.pool.Exec(ctx, r.Delete, now.Add(-r.Kept), retentionBatch)
		if err != nil {
			return forgotten, fmt.Errorf("forget old %s: %w", r.Name, err)
		}
		forgotten += tag.RowsAffected()
		if tag.RowsAffected() < retentionBatch {
			return forgotten, nil
		}
	}
}
