package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/tracing"
	"countersign.example/pkg/wait"
)

const (
	pushLimit   = 500              // rows of `unpushed` taken at once
	pollPause   = time.Second      // the safety net under the notifications
	pushTimeout = 15 * time.Second // for rendering and pushing one batch
	heldFor     = 30 * time.Second // until a stream that could not be rendered is tried again

	// After a push of rows the pusher rests as long as that took, and no longer than rowsRest: what changes
	// alone is pushed at once, and under load a push holds what has changed in a while, each thing once.
	rowsRest      = 25 * time.Millisecond
	fragmentsRest = 50 * time.Millisecond
)

// Pusher turns the list `unpushed` into entries of the app's stream. Every replica runs one; one of them at a
// time works.
type Pusher struct {
	db       *pg.DB
	stream   stream
	renderer Renderer
	log      *slog.Logger
	rows     chan struct{} // there may be unpushed rows
	stale    chan struct{} // there may be stale audiences
	took     prometheus.Histogram
}

// NewPusher prepares the pusher of app.
func NewPusher(db *pg.DB, client *redis.Client, app string, renderer Renderer, log *slog.Logger) *Pusher {
	return &Pusher{
		db: db, stream: newStream(client, app), renderer: renderer, log: log,
		rows: make(chan struct{}, 1), stale: make(chan struct{}, 1),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "live_push_duration_seconds",
			Help:    "Time from reading what has changed until Redis has it, for all that was read at once.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
}

// Collectors are the pusher's metrics, for the registry of the service.
func (p *Pusher) Collectors() []prometheus.Collector { return []prometheus.Collector{p.took} }

// Run pushes whenever this replica is the one elected, until ctx ends. Redis, Postgres or a rendering that
// fails only delays.
func (p *Pusher) Run(ctx context.Context) error {
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() { p.db.Listen(ctx, "unpushed", func() { wait.Signal(p.rows) }) })
	return p.db.Lead(ctx, p.stream.key+":push", p.lead)
}

// lead pushes rows and, beside them, fragments, until ctx ends or another pusher has taken over. A former
// leader may not know that it is one. So the fence in Redis decides, which is the lease's token: what it
// rendered before the next leader began is either in the stream before the next one renders, or refused.
func (p *Pusher) lead(ctx context.Context, lease pg.Lease) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &leader{Pusher: p, lease: lease, fence: strconv.FormatInt(lease.Token, 10), held: map[string]time.Time{}, last: map[string]time.Time{}}
	err := p.persist(ctx, "take over", func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, pushTimeout)
		defer cancel()
		if l.head, err = p.stream.head(ctx, p.db); err != nil {
			return err
		}
		return p.stream.takeOver(ctx, l.fence)
	})
	if err != nil {
		return err
	}
	var both sync.WaitGroup
	both.Go(func() {
		cancel(l.loop(ctx, "push rows", p.rows, l.pushRows, func(took time.Duration) time.Duration { return min(took, rowsRest) }))
	})
	both.Go(func() {
		cancel(l.loop(ctx, "push badges and totals", p.stale, l.pushFragments, func(time.Duration) time.Duration { return fragmentsRest }))
	})
	both.Wait()
	return context.Cause(ctx)
}

// leader is a pusher during one term of leadership.
type leader struct {
	*Pusher
	lease pg.Lease
	fence string
	mu    sync.Mutex
	head  cursor               // of the last push
	held  map[string]time.Time // streams that could not be rendered, until when
	last  map[string]time.Time // audiences, when their fragments were last pushed
}

// loop works when it is notified and whenever work says that something is due later, with a rest in between.
func (l *leader) loop(ctx context.Context, what string, notify <-chan struct{}, work func(context.Context) (time.Duration, error),
	rest func(took time.Duration) time.Duration) error {
	for {
		began := time.Now()
		var next time.Duration
		err := l.persist(ctx, what, func() (err error) {
			workCtx, cancel := context.WithTimeout(ctx, pushTimeout)
			defer cancel()
			next, err = work(workCtx)
			return err
		})
		if err != nil {
			return err
		}
		pause := rest(time.Since(began))
		wait.Sleep(ctx, pause)
		timer := time.NewTimer(max(0, next-pause))
		select {
		case <-notify:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// persist tries until it works, ctx ends or another pusher has taken over. It logs the first failure and the
// recovery.
func (p *Pusher) persist(ctx context.Context, what string, try func() error) error {
	var deposed error
	late := false
	done := wait.Until(ctx, 2*time.Second, func() error {
		err := try()
		if errors.Is(err, errDeposed) {
			deposed, err = err, nil
		}
		return err
	}, func(err error, first bool) {
		if late = true; first && ctx.Err() == nil {
			p.log.WarnContext(ctx, "live updates are late", "doing", what, "error", err)
		}
	})
	switch {
	case !done:
		return ctx.Err()
	case late && deposed == nil:
		p.log.InfoContext(ctx, "live updates go on", "doing", what)
	}
	return deposed
}

// pushRows pushes one batch. It answers when to look again.
func (l *leader) pushRows(ctx context.Context) (next time.Duration, failed error) {
	began := time.Now()
	catchup, ids, streams, traces, err := l.unpushed(ctx)
	switch {
	case err != nil || catchup.behind:
		return pollPause, err
	case catchup.there:
		return 0, l.release(ctx, catchup.marks)
	case len(ids) == 0:
		return pollPause, nil
	}
	ctx, end := tracing.Batch(ctx, tracing.Internal, tracing.PushBatch, len(ids), parts(traces))
	defer func() { end(failed) }()
	rows, err := l.render(ctx, streams)
	if err != nil {
		var broken error
		if rows, ids, broken = l.renderEach(ctx, ids, streams, err); broken != nil {
			return 0, broken
		}
	}
	var audiences []string
	head := l.latest()
	if len(rows) > 0 {
		entries := make([]outgoing, len(rows))
		for i := range rows {
			entries[i] = outgoing{rows[i].Audience, message{Row: &rows[i], Trace: traces[rows[i].ID]}}
			audiences = append(audiences, rows[i].Audience)
		}
		if head, err = l.add(ctx, entries); err != nil {
			return 0, err
		}
	}
	slices.Sort(audiences)
	if err := l.done(ctx, ids, slices.Compact(audiences), head); err != nil {
		return 0, err
	}
	l.took.Observe(time.Since(began).Seconds())
	wait.Signal(l.stale)
	return 0, nil
}

// selectUnpushed reads the list's first rows; selectTraced also where in a trace each stream's newest event
// was written, if that was not long ago.
const (
	selectUnpushed = "select id, stream, '' from unpushed where stream <> all($1) order by id limit $2"
	selectTraced   = `select id, u.stream, coalesce((select case when recorded_at > now() - interval '15 minutes' then trace_parent end
		from journal j where j.stream = u.stream order by version desc limit 1), '')
		from unpushed u where u.stream <> all($1) order by id limit $2`
)

// unpushed reads the list's first rows and the streams they are about, each row's stream at the row's place;
// the traces of the streams that are part of one; and whether they are to be held.
func (l *leader) unpushed(ctx context.Context) (catchup catchup, ids []int64, streams []string, traces map[string]string, err error) {
	now, held := time.Now(), []string{}
	for name, until := range l.held {
		if until.Before(now) {
			delete(l.held, name)
		} else {
			held = append(held, name)
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(selectCatchup).Query(pg.EachRow([]any{&catchup.marks, &catchup.behind}, func() { catchup.there = true }))
	var id int64
	var name, trace string
	query := selectUnpushed
	if tracing.On() {
		query, traces = selectTraced, map[string]string{}
	}
	batch.Queue(query, held, pushLimit).Query(pg.EachRow([]any{&id, &name, &trace}, func() {
		ids, streams = append(ids, id), append(streams, name)
		if tracing.Recorded(trace) {
			traces[name] = trace
		}
	}))
	if err := l.db.Pool().SendBatch(ctx, batch).Close(); err != nil {
		return catchup, nil, nil, nil, fmt.Errorf("read the unpushed rows: %w", err)
	}
	return catchup, ids, streams, traces, nil
}

// parts are the streams of a batch that are part of a trace.
func parts(traces map[string]string) (parts []tracing.Part) {
	for stream, trace := range traces {
		parts = append(parts, tracing.Pushed(trace, stream))
	}
	return parts
}

// render renders each stream once. A panic of the app's renderer is an error of the stream, not the end of
// the pusher.
func (l *leader) render(ctx context.Context, streams []string) (rows []Row, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("render: panic: %v", r)
		}
	}()
	distinct := slices.Clone(streams)
	slices.Sort(distinct)
	rows, err = l.renderer.Rows(ctx, slices.Compact(distinct))
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return rows, nil
}

// renderEach renders the streams one by one after they failed together, so that one that cannot be rendered
// holds up no other: it stays in the list and is tried again later. While Postgres is away the failure is
// nobody's own.
func (l *leader) renderEach(ctx context.Context, ids []int64, streams []string, cause error) (rows []Row, good []int64, broken error) {
	if err := l.db.Ping(ctx); err != nil {
		return nil, nil, cause
	}
	failed := map[string]bool{}
	seen := map[string]bool{}
	for i, name := range streams {
		if !seen[name] {
			seen[name] = true
			own, err := l.render(ctx, []string{name})
			if ctx.Err() != nil {
				return nil, nil, err
			}
			if err != nil {
				failed[name] = true
				l.held[name] = time.Now().Add(heldFor)
				l.log.ErrorContext(ctx, "a live update cannot be rendered", "stream", name, "error", err)
			}
			rows = append(rows, own...)
		}
		if !failed[name] {
			good = append(good, ids[i])
		}
	}
	return rows, good, nil
}

// add pushes entries and remembers the head.
func (l *leader) add(ctx context.Context, entries []outgoing) (cursor, error) {
	head, err := l.stream.push(ctx, l.fence, l.latest(), entries)
	if err != nil {
		return cursor{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head.epoch != head.epoch || l.head.id.before(head.id) {
		l.head = head
	}
	return l.head, nil
}

func (l *leader) latest() cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// done takes the rows off the list, now that Redis has what became of them, and in the same transaction notes
// the head and whose badges and totals have become stale.
func (l *leader) done(ctx context.Context, ids []int64, audiences []string, head cursor) error {
	batch := &pgx.Batch{}
	batch.Queue("delete from unpushed where id = any($1)", ids)
	if len(audiences) > 0 {
		batch.Queue(`insert into live_stale (app, audience) select $1, unnest($2::text[])
			on conflict (app, audience) do update set marks = live_stale.marks + 1`, l.stream.app, audiences)
	}
	l.noteHead(batch, head)
	return l.send(ctx, batch)
}

// noteHead keeps live_head from going back when a deposed pusher comes last.
func (l *leader) noteHead(batch *pgx.Batch, head cursor) {
	if head.epoch == "" {
		return
	}
	batch.Queue(`insert into live_head (app, epoch, ms, seq) values ($1, $2, $3, $4)
		on conflict (app) do update set epoch = excluded.epoch, ms = excluded.ms, seq = excluded.seq
		where live_head.epoch <> excluded.epoch or (live_head.ms, live_head.seq) < (excluded.ms, excluded.seq)`,
		l.stream.app, head.epoch, head.id.ms, head.id.seq)
}

func (l *leader) send(ctx context.Context, batch *pgx.Batch) error {
	// A batch without begin and commit is one implicit transaction.
	if err := l.db.Pool().SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("note what was pushed: %w", err)
	}
	return nil
}
