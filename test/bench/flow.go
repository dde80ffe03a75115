package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/test/testsystem"
)

// flow is one payment's way to the open page.
type flow struct {
	payment             string
	due, answered, seen time.Time
}

func (j flow) took() time.Duration { return j.seen.Sub(j.due) }

// addStages says when the payments were where. The databases' clock is this machine's.
func addStages(ctx context.Context, t *table, name string, sys *testsystem.System, all []flow) error {
	written, err := recorded(ctx, sys.Database[testsystem.Contractor], all)
	if err != nil {
		return err
	}
	heard, err := recorded(ctx, sys.Database[testsystem.Manager], all)
	if err != nil {
		return err
	}
	cell := func(of func(j flow) time.Duration) string {
		times := durations(all, of)
		return ms(percentile(times, 50)) + " / " + ms(percentile(times, 99))
	}
	t.add(name,
		cell(func(j flow) time.Duration { return written[j.payment].Sub(j.due) }),
		cell(func(j flow) time.Duration { return heard[j.payment].Sub(written[j.payment]) }),
		cell(func(j flow) time.Duration { return j.seen.Sub(heard[j.payment]) }),
		cell(func(j flow) time.Duration { return j.answered.Sub(j.due) }))
	return nil
}

// recorded is when the journal at url recorded the requests.
func recorded(ctx context.Context, url string, all []flow) (map[string]time.Time, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	ids := make([]string, len(all))
	for i, j := range all {
		ids[i] = j.payment
	}
	rows, err := conn.Query(ctx, "select subject, recorded_at from journal where type = 'payment_requested' and subject = any($1)", ids)
	if err != nil {
		return nil, fmt.Errorf("read when requests were recorded: %w", err)
	}
	at := make(map[string]time.Time, len(all))
	var id string
	var when time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &when}, func() error {
		at[id] = when
		return nil
	})
	return at, err
}
