// Package telemetry is what a running service shows of itself: metrics for Prometheus and
// structured logs that carry the correlation id.
//
// Nothing here is global: a process makes one Metrics and one logger and passes them on, so
// that tests can run several services side by side. Metrics of a mechanism (outbox backlog,
// consumer lag, sockets) belong to the package that knows them; it registers them here.
package telemetry

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is the registry of one service. Every metric has the label service.
type Metrics struct {
	registry *prometheus.Registry
	prometheus.Registerer
	requests *prometheus.HistogramVec
}

// NewMetrics returns a registry with the Go runtime's and the process' own metrics in it.
func NewMetrics(service string) *Metrics {
	registry := prometheus.NewRegistry()
	m := &Metrics{
		registry:   registry,
		Registerer: prometheus.WrapRegistererWith(prometheus.Labels{"service": service}, registry),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "http_request_duration_seconds",
			Help:    "Time from a request's arrival to the end of its answer, by route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "route", "status"}),
	}
	m.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests,
	)
	return m
}

// Request counts one answered request. The route is the pattern ("/payments/:id"), never the
// path, for a label with ids in it grows without end.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(Method(method), Route(route), strconv.Itoa(status)).Observe(took.Seconds())
}

// Route is what a route is called whose pattern is this; without one, a request has met none.
func Route(pattern string) string { return cmp.Or(pattern, "unmatched") }

// Handler serves the metrics in Prometheus' format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// OtherMethod is what a method is called that HTTP does not know, as OpenTelemetry has it.
const OtherMethod = "_OTHER"

// Method keeps a client from making up the values of labels and the names of spans.
func Method(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return OtherMethod
}
