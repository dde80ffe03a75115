package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"countersign.example/pkg/event"
)

// NewLogger writes JSON lines, or text for a person when format is "text". A line that is
// logged with a context has the correlation id of what it is part of, who did it, and the trace.
func NewLogger(w io.Writer, service, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewJSONHandler(w, options)
	if format == "text" {
		h = slog.NewTextHandler(w, options)
	}
	return slog.New(correlated{h}).With("service", service)
}

// correlated adds what event.Meta says, and the id of a trace that is recorded, to every record.
type correlated struct{ slog.Handler }

func (h correlated) Handle(ctx context.Context, r slog.Record) error {
	meta := event.MetaFrom(ctx)
	if meta.CorrelationID != "" {
		r.AddAttrs(slog.String("correlation_id", meta.CorrelationID))
	}
	if meta.Actor != "" {
		r.AddAttrs(slog.String("actor", meta.Actor))
	}
	if traced := trace.SpanContextFromContext(ctx); traced.IsSampled() {
		r.AddAttrs(slog.String("trace_id", traced.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlated{h.Handler.WithAttrs(attrs)}
}

func (h correlated) WithGroup(name string) slog.Handler {
	return correlated{h.Handler.WithGroup(name)}
}
