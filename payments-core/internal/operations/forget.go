package operations

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"countersign.example/pkg/pg"
)

const (
	// commandsKept is how long a command's answer is given again; nobody repeats a request for longer.
	commandsKept = 30 * 24 * time.Hour
	forgetEvery  = 24 * time.Hour
	// forgetAtOnce keeps each deletion well within the time limit of a statement.
	forgetAtOnce = 5000
)

// forgetArgs is the job of deleting old commands.
type forgetArgs struct{}

func (forgetArgs) Kind() string { return "commands_forget" }

// forgetDaily also runs at the start: River does not remember over a restart when it ran last.
func forgetDaily() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(forgetEvery),
		func() (river.JobArgs, *river.InsertOpts) { return forgetArgs{}, nil }, &river.PeriodicJobOpts{RunOnStart: true})
}

type forgetWorker struct {
	river.WorkerDefaults[forgetArgs]
	db *pg.DB
}

// Work deletes in portions, each by itself: what a time limit cuts off, the next try goes on with.
func (w *forgetWorker) Work(ctx context.Context, _ *river.Job[forgetArgs]) error {
	for {
		tag, err := w.db.Pool().Exec(ctx, `delete from commands where ctid = any (array(
			select ctid from commands where recorded_at < $1 order by recorded_at limit $2))`,
			time.Now().Add(-commandsKept), forgetAtOnce)
		if err != nil {
			return fmt.Errorf("forget old commands: %w", err)
		}
		if tag.RowsAffected() < forgetAtOnce {
			return nil
		}
	}
}
