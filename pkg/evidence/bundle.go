// Package evidence is what proves to others what happened to an aggregate, such as a payment: a bundle of its
// events as they were on the wire, with their signatures, places in the log and public keys, and what can be
// checked of it offline.
//
// Invariants:
//   - What a bundle says is checked, never believed: an event counts as verified only if its attributes and
//     data are what its type's writer has signed.
//   - What a check does not prove is said beside what it proves.
package evidence

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"countersign.example/pkg/signing"
)

// Format is the first version of the bundle. A reader refuses others.
const Format = "countersign-evidence/1"

// Limits of what is read.
const (
	maxBundle = 64 << 20 // bytes
	maxEvents = 10_000
)

// Bundle is the evidence about one aggregate, whose id is the subject of its events.
type Bundle struct {
	Format  string        `json:"format"`
	Subject string        `json:"subject"`
	Events  []Event       `json:"events"` // in the log's order
	Keys    []signing.Key `json:"keys"`   // that the events name, by what the service knows of them
}

// Event is an event as it was on the wire, and where.
type Event struct {
	Number     int               `json:"number"` // among the subject's events in the log, from 1
	Topic      string            `json:"topic"`
	Partition  int               `json:"partition"`
	Offset     int64             `json:"offset"`
	Attributes map[string]string `json:"attributes"` // by their CloudEvents names; dssematerial is the signature
	Data       string            `json:"data"`       // byte for byte
}

// Message is the event as a topic holds it.
func (e Event) Message() signing.Message {
	return signing.Message{
		Event: signing.Event{Attributes: e.Attributes, Data: []byte(e.Data)}, Topic: e.Topic, Partition: e.Partition, Offset: e.Offset,
	}
}

// Write writes a bundle that people can look through.
func Write(w io.Writer, b Bundle) error {
	return json.MarshalWrite(w, b, json.Deterministic(true), jsontext.WithIndent("  "))
}

// Read reads a bundle. It takes no member that it does not know or that is there twice: somebody might read
// there what nothing has checked.
func Read(r io.Reader) (Bundle, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxBundle+1))
	if err != nil {
		return Bundle{}, err
	}
	if len(content) > maxBundle {
		return Bundle{}, fmt.Errorf("it has more than %d MiB, and no evidence has", maxBundle>>20)
	}
	var b Bundle
	if err := json.Unmarshal(content, &b, json.RejectUnknownMembers(true)); err != nil {
		return Bundle{}, fmt.Errorf("it is not a bundle of evidence: %w", err)
	}
	switch {
	case b.Format == "":
		return Bundle{}, errors.New("it is not a bundle of evidence: it names no format")
	case b.Format != Format:
		return Bundle{}, fmt.Errorf("its format is %.80q, and this program reads %s: take a program as new as the bundle", b.Format, Format)
	case len(b.Events) == 0:
		return Bundle{}, errors.New("it holds no event")
	case len(b.Events) > maxEvents:
		return Bundle{}, fmt.Errorf("it holds more than %d events", maxEvents)
	}
	return b, nil
}

// who is the person for whom an event says that it was written.
func who(attributes map[string]string) string {
	id, name := attributes["actor"], attributes["actorname"]
	switch {
	case id == "":
		return ""
	case name == "" || name == id:
		return plain(id)
	}
	return plain(name) + " (" + plain(id) + ")"
}

// plain is a text of somebody else's on one line, without what could steer a terminal, and not endless.
func plain(text string) string {
	quoted := fmt.Sprintf("%.200q", text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
