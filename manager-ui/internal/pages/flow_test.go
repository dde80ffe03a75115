package pages_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"countersign.example/manager-ui/internal/flow"
	"countersign.example/manager-ui/internal/pages"
	"countersign.example/pkg/vitals"
)

func TestFlowShowsWhatIsWrongInWordsAndWhatToDo(t *testing.T) {
	t.Parallel()
	at := noon.Add(-time.Minute)
	core := vitals.Vitals{
		Service: "payments-core", Publishes: []string{"payments"}, Outbox: vitals.Backlog{Count: 3, Oldest: 20},
		Replicas: []vitals.Replica{{Name: "host<1>/7", Role: "all", StartedAt: at, Leads: []string{"relay"}}},
		Receives: []vitals.Partition{{Topic: "payments", Next: 5, End: 9, Rate: 2.5, Waiting: 17}},
		Findings: []vitals.Finding{{Check: "Publishing", Level: vitals.Late, What: "3 events of payments-core wait <to> be published.", Do: "Look at its log."}},
	}
	o := openWith(t, nowhere, func(o *pages.Options) {
		o.Flow = flow.NewWatch([]flow.Source{
			{Service: "payments-core", Ask: func(context.Context) (vitals.Vitals, error) { return core, nil }},
			{Service: "ordering-core", Ask: func(context.Context) (vitals.Vitals, error) { return vitals.Vitals{}, errors.New("nobody listens") }},
		}, quiet, o.Now)
	})

	omar := o.manager("omar-reyes")
	omar.get("/flow").is(200, "Down: ordering-core", "ordering-core does not answer.", "3 events of payments-core wait &lt;to&gt; be published.", "Look at its log.",
		"◷ Late", "✕ Down", "4, 17 s", "2.5/s", "host&lt;1&gt;/7", "relay", "<svg", `aria-current="page">Flow</a>`, `data-under-way="2000"`)
	o.manager("mia-weber").get("/flow").is(403)
}
