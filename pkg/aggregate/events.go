package aggregate

import (
	"embed"
	"encoding/json"
	"fmt"

	"countersign.example/pkg/event"
	"countersign.example/pkg/schema"
)

// Events are the events of one topic: which types there are, and where they go. Every domain has one such
// table of its types.
type Events[B Body] struct {
	Topic      string
	Partitions int // The order of a key depends on it: it does not change in place.
	// Prefixes are how the ids of the streams begin, and Stream is the id of an event's stream. An event of a
	// type that is not known has a stream, too.
	Prefixes []string
	Stream   func(event.Event) string
	// About is the subject that a body names; "" if it names none.
	About func(B) string
	// Schemas has schemas/<type>.json for each type.
	Schemas embed.FS
	Types   []Type[B] // in the order of a life
}

// Type is one type of event.
type Type[B Body] struct {
	Name   string
	Writer string // the source of the one service that writes it
	Verb   string // what has been done then, as a participle; "" where no text says so
	Read   func(*schema.Object) B
}

// find returns a type by its name; the zero value if it is not known.
func (t *Events[B]) find(name string) Type[B] {
	for i := range t.Types {
		if t.Types[i].Name == name {
			return t.Types[i]
		}
	}
	return Type[B]{}
}

// Writer is the source of the one service that writes events of a type; "" if the type is not known.
func (t *Events[B]) Writer(typ string) string { return t.find(typ).Writer }

// Verb is a type as a participle; "" if it is not known.
func (t *Events[B]) Verb(typ string) string { return t.find(typ).Verb }

// Decode reads the data of an event of type typ. It accepts what the type's JSON Schema accepts, and ignores
// members that the schema does not know. Its errors are schema.ErrUnknownType or schema.ErrInvalidEvent,
// wrapped.
func (t *Events[B]) Decode(typ string, data []byte) (body B, err error) {
	read := t.find(typ).Read
	if read == nil {
		return body, fmt.Errorf("%w: %q", schema.ErrUnknownType, typ)
	}
	o := schema.Open(data)
	decoded := read(o)
	if err := o.Err(); err != nil {
		return body, fmt.Errorf("%w: %s: %w", schema.ErrInvalidEvent, typ, err)
	}
	return decoded, nil
}

// Read decodes an event, and compares it with its envelope.
func (t *Events[B]) Read(e event.Event) (none B, err error) {
	body, err := t.Decode(e.Type, e.Data)
	if err != nil {
		return none, err
	}
	if !schema.IsID(e.Subject) {
		return none, fmt.Errorf("%w: subject is not a UUID in lower case", schema.ErrInvalidEvent)
	}
	if about := t.About(body); about != "" && about != e.Subject {
		return none, fmt.Errorf("%w: the id in its data is not the subject", schema.ErrInvalidEvent)
	}
	return body, nil
}

// Check returns nil for an event that fits its schema and its envelope, schema.ErrUnknownType (store it, it
// has no effect) or schema.ErrInvalidEvent (the event is poison). Whether the event is valid now, only a fold
// knows.
func (t *Events[B]) Check(e event.Event) error {
	_, err := t.Read(e)
	return err
}

// InTopic is the topic of these events.
func (t *Events[B]) InTopic() event.Topic {
	return event.Topic{
		Name: t.Topic, Partitions: t.Partitions, Prefixes: t.Prefixes, Stream: t.Stream,
		Check: t.Check, Unknown: schema.ErrUnknownType, Writer: t.Writer,
	}
}

// Described returns the types as their schemas describe them. The files are embedded and tested, so that
// failing to read one is a mistake of the build.
func (t *Events[B]) Described() []schema.Type {
	types := make([]schema.Type, len(t.Types))
	for i, typ := range t.Types {
		file, err := t.Schemas.ReadFile("schemas/" + typ.Name + ".json")
		if err != nil {
			panic(fmt.Errorf("schema of %s: %w", typ.Name, err))
		}
		var read struct {
			Description string            `json:"description"`
			Examples    []json.RawMessage `json:"examples"`
		}
		if err := json.Unmarshal(file, &read); err != nil || len(read.Examples) == 0 {
			panic(fmt.Errorf("schema of %s has no example (%w)", typ.Name, err))
		}
		types[i] = schema.Type{
			Name: typ.Name, Description: read.Description, Writer: typ.Writer, Schema: file, Example: read.Examples[0],
		}
	}
	return types
}
