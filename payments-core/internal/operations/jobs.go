package operations

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/tracing"
)

// maxAttempts is in effect without end: a job about money is never discarded.
const maxAttempts = 30000

// callArgs is the job of one operation: call the gateway until it answers for good.
type callArgs struct {
	Operation int64 `json:"operation"`
}

func (callArgs) Kind() string { return "gateway_call" }

func (callArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: maxAttempts} }

// reconsiderArgs is the job of applying the rules to a payment when something is due: the end of the grace
// after its acceptance, another attempt after a decline, or the lapse of a hold. The same moment of the same
// payment is one job.
type reconsiderArgs struct {
	PaymentID string    `json:"payment_id"`
	At        time.Time `json:"at"`
}

func (reconsiderArgs) Kind() string { return "payment_reconsider" }

func (reconsiderArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: maxAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

func reconsiderAt(paymentID string, at time.Time) river.InsertManyParams {
	at = at.UTC().Truncate(time.Microsecond)
	return river.InsertManyParams{
		Args:       reconsiderArgs{PaymentID: paymentID, At: at},
		InsertOpts: &river.InsertOpts{ScheduledAt: at},
	}
}

type reconsiderWorker struct {
	river.WorkerDefaults[reconsiderArgs]
	service *Service
}

func (w *reconsiderWorker) NextRetry(*river.Job[reconsiderArgs]) time.Time {
	return time.Now().Add(Backoff(6))
}

func (w *reconsiderWorker) Work(ctx context.Context, job *river.Job[reconsiderArgs]) error {
	if early := time.Until(job.Args.At); early > 0 { // another process' clock is ahead
		return river.JobSnooze(early)
	}
	return w.service.db.InTx(ctx, func(tx *pg.Tx) error {
		locked, err := w.service.load(ctx, tx, job.Args.PaymentID)
		if err != nil {
			return err
		}
		ctx, end := tracing.Within(tracing.Resume(ctx, locked.cause.TraceParent), tracing.Job(job.Kind), nil)
		err = w.service.applyRules(ctx, tx, locked)
		end(err)
		return err
	})
}

// Timing bounds how long jobs take. The zero value is what production uses; tests set shorter times.
type Timing struct {
	JobTimeout  time.Duration // 15 s: longer than a call may take
	RescueAfter time.Duration // 30 s: when a job whose process was killed is taken up again
	LostAfter   time.Duration // 5 s: when a job is taken up again that a process has, and does not know of
}

func (t Timing) orDefault() Timing {
	if t.JobTimeout == 0 {
		t.JobTimeout = 15 * time.Second
	}
	if t.RescueAfter == 0 {
		t.RescueAfter = 30 * time.Second
	}
	if t.LostAfter == 0 {
		t.LostAfter = 5 * time.Second // River needs a second for what is done, or some more after an outage
	}
	return t
}

// JobMigrations are River's tables.
var JobMigrations = pg.Migrations{
	Name: "jobs",
	Up: func(ctx context.Context, pool *pgxpool.Pool) error {
		migrator, err := jobMigrator(pool)
		if err != nil {
			return err
		}
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	},
	Missing: func(ctx context.Context, pool *pgxpool.Pool) (string, error) {
		migrator, err := jobMigrator(pool)
		if err != nil {
			return "", err
		}
		result, err := migrator.Validate(ctx, nil)
		if err != nil || result.OK {
			return "", err
		}
		return strings.Join(result.Messages, "; "), nil
	},
}

func jobMigrator(pool *pgxpool.Pool) (*rivermigrate.Migrator[pgx.Tx], error) {
	return rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
}
