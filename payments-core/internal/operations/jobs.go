package operations

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/tracing"
	"countersign.example/pkg/wait"
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
}

func (t Timing) orDefault() Timing {
	if t.JobTimeout == 0 {
		t.JobTimeout = 15 * time.Second
	}
	if t.RescueAfter == 0 {
		t.RescueAfter = 30 * time.Second
	}
	return t
}

// concurrency is how many calls a process makes at once. They wait for the gateway most of the time, and hold
// a database connection only to record an outcome.
const concurrency = 48

// Run works the jobs until ctx ends. Then it waits for calls for a moment, and cancels them: their outcome is
// unknown, and the next worker asks again with the same key.
func Run(ctx context.Context, service *Service, caller *Caller, timing Timing, log *slog.Logger) error {
	timing = timing.orDefault()
	workers := river.NewWorkers()
	river.AddWorker(workers, caller)
	river.AddWorker(workers, &reconsiderWorker{service: service})
	id, away := uuid.NewString(), &outage{log: log}
	client, err := river.NewClient(riverpgxv5.New(service.db.Pool()), &river.Config{
		ID:                   id,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: concurrency}},
		Workers:              workers,
		Logger:               riverLog(away),
		JobTimeout:           timing.JobTimeout,
		RescueStuckJobsAfter: timing.RescueAfter,
		FetchCooldown:        20 * time.Millisecond,
		// A notification is sent for the first job of a burst only; this finds the rest.
		FetchPollInterval: 100 * time.Millisecond,
		SoftStopTimeout:   2 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("make the job workers: %w", err)
	}
	lease := &workerLease{db: service.db, id: id, log: log, away: away}
	defer lease.release(ctx)
	if !start(ctx, lease, client, log) {
		return nil
	}
	lease.watch(ctx)
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return client.Stop(stopCtx)
}

// start starts the client once the database answers and this worker has its lease. It returns false when ctx
// ends first.
func start(ctx context.Context, lease *workerLease, client *river.Client[pgx.Tx], log *slog.Logger) bool {
	for warned := false; ; warned = true {
		beginCtx, cancel := context.WithTimeout(ctx, leaseTimeout)
		err := lease.acquire(beginCtx)
		cancel()
		if err == nil {
			// Its context must not end before Stop is called, or the jobs' would end at once too.
			err = client.Start(context.WithoutCancel(ctx))
		}
		if err == nil {
			return true
		}
		if !warned && ctx.Err() == nil {
			log.WarnContext(ctx, "jobs cannot be worked yet", "error", err)
		}
		if !wait.Sleep(ctx, time.Second) {
			return false
		}
	}
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
