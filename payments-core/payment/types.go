package payment

import (
	"embed"

	"countersign.example/pkg/schema"
)

//go:embed schemas/*.json
var schemas embed.FS

// Types returns every event type of a payment, in the order of its life.
func Types() []schema.Type {
	const contractors, managers, core = "/contractor-ui", "/manager-ui", "/payments-core"
	return []schema.Type{
		schema.Describe(schemas, TypeRequested, contractors),
		schema.Describe(schemas, TypeWithdrawn, contractors),
		schema.Describe(schemas, TypeRejected, managers),
		schema.Describe(schemas, TypeAccepted, managers),
		schema.Describe(schemas, TypeAuthorized, core),
		schema.Describe(schemas, TypeDeclined, core),
		schema.Describe(schemas, TypeCaptured, core),
		schema.Describe(schemas, TypeReleased, core),
		schema.Describe(schemas, TypeRefunded, core),
		schema.Describe(schemas, TypeCancelled, core),
	}
}
