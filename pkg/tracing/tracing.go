// Package tracing follows what one press of a button brings about through all processes that take part: as
// spans of OpenTelemetry, which go to a collector by OTLP over HTTP.
//
// Invariants:
//   - Without OTEL_EXPORTER_OTLP_ENDPOINT nothing here does anything.
//   - A trace begins with a request. Everything else only goes on with a trace that is recorded, so that what
//     is not sampled costs a look at a context.
//   - An event carries where in a trace it was written (event.Meta.TraceParent), and keeps it: in the
//     journal, in the outbox, on the topic, and in every copy. So a trace survives whatever the event waits
//     for.
//   - What is done for many at once has a span in a trace of its own, with links to those that it is done
//     for; and each of these has a span for its part, with a link back.
//   - A collector that is away costs nothing: spans that it does not take are dropped, and a line of the log
//     says so once.
//   - Spans say what happened to which id, and never who did it, or what people wrote.
//
// The tracer is the process', unlike its logger and its metrics: a trace passes every package, and a process
// is one service.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// flushWithin is how long a process that stops waits for the collector to take the last spans.
const flushWithin = 2 * time.Second

// tracers are those of a process that traces.
type tracers struct {
	traces  trace.Tracer // asks the sampler that OTEL_TRACES_SAMPLER names
	batches trace.Tracer // records always: it is asked only if a part is recorded
}

// running is nil while tracing is off.
var running atomic.Pointer[tracers]

// Start has the process trace if the environment asks for it. stop sends what is left, and waits a moment for
// that.
func Start(ctx context.Context, service, role string, log *slog.Logger) (stop func(context.Context), err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") ||
		os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return func(context.Context) {}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	// What the environment says of the resource counts more.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(semconv.ServiceName(service),
		semconv.ServiceNamespace(namespace), semconv.ServiceInstanceID(uuid.NewString()), roleKey.String(role)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return start(sdk.NewBatchSpanProcessor(&reporting{SpanExporter: exporter, log: log}), about), nil
}

func start(processor sdk.SpanProcessor, about *resource.Resource) (stop func(context.Context)) {
	sampled := sdk.NewTracerProvider(sdk.WithSpanProcessor(processor), sdk.WithResource(about))
	always := sdk.NewTracerProvider(sdk.WithSpanProcessor(processor), sdk.WithResource(about), sdk.WithSampler(sdk.AlwaysSample()))
	running.Store(&tracers{sampled.Tracer(instrument), always.Tracer(instrument)})
	return func(ctx context.Context) {
		running.Store(nil)
		ctx, cancel := context.WithTimeout(ctx, flushWithin)
		defer cancel()
		_ = processor.Shutdown(ctx) // what the collector does not take is lost, and that is all
	}
}

// reporting says once that the collector does not take spans, and once that it does again.
type reporting struct {
	sdk.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
}

func (r *reporting) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := r.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !r.failing.Swap(true):
		r.log.WarnContext(ctx, "traces do not reach the collector, and are dropped until it takes them", "error", err)
	case err == nil && r.failing.Swap(false):
		r.log.InfoContext(ctx, "traces reach the collector again")
	}
	return nil // it is said
}
