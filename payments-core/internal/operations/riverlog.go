package operations

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"countersign.example/pkg/pg"
)

// riverLog is the logger of River. It drops what River reports about its own services below a warning; what
// matters about jobs is logged here, with the payment. While the database is away, each of River's services
// reports an error for each of its attempts, so a level alone does not do: riverLog makes of them one line
// when the outage begins, and one when it is over.
func riverLog(o *outage) *slog.Logger { return slog.New(riverLogHandler{o.log.Handler(), o}) }

// riverLogHandler is the handler of riverLog.
type riverLogHandler struct {
	slog.Handler
	outage *outage
}

func (h riverLogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h riverLogHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.outage.passed.Load() {
		return nil
	}
	if cause := h.outage.cause(r); cause != "" {
		h.outage.begin(cause)
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h riverLogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return riverLogHandler{h.Handler.WithAttrs(attrs), h.outage}
}

func (h riverLogHandler) WithGroup(name string) slog.Handler {
	return riverLogHandler{h.Handler.WithGroup(name), h.outage}
}

// outage is the time for which the job queue's database is away. The worker lease calls over when the
// database answers.
type outage struct {
	log    *slog.Logger
	since  atomic.Pointer[time.Time] // nil while the database is there
	passed atomic.Bool               // to the next worker: what this one's River says is of no interest
}

// next is the outage as it is, for the next worker.
func (o *outage) next() *outage {
	o.passed.Store(true)
	after := &outage{log: o.log}
	after.since.Store(o.since.Load())
	return after
}

func (o *outage) begin(cause string) {
	now := time.Now()
	if o.since.CompareAndSwap(nil, &now) {
		o.log.Warn("the database is away: no job is worked, and none is lost", "error", cause)
	}
}

func (o *outage) over() {
	if since := o.since.Swap(nil); since != nil {
		o.log.Warn("the database is back: jobs are worked again", "after", time.Since(*since).Round(time.Second))
	}
}

// cause is the record's error if a database that is away causes such errors, else "". River logs most errors
// as texts, so pg.IsUnavailable is not enough.
func (o *outage) cause(r slog.Record) (cause string) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "err" && a.Key != "error" {
			return true
		}
		err, is := a.Value.Any().(error)
		text := a.Value.String()
		timedOut := o.since.Load() != nil && strings.Contains(text, "context deadline exceeded")
		if is && pg.IsUnavailable(err) || isAwayText(text) || timedOut {
			cause = text
		}
		return cause == ""
	})
	return cause
}

// isAwayText is pg.IsUnavailable for a text.
func isAwayText(text string) bool {
	for _, sign := range []string{
		"failed to connect", "connection refused", "connection reset", "broken pipe", "unexpected EOF", "conn closed",
		"use of closed network connection", "SQLSTATE 57P0", "SQLSTATE 08", "SQLSTATE 53100", "SQLSTATE 53200", "SQLSTATE 53300", pg.ErrReplaced.Error(),
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
