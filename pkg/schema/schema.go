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
	"encoding/json"
	"errors"
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
