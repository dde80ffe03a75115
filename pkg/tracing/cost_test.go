package tracing

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// BenchmarkRequest is what traces add to a request with a transaction in it, sending them to a collector
// included: with no traces, with a tenth of them, and with all.
func BenchmarkRequest(b *testing.B) {
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(collector.Close)
	for name, share := range map[string]float64{"none": -1, "tenth": 0.1, "all": 1} {
		b.Run(name, func(b *testing.B) {
			if share >= 0 {
				b.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
				b.Setenv("OTEL_TRACES_SAMPLER_ARG", map[float64]string{0.1: "0.1", 1: "1"}[share])
				exporter, err := otlptracehttp.New(b.Context(), otlptracehttp.WithEndpointURL(collector.URL))
				if err != nil {
					b.Fatal(err)
				}
				stop := start(sdk.NewBatchSpanProcessor(exporter, sdk.WithBlocking()), resource.Empty())
				b.Cleanup(func() { stop(context.Background()) })
			}
			request := httptest.NewRequest(http.MethodPost, "/payments/1/accept", nil)
			for b.Loop() {
				in, end := Request(request, "/payments/:id/accept", false)
				ctx, done := Within(in.Context(), Transaction, InTransaction)
				_ = Parent(ctx)
				done(nil)
				end(http.StatusOK)
			}
		})
	}
}
