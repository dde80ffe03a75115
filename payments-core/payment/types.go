package payment

import (
	"embed"

	"countersign.example/pkg/schema"
)

//go:embed schemas/*.json
var schemas embed.FS

// The services that write about payments, by their ce_source.
const (
	sourceContractors = "/contractor-ui"
	sourceManagers    = "/manager-ui"
	sourceCore        = "/payments-core"
)

var writers = map[string]string{
	TypeRequested:  sourceContractors,
	TypeWithdrawn:  sourceContractors,
	TypeRejected:   sourceManagers,
	TypeAccepted:   sourceManagers,
	TypeAuthorized: sourceCore,
	TypeDeclined:   sourceCore,
	TypeCaptured:   sourceCore,
	TypeReleased:   sourceCore,
	TypeRefunded:   sourceCore,
	TypeCancelled:  sourceCore,
	TypeStuck:      sourceCore,
}

// Writer is the source of the one service that writes events of type typ; "" if the type is not known.
func Writer(typ string) string { return writers[typ] }

// Types returns every event type of a payment, in the order of its life.
func Types() []schema.Type {
	var types []schema.Type
	for _, name := range []string{
		TypeRequested, TypeWithdrawn, TypeRejected, TypeAccepted, TypeAuthorized, TypeDeclined, TypeCaptured, TypeReleased,
		TypeRefunded, TypeCancelled, TypeStuck,
	} {
		types = append(types, schema.Describe(schemas, name, Writer(name)))
	}
	return types
}
