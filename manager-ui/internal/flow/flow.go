// Package flow is what the page Flow shows: all services, asked at once how they are, and what flows between
// them through the topics.
//
// Invariants:
//   - Services are asked once a second at most, however many people look.
//   - A service that does not answer within two seconds is shown as it last said it was, and as away.
package flow

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"countersign.example/pkg/vitals"
)

const (
	askWithin = 2 * time.Second
	askEvery  = time.Second
)

// Source is a service that can be asked.
type Source struct {
	Service string
	Ask     func(ctx context.Context) (vitals.Vitals, error)
}

// System is how everything is.
type System struct {
	At       time.Time
	Services []Service
	Topics   []Topic
	Findings []Finding // the worst first
}

// Service is one of the services.
type Service struct {
	Name    string
	Answers bool
	Known   time.Time // when it last answered; zero for never
	vitals.Vitals
	Level vitals.Level
	In    []In
}

// In is what a service receives of a topic.
type In struct {
	Topic   string
	Lag     int64
	Rate    float64 // messages a second
	Waiting float64 // seconds that the oldest has waited
	Unknown bool    // nobody says where the topic ends
	Level   vitals.Level
}

// Topic is one of the topics.
type Topic struct {
	Name       string
	Partitions int
	Rate       float64
}

// Finding is what is not well, and where.
type Finding struct {
	Service string
	vitals.Finding
}

// Level is the worst of what was found.
func (s System) Level() vitals.Level {
	level := vitals.Well
	for _, f := range s.Findings {
		level = level.Worse(f.Level)
	}
	return level
}

// answering is the check that only whoever asks can make.
const answering = "Answers"

// Checks are all that are made, in the order in which they are shown.
func Checks() []vitals.Check {
	return append([]vitals.Check{{Name: answering, Well: "Each service answers within 2 s."}}, vitals.Checks...)
}

// Watch asks the services.
type Watch struct {
	sources []Source
	log     *slog.Logger
	now     func() time.Time

	mu    sync.Mutex // held while asking, so that many who look ask once
	at    time.Time
	last  System
	known map[string]vitals.Vitals
}

// NewWatch returns a watch over services.
func NewWatch(sources []Source, log *slog.Logger, now func() time.Time) *Watch {
	return &Watch{sources: sources, log: log, now: now, known: map[string]vitals.Vitals{}}
}

// Look returns how everything is, or was a second ago.
func (w *Watch) Look(ctx context.Context) System {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.at.IsZero() && time.Since(w.at) < askEvery {
		return w.last
	}
	answered := w.ask(ctx)
	w.last, w.at = w.system(answered), time.Now()
	return w.last
}

// ask returns who has answered, and keeps what they said.
func (w *Watch) ask(ctx context.Context) map[string]bool {
	// Whoever leaves the page must not look to the others like a service that is away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	answered := map[string]bool{}
	for _, s := range w.sources {
		all.Go(func() {
			v, err := s.Ask(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				w.log.WarnContext(ctx, "a service does not say how it is", "service", s.Service, "error", err)
				return
			}
			v.At = w.now() // clocks differ
			w.known[s.Service], answered[s.Service] = v, true
		})
	}
	all.Wait()
	return answered
}

// place is a partition of a topic.
type place struct {
	topic string
	id    int
}

// ends are where partitions end, as far as anybody knows: who is away is measured by what others say.
func (w *Watch) ends() map[place]int64 {
	ends := map[place]int64{}
	for _, v := range w.known {
		for _, p := range v.Receives {
			at := place{p.Topic, p.ID}
			if end, there := ends[at]; !there || p.End > end {
				ends[at] = p.End
			}
		}
	}
	return ends
}

func (w *Watch) system(answered map[string]bool) System {
	s := System{At: w.now()}
	ends := w.ends()
	topics := map[string]*Topic{}
	for at := range ends {
		if topics[at.topic] == nil {
			topics[at.topic] = &Topic{Name: at.topic}
		}
		topics[at.topic].Partitions++
	}
	for _, source := range w.sources {
		v := w.known[source.Service]
		service := Service{Name: source.Service, Answers: answered[source.Service], Known: v.At, Vitals: v}
		findings := v.Findings
		if !service.Answers {
			findings = []vitals.Finding{w.away(service)}
		}
		for _, f := range findings {
			s.Findings = append(s.Findings, Finding{source.Service, f})
			service.Level = service.Level.Worse(f.Level)
		}
		service.Level = cmp.Or(service.Level, vitals.Well)
		service.In = incoming(service, s.At, ends)
		for _, in := range service.In {
			topics[in.Topic].Rate = max(topics[in.Topic].Rate, in.Rate)
		}
		s.Services = append(s.Services, service)
	}
	for _, name := range slices.SortedFunc(maps.Keys(topics), byImportance) {
		s.Topics = append(s.Topics, *topics[name])
	}
	rank := map[vitals.Level]int{vitals.Down: 0, vitals.Late: 1, vitals.Wants: 2}
	slices.SortStableFunc(s.Findings, func(a, b Finding) int { return cmp.Compare(rank[a.Level], rank[b.Level]) })
	return s
}

// away is the finding about a service that does not answer.
func (w *Watch) away(s Service) vitals.Finding {
	f := vitals.Finding{Check: answering, Level: vitals.Down, What: s.Name + " does not answer.",
		Do: "Look whether its process runs: its log, and /readyz. What people do is kept meanwhile, and goes on by itself."}
	if !s.Known.IsZero() {
		f.Do += fmt.Sprintf(" It is shown as it was %s ago.", vitals.Ago(w.now().Sub(s.Known).Seconds()))
	}
	return f
}

// order is that of the topics that everybody knows.
var order = []string{"payments", "orders", "catalog", "people"}

func byImportance(a, b string) int {
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// incoming sums what a service receives by topic.
func incoming(s Service, now time.Time, ends map[place]int64) []In {
	topics := map[string]In{}
	for _, p := range s.Receives {
		in := topics[p.Topic]
		in.Topic, in.Level = p.Topic, cmp.Or(in.Level, vitals.Well)
		end := ends[place{p.Topic, p.ID}]
		in.Unknown = in.Unknown || end < 0
		lag := max(0, end-p.Next)
		in.Lag += lag
		if s.Answers {
			in.Rate += p.Rate
			in.Waiting = max(in.Waiting, p.Waiting)
		} else if lag > 0 {
			in.Waiting = max(in.Waiting, now.Sub(s.Known).Seconds())
		}
		topics[p.Topic] = in
	}
	for _, f := range s.Findings {
		if in, there := topics[f.Topic]; there {
			in.Level = in.Level.Worse(f.Level)
			topics[f.Topic] = in
		}
	}
	list := make([]In, 0, len(topics))
	for _, name := range slices.SortedFunc(maps.Keys(topics), byImportance) {
		in := topics[name]
		if s.Level == vitals.Down {
			in.Level = vitals.Down
		} else if in.Waiting > 5 {
			in.Level = in.Level.Worse(vitals.Late)
		}
		list = append(list, in)
	}
	return list
}
