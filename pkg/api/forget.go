package api

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"countersign.example/pkg/pg"
)

const (
	// commandsKept is how long a command's answer is given again; nobody repeats a request for longer.
	commandsKept = 30 * 24 * time.Hour
	forgetEvery  = 24 * time.Hour
	// forgetAtOnce keeps each deletion well within the time limit of a statement.
	forgetAtOnce = 5000
	forgetRetry  = 5 * time.Minute
)

// Forget is a part of a service that deletes old commands, at its start and daily. Every replica may run it.
func Forget(db *pg.DB, log *slog.Logger) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		for {
			next := forgetEvery
			if err := forget(ctx, db, time.Now().Add(-commandsKept)); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "old commands could not be deleted, which will be tried again", "error", err)
				next = forgetRetry
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(next):
			}
		}
	}
}

// forget deletes in portions, each by itself: what a time limit cuts off, the next try goes on with.
func forget(ctx context.Context, db *pg.DB, before time.Time) error {
	for {
		tag, err := db.Pool().Exec(ctx, `delete from commands where ctid = any (array(
			select ctid from commands where recorded_at < $1 order by recorded_at limit $2))`, before, forgetAtOnce)
		if err != nil {
			return fmt.Errorf("forget old commands: %w", err)
		}
		if tag.RowsAffected() < forgetAtOnce {
			return nil
		}
	}
}
