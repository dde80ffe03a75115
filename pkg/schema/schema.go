// Package schema is what domains say about their events: the JSON Schema of each type, a registry of the
// types, and a reader of data that is as strict as the schemas, but for what a newer writer may have added.
//
// Invariants:
//   - What a service writes fits the type's schema, which knows all its members.
//   - A decoder accepts what the schema accepts, with members more at any depth, and those it ignores. It
//     accepts nothing else, and not what a schema cannot see: invalid UTF-8, a member written twice, and an
//     integer spelled with a fraction or an exponent.
//   - What a schema says about its type, description and example, is said there only.
package schema

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
)

var (
	// ErrUnknownType says that the domain has no event of this type. A newer writer may know it.
	ErrUnknownType = errors.New("unknown event type")
	// ErrInvalidEvent says that an event lacks what its schema wants, has it otherwise, or does not fit its
	// envelope.
	ErrInvalidEvent = errors.New("invalid event")
)

// Type describes one event type, for documentation and for checks.
type Type struct {
	Name        string
	Description string
	Writer      string          // the one service that writes it: its ce_source
	Schema      json.RawMessage // JSON Schema 2020-12
	Example     json.RawMessage // data that fits it
}

// URI names the JSON Schema of a type; it is an identifier, not an address.
func URI(typ string) string { return "https://countersign.example/schemas/" + typ + ".json" }

// Types describes the types with names, in their order, as their schemas schemas/<name>.json do. The files
// are embedded and tested, so that failing to read one is a mistake of the build.
func Types(files embed.FS, writer func(typ string) string, names ...string) []Type {
	types := make([]Type, len(names))
	for i, name := range names {
		schema, err := files.ReadFile("schemas/" + name + ".json")
		if err != nil {
			panic(fmt.Errorf("schema of %s: %w", name, err))
		}
		var read struct {
			Description string            `json:"description"`
			Examples    []json.RawMessage `json:"examples"`
		}
		if err := json.Unmarshal(schema, &read); err != nil || len(read.Examples) == 0 {
			panic(fmt.Errorf("schema of %s has no example (%w)", name, err))
		}
		types[i] = Type{Name: name, Description: read.Description, Writer: writer(name), Schema: schema, Example: read.Examples[0]}
	}
	return types
}

// Decoders read the data of each type, and are the list of the types there are.
type Decoders[Body any] map[string]func(*Object) Body

// Decode reads the data of an event of type typ. It accepts what the type's JSON Schema accepts, and ignores
// members that the schema does not know. Its errors are ErrUnknownType or ErrInvalidEvent, wrapped.
func (d Decoders[Body]) Decode(typ string, data []byte) (body Body, err error) {
	read, known := d[typ]
	if !known {
		return body, fmt.Errorf("%w: %q", ErrUnknownType, typ)
	}
	o := Open(data)
	decoded := read(o)
	if err := o.Err(); err != nil {
		return body, fmt.Errorf("%w: %s: %w", ErrInvalidEvent, typ, err)
	}
	return decoded, nil
}
