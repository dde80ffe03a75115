package order

import (
	"embed"

	"countersign.example/pkg/schema"
)

//go:embed schemas/*.json
var schemas embed.FS

// Types returns every event type of an order, in the order of its life.
func Types() []schema.Type {
	var types []schema.Type
	for _, name := range []string{
		TypeDrafted, TypeItemAdded, TypeItemRemoved, TypeCustomerChosen, TypeDiscountSet, TypeDiscountReset, TypeSubmitted,
		TypePaid, TypeExpired, TypeCancelled, TypePaymentRefused,
	} {
		types = append(types, schema.Describe(schemas, name, Source))
	}
	return types
}
