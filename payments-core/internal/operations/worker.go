package operations

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

// concurrency is how many calls a process makes at once. They wait for the gateway most of the time, and hold
// a database connection only to record an outcome.
const concurrency = 48

// stopWithin bounds the end of a worker, and abandonWithin that of one whose database is gone: River tries
// for a while to store in it what was done.
const (
	stopWithin    = 5 * time.Second
	abandonWithin = time.Minute
)

// Run works the jobs until ctx ends. Then it waits for calls for a moment, and cancels them: their outcome is
// unknown, and the next worker asks again with the same key.
func Run(ctx context.Context, service *Service, caller *Caller, timing Timing, log *slog.Logger) error {
	timing = timing.orDefault()
	var former sync.WaitGroup
	defer former.Wait()
	for away := (&outage{log: log}); ; away = away.next() {
		w, err := newWorker(service, caller, timing, away)
		if err != nil {
			return err
		}
		within, started := w.start(ctx)
		if started {
			w.lease.watch(within)
		}
		if ctx.Err() == nil {
			w.lease.release(ctx)
			former.Go(func() { w.abandon(ctx) })
			continue
		}
		defer w.lease.release(ctx)
		if !started {
			return nil
		}
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		return w.client.Stop(stopCtx)
	}
}

// worker works jobs in one incarnation of the database. Where a standby has taken over that lacks the last
// second, or a backup was restored, a job that was done may be to do again, and another one may have its
// number. So what a worker remembers dies with the incarnation: another worker takes its place, and does what
// the database says.
type worker struct {
	service *Service
	client  *river.Client[pgx.Tx]
	lease   *workerLease
	log     *slog.Logger
}

func newWorker(service *Service, caller *Caller, timing Timing, away *outage) (*worker, error) {
	kinds := river.NewWorkers()
	river.AddWorker(kinds, caller)
	river.AddWorker(kinds, &reconsiderWorker{service: service})
	lease := &workerLease{db: service.db, id: uuid.NewString(), log: away.log, away: away, lostAfter: timing.LostAfter}
	client, err := river.NewClient(riverpgxv5.New(service.db.Pool()), &river.Config{
		ID:                   lease.id,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: concurrency}},
		Workers:              kinds,
		Middleware:           []rivertype.Middleware{river.WorkerMiddlewareFunc(lease.hands.work)},
		Logger:               riverLog(away),
		JobTimeout:           timing.JobTimeout,
		RescueStuckJobsAfter: timing.RescueAfter,
		FetchCooldown:        20 * time.Millisecond,
		// A notification is sent for the first job of a burst only; this finds the rest.
		FetchPollInterval: 100 * time.Millisecond,
		SoftStopTimeout:   2 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("make the job workers: %w", err)
	}
	return &worker{service: service, client: client, lease: lease, log: away.log}, nil
}

// start starts the client once the database answers and this worker has its lease, and returns a context that
// is for this incarnation of the database alone. It returns false when ctx ends first.
func (w *worker) start(ctx context.Context) (within context.Context, started bool) {
	for warned := false; ; warned = true {
		within, err := w.begin(ctx)
		if err == nil {
			return within, true
		}
		if !warned && ctx.Err() == nil {
			w.log.WarnContext(ctx, "jobs cannot be worked yet", "error", err)
		}
		w.lease.release(ctx)
		if !wait.Sleep(ctx, time.Second) {
			return nil, false
		}
	}
}

func (w *worker) begin(ctx context.Context) (within context.Context, err error) {
	beginCtx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	incarnation, err := w.service.db.Incarnation(beginCtx)
	if err != nil {
		return nil, err
	}
	if err := w.lease.acquire(pg.OnlyIn(beginCtx, incarnation)); err != nil {
		return nil, err
	}
	within = pg.OnlyIn(ctx, incarnation)
	// Its context must not end before Stop is called, or the jobs' would end at once too.
	return within, w.client.Start(context.WithoutCancel(within))
}

// abandon ends a worker whose incarnation of the database is over. Nothing of what it does can be recorded
// any more, so nobody waits for it when ctx ends.
func (w *worker) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, abandonWithin)
	defer cancel()
	if err := w.client.StopAndCancel(ctx); err != nil {
		w.log.DebugContext(ctx, "a worker of the database that was is still ending", "error", err)
	}
}

// hands are the jobs that a worker knows it has.
type hands struct {
	mu   sync.Mutex
	jobs map[int64]struct{}
}

// work is River's middleware.
func (h *hands) work(ctx context.Context, job *rivertype.JobRow, do func(context.Context) error) error {
	h.mu.Lock()
	if h.jobs == nil {
		h.jobs = map[int64]struct{}{}
	}
	h.jobs[job.ID] = struct{}{}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.jobs, job.ID)
	}()
	return do(ctx)
}

func (h *hands) have(id int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, have := h.jobs[id]
	return have
}
