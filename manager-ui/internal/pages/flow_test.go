package pages_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"countersign.example/manager-ui/internal/breaking"
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

func TestAnOperatorBreaksAPartOnADevelopersMachine(t *testing.T) {
	t.Parallel()
	var asked []string
	broken := ""
	launcher := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet:
			_ = json.NewEncoder(w).Encode(breaking.State{Faults: []breaking.Fault{{Name: "redis", Title: "Cut Redis for 20 s", Text: "Pages <are> late."}}, Broken: broken, Until: time.Now().Add(14 * time.Second)})
		case broken != "":
			w.WriteHeader(http.StatusConflict)
		case r.URL.Path != "/secret/redis":
			w.WriteHeader(http.StatusNotFound)
		default:
			asked, broken = append(asked, r.URL.Path), "redis"
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	t.Cleanup(launcher.Close)
	client, err := breaking.NewClient(launcher.URL + "/secret")
	if err != nil {
		t.Fatal(err)
	}
	o := openWith(t, nowhere, func(o *pages.Options) { o.Breaks = client })
	omar, iris := o.manager("omar-reyes"), o.manager("iris-hahn")

	// then an operator is offered it, and an auditor is not
	omar.get("/flow").is(200, "Break something", "Cut Redis for 20 s", "Pages &lt;are&gt; late.")
	iris.get("/flow").is(200).without("Break something")
	iris.post("/flow/breaks/redis").is(403)
	omar.post("/flow/breaks/nothing").is(404)

	// when it is pressed, then it is broken once, with how long it takes to heal, and on record
	omar.post("/flow/breaks/redis").is(200, "It is broken now, and heals by itself.", "Broken: Cut Redis for 20 s.", "It heals by itself in")
	omar.post("/flow/breaks/redis").is(200, "Something is broken already.")
	if len(asked) != 1 {
		t.Errorf("asked is %v", asked)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.sessions.KeepSecurityLog(ended) // it stores what waits
	iris.get("/security?tab=acts").is(200, "Broke a part on purpose", "fault=redis", "omar-reyes")
}

func TestNothingIsBrokenElsewhere(t *testing.T) {
	t.Parallel()
	omar := openWith(t, nowhere, func(*pages.Options) {}).manager("omar-reyes")
	omar.get("/flow").is(200).without("Break something")
	omar.post("/flow/breaks/redis").is(404, "Nothing can be broken on purpose here.")
}
