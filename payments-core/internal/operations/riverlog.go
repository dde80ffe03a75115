package operations

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"countersign.example/pkg/pg"
)

// riverLog keeps River's talk about its own services out of the log; what matters about jobs is logged here, with the
// payment. What it says while the database is away, for each of its services and attempts, becomes one line when
// that begins and one when it is over.
func riverLog(o *outage) *slog.Logger { return slog.New(riverLogHandler{o.log.Handler(), o}) }

// riverLogHandler is the handler of River's log.
type riverLogHandler struct {
	slog.Handler
	outage *outage
}

func (h riverLogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h riverLogHandler) Handle(ctx context.Context, r slog.Record) error {
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

// outage is the time for which the job queue's database is away. Whoever sees the database answer calls over.
type outage struct {
	log   *slog.Logger
	since atomic.Pointer[time.Time] // nil while the database is there
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

// cause is the record's error if it is one of a database that is away, else "". Most of River's errors are texts by the
// time that they are logged, so pg.IsUnavailable alone cannot tell.
func (o *outage) cause(r slog.Record) (cause string) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "err" && a.Key != "error" {
			return true
		}
		err, is := a.Value.Any().(error)
		text := a.Value.String()
		if is && pg.IsUnavailable(err) || isAwayText(text) || o.since.Load() != nil && strings.Contains(text, "context deadline exceeded") {
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
		"use of closed network connection", "SQLSTATE 57P0", "SQLSTATE 08", "SQLSTATE 53300",
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
