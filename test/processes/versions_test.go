package processes

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/catalog"
	orderingtest "countersign.example/ordering-core/coretest"
	"countersign.example/ordering-core/order"
	paymentstest "countersign.example/payments-core/coretest"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/schema/schematest"
)

// Story is what once happened to one thing, in testdata/past, and what it comes to for ever. What is written
// there does not change; a type that is new gets a story in a file of its own.
type Story struct {
	Name    string          `json:"story"`
	Topic   string          `json:"topic"`
	Events  []Written       `json:"events"`
	Becomes json.RawMessage `json:"becomes"`
}

// Written is an event as it once was written.
type Written struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Source    string          `json:"source"`
	Subject   string          `json:"subject"`
	Sequence  int64           `json:"sequence,omitempty"`
	Time      time.Time       `json:"time"`
	Actor     string          `json:"actor,omitempty"`
	ActorName string          `json:"actor_name,omitempty"`
	Data      json.RawMessage `json:"data"`
}

func (s Story) events() (events []event.Event) {
	for _, e := range s.Events {
		events = append(events, event.Event{
			ID: uuid.MustParse(e.ID), Type: e.Type, Source: e.Source, Subject: e.Subject, Sequence: e.Sequence, Time: e.Time,
			Meta: event.Meta{Actor: e.Actor, ActorName: e.ActorName}, Data: e.Data,
		})
	}
	return events
}

// fold is what every reader makes of events: that of the web apps, of the core that writes them, and of the
// other core.
func (s Story) fold(events []event.Event) any {
	subject := s.Events[0].Subject
	switch s.Topic {
	case payment.Topic:
		p, _ := payment.Fold(confirmed[payment.Entry](events))
		return p
	case order.Topic:
		o, _ := order.Fold(confirmed[order.Entry](events))
		return o
	}
	if catalog.Stream(events[0]) == catalog.ProductStream(subject) {
		return catalog.FoldProduct(events)
	}
	return catalog.FoldCustomer(events)
}

// managers are what both process managers make of events.
func (s Story) managers(events []event.Event) (all []any) {
	subject := s.Events[0].Subject
	payments, ordering := paymentstest.New(time.Now()), orderingtest.New(time.Now())
	for _, e := range events {
		payments.Receive(e)
		ordering.Receive(e)
	}
	if s.Topic == payment.Topic {
		return []any{payments.Payment(subject), ordering.Payment(subject)}
	}
	return []any{payments.Order(subject), ordering.Order(subject)}
}

func confirmed[E ~struct {
	event.Event
	Confirmed bool
}](events []event.Event) (entries []E) {
	for _, e := range events {
		entries = append(entries, E{Event: e, Confirmed: true})
	}
	return entries
}

func past(t *testing.T) (stories []Story) {
	t.Helper()
	files, err := filepath.Glob("testdata/past/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no stories", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var of []Story
		if err := json.Unmarshal(data, &of); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		stories = append(stories, of...)
	}
	return stories
}

// TestThePastIsReadForEver: what was once written comes to what it came to then, for every reader.
func TestThePastIsReadForEver(t *testing.T) {
	seen := map[string]bool{}
	for _, story := range past(t) {
		t.Run(story.Topic+"/"+story.Name, func(t *testing.T) {
			for _, e := range story.Events {
				seen[e.Type] = true
			}
			readings := []any{story.fold(story.events())}
			if story.Topic != catalog.Topic {
				readings = append(readings, story.managers(story.events())...)
			}
			for i, reading := range readings {
				is := marshal(t, reading)
				if len(story.Becomes) == 0 {
					t.Fatalf("say what it becomes:\n%s", is)
				}
				if !within(value(t, story.Becomes), value(t, is)) {
					t.Errorf("reading %d comes to\n%s\nnot\n%s", i, is, story.Becomes)
				}
			}
		})
	}
	for _, typ := range slices.Concat(payment.Types(), order.Types(), catalog.Types()) {
		if !seen[typ.Name] {
			t.Errorf("no story has %s: add a file to testdata/past", typ.Name)
		}
	}
}

// TestTheNextVersionIsRead: with a member more in each object, and a type more between any two events, every
// reader comes to the same.
func TestTheNextVersionIsRead(t *testing.T) {
	for _, story := range past(t) {
		t.Run(story.Topic+"/"+story.Name, func(t *testing.T) {
			was, is := story.events(), next(t, story)
			if now, then := uncounted(t, story.fold(is)), uncounted(t, story.fold(was)); !reflect.DeepEqual(now, then) {
				t.Errorf("it comes to\n%v\nnot\n%v", now, then)
			}
			if story.Topic == catalog.Topic {
				return
			}
			now, then := story.managers(is), story.managers(was)
			for i := range now {
				if now, then := uncounted(t, now[i]), uncounted(t, then[i]); !reflect.DeepEqual(now, then) {
					t.Errorf("process manager %d: it comes to\n%v\nnot\n%v", i, now, then)
				}
			}
		})
	}
}

// next is a story as the next version tells it.
func next(t *testing.T, story Story) (events []event.Event) {
	t.Helper()
	add := func(e event.Event) {
		if e.Sequence > 0 {
			e.Sequence = int64(len(events) + 1)
		}
		events = append(events, e)
	}
	for _, e := range story.events() {
		e.Data = schematest.Newer(t, e.Data)
		add(e)
		e.ID, e.Type = event.NewID(), e.Type+"_again"
		add(e)
	}
	return events
}

func marshal(t *testing.T, value any) json.RawMessage {
	t.Helper()
	data, err := json.MarshalIndent(value, "    ", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func value(t *testing.T, data []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// uncounted is a reading without how many events it is of.
func uncounted(t *testing.T, reading any) any {
	members := value(t, marshal(t, reading)).(map[string]any)
	delete(members, "Sequence")
	return members
}

// within reports whether all of then is in now, which may have more.
func within(then, now any) bool {
	switch then := then.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		for name, value := range then {
			ok = ok && within(value, now[name])
		}
		return ok
	case []any:
		now, ok := now.([]any)
		ok = ok && len(now) == len(then)
		for i := range then {
			ok = ok && within(then[i], now[i])
		}
		return ok
	}
	return reflect.DeepEqual(then, now)
}
