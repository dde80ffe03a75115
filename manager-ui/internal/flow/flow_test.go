package flow_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"countersign.example/manager-ui/internal/flow"
	"countersign.example/pkg/vitals"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// system is two services that say how they are, unless they are away.
type system struct {
	now    time.Time
	said   map[string]vitals.Vitals
	away   string
	watch  *flow.Watch
	waited atomic.Bool
}

func newSystem(t *testing.T) *system {
	t.Helper()
	s := &system{now: noon, said: map[string]vitals.Vitals{
		"contractor-ui": {Publishes: []string{"payments"}, Receives: []vitals.Partition{{Topic: "payments", ID: 0, Next: 10, End: 10}, {Topic: "payments", ID: 1, Next: 5, End: 5}}},
		"payments-core": {Receives: []vitals.Partition{{Topic: "payments", ID: 0, Next: 10, End: 10}, {Topic: "payments", ID: 1, Next: 5, End: 5}, {Topic: "orders", Next: 2, End: 2}}},
	}}
	return s.again()
}

// again forgets the answers of a second, and nothing else does.
func (s *system) again() *system {
	var sources []flow.Source
	for _, name := range []string{"contractor-ui", "payments-core"} {
		sources = append(sources, flow.Source{Service: name, Ask: func(ctx context.Context) (vitals.Vitals, error) {
			_, bounded := ctx.Deadline()
			s.waited.Store(bounded)
			if s.away == name {
				return vitals.Vitals{}, errors.New("nobody listens")
			}
			return s.said[name], nil
		}})
	}
	s.watch = flow.NewWatch(sources, slog.New(slog.DiscardHandler), func() time.Time { return s.now })
	return s
}

func TestAServiceThatIsAwayIsMeasuredByWhatOthersSay(t *testing.T) {
	s := newSystem(t)
	if is := s.watch.Look(t.Context()); is.Level() != vitals.Well || len(is.Topics) != 2 || is.Topics[0].Name != "payments" || is.Topics[0].Partitions != 2 {
		t.Fatalf("at first it is %s with %v", is.Level(), is.Topics)
	}
	if !s.waited.Load() {
		t.Error("a service may take as long as it likes")
	}

	// when payments-core does not answer any more, and the topic grows
	s.away, s.now = "payments-core", noon.Add(12*time.Second)
	said := s.said["contractor-ui"]
	said.Receives = []vitals.Partition{{Topic: "payments", ID: 0, Next: 14, End: 14}, {Topic: "payments", ID: 1, Next: 5, End: 5}}
	s.said["contractor-ui"] = said
	flow.Forget(s.watch)
	is := s.watch.Look(t.Context())

	// then it is said, with what waits for it and since when; the other one is well
	if len(is.Findings) != 1 || is.Findings[0].What != "payments-core does not answer." || is.Findings[0].Level != vitals.Down {
		t.Fatalf("found is %v", is.Findings)
	}
	core := is.Services[1]
	in := core.In[slices.IndexFunc(core.In, func(in flow.In) bool { return in.Topic == "payments" })]
	if core.Answers || in.Lag != 4 || in.Waiting != 12 || in.Level != vitals.Down {
		t.Errorf("payments-core is shown as %+v", in)
	}
	if is.Services[0].Level != vitals.Well {
		t.Errorf("contractor-ui is %s", is.Services[0].Level)
	}
}

func TestWhatIsWrongComesWithWhatToDo(t *testing.T) {
	s := newSystem(t)
	said := s.said["payments-core"]
	said.Findings = []vitals.Finding{{Check: "Receiving", Level: vitals.Late, Topic: "payments", What: "It is behind.", Do: "Wait."}}
	s.said["payments-core"] = said

	is := s.watch.Look(t.Context())

	if is.Level() != vitals.Late || is.Findings[0].Service != "payments-core" || is.Services[1].In[0].Level != vitals.Late || is.Services[1].In[1].Level != vitals.Well {
		t.Errorf("it is %s: %+v", is.Level(), is.Services[1].In)
	}
	for _, check := range flow.Checks() {
		if check.Name == "" || check.Well == "" {
			t.Errorf("a check says nothing: %+v", check)
		}
	}
}
