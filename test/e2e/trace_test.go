package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// TestOneTraceFromThePressToTheOtherTab accepts a payment, and finds all that follows from it under one id:
// in both apps, in the core, at the gateway, and on the way to the tab that shows it.
func TestOneTraceFromThePressToTheOtherTab(t *testing.T) {
	t.Parallel()
	// given a system that sends its traces to a collector, and a payment on the contractor's screen
	collector := testsystem.NewCollector(t)
	s := testsystem.New(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "OTEL_BSP_SCHEDULE_DELAY=100")
	asked(t, s, "Traced")
	b := browser.New(t)
	ada := b.Tab(t, s.URL(testsystem.Contractor))
	mia := b.Tab(t, s.URL(testsystem.Manager))
	live(ada)
	live(mia)

	// when the manager accepts it, and the contractor's tab shows that
	mia.Press("Accept", mia.Row("Traced"))
	ada.See("Mia Weber", ada.Row("Traced"))

	// then one trace has it all
	want := []string{
		"manager-ui POST /payments/:id/accept", "manager-ui transaction", "manager-ui publish payments",
		"contractor-ui process payments", "contractor-ui push row", "contractor-ui deliver row",
		"payments-core process payments", "payments-core job gateway_call", "payments-core POST gateway", "payments-core publish payments",
		"manager-ui process payments", "manager-ui push row", "manager-ui deliver row",
	}
	var spans []testsystem.Span
	testsystem.Eventually(t, "the trace of the press has come", func() error {
		var found []string
		for _, trace := range collector.Spans() {
			var names []string
			for _, span := range trace {
				names = append(names, span.Service+" "+span.Name)
			}
			if slices.Contains(names, want[0]) {
				spans, found = trace, names
			}
		}
		for _, name := range want {
			if !slices.Contains(found, name) {
				slices.Sort(found)
				return fmt.Errorf("%q is missing among %q", name, slices.Compact(found))
			}
		}
		return nil
	})

	// and what was done for many at once stands beside it, linked with it
	var linked []string
	for id, trace := range collector.Spans() {
		for _, span := range trace {
			if slices.Contains(span.Links, spans[0].Trace) {
				linked = append(linked, span.Service+" "+span.Name)
				if id == spans[0].Trace {
					t.Errorf("%s is part of the trace that it is for", span.Name)
				}
			}
		}
	}
	for _, name := range []string{"manager-ui publish batch", "contractor-ui process batch", "payments-core process batch", "contractor-ui push batch"} {
		if !slices.Contains(linked, name) {
			t.Errorf("%q is not linked with the trace; these are: %q", name, linked)
		}
	}
	// and spans name nobody
	for _, span := range spans {
		if said := fmt.Sprint(slices.Collect(maps.Values(span.Attributes))); strings.Contains(said, "Mia") || strings.Contains(said, "Ada") || strings.Contains(said, "Traced") {
			t.Errorf("%s tells %s", span.Name, said)
		}
	}
}
