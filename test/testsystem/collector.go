package testsystem

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is one that a service has sent.
type Span struct {
	Service, Name, Trace string
	ID, Parent           string   // "" for a span without
	Links                []string // ids of traces
	Attributes           map[string]string
}

// Collector takes traces, as an OpenTelemetry collector does, and keeps them.
type Collector struct {
	URL string

	mu    sync.Mutex
	spans []Span
}

// NewCollector starts one; it ends with the test.
func NewCollector(tb testing.TB) *Collector {
	c := &Collector{}
	server := httptest.NewServer(c)
	tb.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Spans returns what has come so far, by trace.
func (c *Collector) Spans() map[string][]Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	traces := map[string][]Span{}
	for _, s := range c.spans {
		traces[s.Trace] = append(traces[s.Trace], s)
	}
	return traces
}

// ServeHTTP takes OTLP over HTTP with protobuf.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	raw, err := io.ReadAll(body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(raw, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "this takes traces by OTLP: "+r.URL.Path, http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.ResourceSpans {
		service := ""
		for _, a := range resource.Resource.Attributes {
			if a.Key == "service.name" {
				service = a.Value.GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				span := Span{Service: service, Name: s.Name, Trace: string(s.TraceId), ID: string(s.SpanId), Parent: string(s.ParentSpanId), Attributes: map[string]string{}}
				for _, l := range s.Links {
					span.Links = append(span.Links, string(l.TraceId))
				}
				for _, a := range s.Attributes {
					span.Attributes[a.Key] = a.Value.GetStringValue()
				}
				c.spans = append(c.spans, span)
			}
		}
	}
}
