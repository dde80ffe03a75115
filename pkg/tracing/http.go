package tracing

import (
	"net/http"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"countersign.example/pkg/telemetry"
)

// Request begins the span of a request to a route. A service's request is part of the trace that it names.
// Anybody else's begins a trace, with a link to the one that it names: a stranger decides neither what is
// recorded nor what belongs together. end ends it with the answer's status.
func Request(r *http.Request, route string, ofService bool) (in *http.Request, end func(status int)) {
	t := running.Load()
	if t == nil {
		return r, func(int) {}
	}
	method := telemetry.Method(r.Method)
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(route))}
	if method == telemetry.OtherMethod {
		method = otherMethod
	}
	ctx := r.Context()
	named := w3c.Extract(ctx, propagation.HeaderCarrier(r.Header))
	if ofService {
		ctx = named
	} else if link := trace.SpanContextFromContext(named); link.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: link}))
	}
	ctx, span := t.traces.Start(ctx, method+" "+route, options...)
	return r.WithContext(ctx), func(status int) {
		span.SetAttributes(semconv.HTTPResponseStatusCode(status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Transport is next with a span for each request that is part of a trace, and which names the trace. service
// is who is asked.
func Transport(service string, next http.RoundTripper) http.RoundTripper {
	return transport{service, next}
}

type transport struct {
	service string
	next    http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	running := running.Load()
	if running == nil || !trace.SpanContextFromContext(r.Context()).IsValid() {
		return t.next.RoundTrip(r)
	}
	ctx, span := running.traces.Start(r.Context(), r.Method+" "+t.service, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.HTTPRequestMethodKey.String(r.Method), semconv.ServerAddress(r.URL.Host), semconv.ServicePeerName(t.service)))
	r = r.Clone(ctx)
	w3c.Inject(ctx, propagation.HeaderCarrier(r.Header)) // an unrecorded one, too: it is decided once
	response, err := t.next.RoundTrip(r)
	if err == nil {
		span.SetAttributes(semconv.HTTPResponseStatusCode(response.StatusCode))
		if response.StatusCode >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	}
	finish(span, err)
	return response, err
}

// CloseIdleConnections is for http.Client.
func (t transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
