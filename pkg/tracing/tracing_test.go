package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const (
	recorded = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	dropped  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

// record has this process trace until the test ends, and returns what was recorded.
func record(t *testing.T) *tracetest.SpanRecorder {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	stop := start(recorder, resource.Empty())
	t.Cleanup(func() { stop(context.Background()) })
	return recorder
}

func names(spans []sdk.ReadOnlySpan) (list []string) {
	for _, s := range spans {
		list = append(list, s.Name())
	}
	return list
}

func TestOffNothingHappens(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	stop, err := Start(t.Context(), "s", "all", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer stop(t.Context())
	require.False(t, On())
	ctx := Resume(t.Context(), recorded)
	require.Equal(t, t.Context(), ctx)
	require.Empty(t, Parent(ctx))
	require.False(t, Recorded(recorded))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		within, end := Within(ctx, Transaction, InTransaction)
		end(nil)
		_, end = Batch(within, Producer, PublishBatch, 1, nil)
		end(nil)
	}))
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	in, end := Request(request, "/", true)
	end(200)
	require.Same(t, request, in)
}

func TestAMethodThatSomebodyMadeUpIsInNoName(t *testing.T) {
	spans := record(t)
	_, end := Request(httptest.NewRequest("ADA-NOWAK", "/", nil), "unmatched", false)
	end(http.StatusMethodNotAllowed)
	ended := spans.Ended()
	require.Equal(t, []string{"HTTP unmatched"}, names(ended))
	require.Contains(t, ended[0].Attributes(), attribute.String("http.request.method", "_OTHER"))
}

func TestATraceGoesOnWithAServiceAndBeginsWithAStranger(t *testing.T) {
	spans := record(t)
	request := httptest.NewRequest(http.MethodPost, "/payments/1/accept", nil)
	request.Header.Set("Traceparent", recorded)

	ofService, end := Request(request, "/payments/:id/accept", true)
	require.Equal(t, recorded[:35], Parent(ofService.Context())[:35])
	end(http.StatusInternalServerError)
	ofStranger, end := Request(request, "/payments/:id/accept", false)
	require.NotEqual(t, recorded[:35], Parent(ofStranger.Context())[:35])
	end(http.StatusOK)

	ended := spans.Ended()
	require.Equal(t, []string{"POST /payments/:id/accept", "POST /payments/:id/accept"}, names(ended))
	require.Equal(t, "Error", ended[0].Status().Code.String())
	require.False(t, ended[1].Parent().IsValid())
	require.Equal(t, recorded[3:35], ended[1].Links()[0].SpanContext.TraceID().String())
}

func TestWhatIsNotRecordedIsPassedOnAndNoMore(t *testing.T) {
	spans := record(t)
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent = r.Header.Get("Traceparent") }))
	defer server.Close()
	client := http.Client{Transport: Transport("core", http.DefaultTransport)}
	call := func(traceParent string) {
		t.Helper()
		request := httptest.NewRequest(http.MethodPost, "/", nil)
		request.Header.Set("Traceparent", traceParent)
		request, end := Request(request, "/", true)
		defer end(http.StatusOK)
		outgoing, err := http.NewRequestWithContext(request.Context(), http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		response, err := client.Do(outgoing)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Empty(t, outgoing.Header)
	}

	call(recorded)
	require.Equal(t, recorded[:35], sent[:35])
	require.True(t, strings.HasSuffix(sent, "-01"))
	require.Equal(t, []string{"GET core", "POST /"}, names(spans.Ended()))

	call(dropped)
	require.Equal(t, dropped[:35], sent[:35])
	require.True(t, strings.HasSuffix(sent, "-00"))
	require.Len(t, spans.Ended(), 2)
	require.False(t, Recorded(dropped))
	require.Equal(t, t.Context(), Resume(t.Context(), dropped))
}

func TestABatchIsLinkedWithItsParts(t *testing.T) {
	spans := record(t)
	other := strings.Replace(recorded, "0af7", "1bf8", 1)
	ctx, end := Batch(Resume(t.Context(), recorded), Producer, PublishBatch, 7, []Part{
		Published(recorded, "payments", "1", "payment_accepted"), Published(other, "payments", "2", "payment_rejected")})
	within, endTransaction := Within(ctx, Transaction, InTransaction)
	require.NotEqual(t, recorded[:35], Parent(within)[:35], "the batch is a trace of its own")
	endTransaction(nil)
	end(errors.New("the broker is away"))

	ended := spans.Ended()
	require.Equal(t, []string{"transaction", "publish payments", "publish payments", "publish batch"}, names(ended))
	batch := ended[3]
	require.False(t, batch.Parent().IsValid())
	require.Equal(t, batch.SpanContext().TraceID(), ended[0].SpanContext().TraceID())
	for i, of := range []string{recorded, other} {
		part := ended[1+i]
		require.Equal(t, of[3:35], part.SpanContext().TraceID().String())
		require.Equal(t, of[36:52], part.Parent().SpanID().String())
		require.Equal(t, batch.SpanContext().SpanID(), part.Links()[0].SpanContext.SpanID())
		require.Equal(t, of[3:35], batch.Links()[i].SpanContext.TraceID().String())
		require.Equal(t, batch.StartTime(), part.StartTime())
		require.Equal(t, "Error", part.Status().Code.String())
		require.Empty(t, part.Status().Description, "the text of an error may name people")
	}
	require.Equal(t, trace.SpanKindProducer, batch.SpanKind())
}

func TestWhatAnybodyHasSentIsKeptInBounds(t *testing.T) {
	spans := record(t)
	parts := make([]Part, MaxParts+1)
	for i := range parts {
		parts[i] = Received(recorded, "group", "payments", strings.Repeat("ü", 5_000), "a\xff"+strings.Repeat("b", 1<<20))
	}

	_, end := Batch(t.Context(), Consumer, ProcessBatch, len(parts), parts)
	end(nil)

	ended := spans.Ended()
	require.Len(t, ended, MaxParts+1) // with the batch itself
	told := map[string]string{}
	for _, a := range ended[0].Attributes() {
		told[string(a.Key)] = a.Value.AsString()
	}
	require.Equal(t, strings.Repeat("ü", 50), told["messaging.message.id"])
	require.Equal(t, "a"+strings.Repeat("b", 98), told["countersign.event.type"])
}

// lines counts what is logged.
type lines struct {
	mu   sync.Mutex
	said []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, string(p))
	return len(p), nil
}

func TestACollectorThatIsAwayIsReportedOnce(t *testing.T) {
	var away atomic.Bool
	took := make(chan struct{}, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusBadRequest)
		}
		took <- struct{}{}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
	var log lines
	stop, err := Start(t.Context(), "s", "all", slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	send := func() {
		t.Helper()
		_, end := Request(httptest.NewRequest(http.MethodGet, "/", nil), "/", false)
		end(http.StatusOK)
		select {
		case <-took:
		case <-time.After(30 * time.Second):
			t.Fatal("nothing was sent")
		}
	}

	away.Store(true)
	send()
	send()
	send()
	away.Store(false)
	send()
	stop(t.Context())

	require.Len(t, log.said, 2, "%v", log.said)
	require.Contains(t, log.said[0], "traces do not reach the collector")
	require.Contains(t, log.said[1], "traces reach the collector again")
}
