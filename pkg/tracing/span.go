package tracing

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// w3c writes and reads traceparent.
var w3c propagation.TraceContext

// MaxParts bounds what a batch has spans for: a span has no more links by default. Batch leaves further ones
// out.
const MaxParts = 128

// On reports whether this process traces.
func On() bool { return running.Load() != nil }

// Within begins a span in the trace of ctx. end ends it; with an error, the span has failed.
func Within(ctx context.Context, name string, attributes []attribute.KeyValue) (in context.Context, end func(error)) {
	t := running.Load()
	if t == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, ended
	}
	ctx, span := t.traces.Start(ctx, name, trace.WithAttributes(attributes...))
	return ctx, func(err error) { finish(span, err) }
}

func ended(error) {}

// finish tells the kind of an error alone: its text may name people.
func finish(span trace.Span, err error, options ...trace.SpanEndOption) {
	if err != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorTypeKey.String(fmt.Sprintf("%T", err)))
	}
	span.End(options...)
}

// Parent is the place in the trace of ctx, for what an event or a job carries; "" unless it is recorded.
func Parent(ctx context.Context) string {
	if running.Load() == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// Resume returns ctx in the trace of what carries traceParent.
func Resume(ctx context.Context, traceParent string) context.Context {
	if !Recorded(traceParent) {
		return ctx
	}
	return w3c.Extract(ctx, propagation.MapCarrier{"traceparent": traceParent})
}

// Recorded reports whether what carries traceParent is part of a trace that is recorded, and this process
// records.
func Recorded(traceParent string) bool {
	return traceParent != "" && running.Load() != nil && spanContext(traceParent).IsSampled()
}

func spanContext(traceParent string) trace.SpanContext {
	ctx := w3c.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceParent})
	return trace.SpanContextFromContext(ctx)
}

// Part is one of those for which something is done at once. The functions of names.go make them.
type Part struct {
	traceParent string
	name        string
	attributes  []attribute.KeyValue
}

// Batch begins the span of something that is done for so many at once, of which parts are those that Recorded
// reports. It is the beginning of a trace. end ends it, and adds to the trace of each part a span for what
// was done for it.
func Batch(ctx context.Context, kind trace.SpanKind, name string, of int, parts []Part) (in context.Context, end func(error)) {
	t := running.Load()
	if t == nil || len(parts) == 0 {
		return ctx, ended
	}
	parts = parts[:min(len(parts), MaxParts)]
	links := make([]trace.Link, len(parts))
	for i, p := range parts {
		links[i].SpanContext = spanContext(p.traceParent)
	}
	began := time.Now()
	ctx, span := t.batches.Start(ctx, name, trace.WithNewRoot(), trace.WithSpanKind(kind), trace.WithTimestamp(began), trace.WithLinks(links...),
		trace.WithAttributes(batchOf(of)))
	return ctx, func(err error) {
		now := time.Now()
		for i, p := range parts {
			t.record(links[i].SpanContext, kind, p, began, now, err, trace.Link{SpanContext: span.SpanContext()})
		}
		finish(span, err, trace.WithTimestamp(now))
	}
}

// Add adds to the part's trace a span from began until now.
func Add(p Part, began time.Time) {
	if t := running.Load(); t != nil {
		t.record(spanContext(p.traceParent), Internal, p, began, time.Now(), nil)
	}
}

func (t *tracers) record(parent trace.SpanContext, kind trace.SpanKind, p Part, began, ended time.Time, err error, links ...trace.Link) {
	_, span := t.traces.Start(trace.ContextWithRemoteSpanContext(context.Background(), parent), p.name, trace.WithSpanKind(kind),
		trace.WithTimestamp(began), trace.WithLinks(links...), trace.WithAttributes(p.attributes...))
	finish(span, err, trace.WithTimestamp(ended))
}
