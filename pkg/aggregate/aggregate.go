// Package aggregate is what the aggregates of all services are made of: the bodies of their events, the
// entries that they fold, who did what, and the phrases that their texts share. It knows no domain.
package aggregate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign.example/pkg/event"
	"countersign.example/pkg/schema"
)

// Body is the data of one type of event. Who wrote it, and when, is in the envelope.
type Body interface {
	EventType() string
}

// New returns an event about subject. The caller sets its Time and Meta, and its Sequence if the writer
// counts.
func New(source, subject string, b Body) event.Event {
	data, err := json.Marshal(b)
	if err != nil { // bodies are made by commands, which let no unknown currency through
		panic(fmt.Errorf("encode %s: %w", b.EventType(), err))
	}
	return event.Event{
		ID:         event.NewID(),
		Type:       b.EventType(),
		Source:     source,
		Subject:    subject,
		DataSchema: schema.URI(b.EventType()),
		Data:       data,
	}
}

// Entry is an event as a journal holds it. Confirmed means that the log holds it too.
type Entry struct {
	event.Event
	Confirmed bool
}

// Act is who did something, and when; zero if nobody has. By is empty where a service did it by itself.
type Act struct {
	EventID    uuid.UUID // of the event that says so
	By, ByName string
	At         time.Time
	Confirmed  bool // the log holds its event
}

// ActOf returns who caused an entry, and when.
func ActOf(e Entry) Act {
	return Act{EventID: e.ID, By: e.Actor, ByName: e.ActorName, At: e.Time, Confirmed: e.Confirmed}
}

// Done reports whether it has happened.
func (a Act) Done() bool { return !a.At.IsZero() || a.By != "" }

// NameOf is how a person is called: by their name, or by their id if they have none.
func NameOf(id, name string) string {
	if name != "" {
		return name
	}
	return id
}

// By adds who did something, if somebody did.
func By(what, who string) string {
	if who == "" {
		return what
	}
	return what + " by " + who
}

// Because adds a reason, if there is one, without its full stop.
func Because(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + ": " + strings.TrimSuffix(reason, ".")
}
