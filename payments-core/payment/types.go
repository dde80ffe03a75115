package payment

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed schemas/*.json
var schemas embed.FS

// Type describes one event type, for documentation and for checks.
type Type struct {
	Name        string
	Description string
	Writer      string          // the one service that writes it: its ce_source
	Schema      json.RawMessage // JSON Schema 2020-12
	Example     json.RawMessage // data that fits it
}

// Types returns every event type of a payment, in the order of its life.
func Types() []Type {
	const contractors, managers, core = "/contractor-ui", "/manager-ui", "/payments-core"
	return []Type{
		describe(TypeRequested, contractors),
		describe(TypeWithdrawn, contractors),
		describe(TypeRejected, managers),
		describe(TypeAccepted, managers),
		describe(TypeAuthorized, core),
		describe(TypeDeclined, core),
		describe(TypeCaptured, core),
		describe(TypeReleased, core),
		describe(TypeRefunded, core),
		describe(TypeCancelled, core),
	}
}

// describe reads what the schema itself says about its type. The files are embedded and
// tested, so that failing to read one is a mistake of the build.
func describe(name, writer string) Type {
	schema, err := schemas.ReadFile("schemas/" + name + ".json")
	if err != nil {
		panic(fmt.Errorf("payment: schema of %s: %w", name, err))
	}
	var said struct {
		Description string            `json:"description"`
		Examples    []json.RawMessage `json:"examples"`
	}
	if err := json.Unmarshal(schema, &said); err != nil || len(said.Examples) == 0 {
		panic(fmt.Errorf("payment: schema of %s has no example (%w)", name, err))
	}
	return Type{Name: name, Description: said.Description, Writer: writer, Schema: schema, Example: said.Examples[0]}
}
