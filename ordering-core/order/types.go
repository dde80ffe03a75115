package order

import (
	"embed"

	"countersign.example/pkg/schema"
)

//go:embed schemas/*.json
var schemas embed.FS

// Writer is the source of the one service that writes events of type typ; "" if the type is not known.
func Writer(typ string) string {
	if _, known := decoders[typ]; known {
		return Source
	}
	return ""
}

// Types returns every event type of an order, in the order of its life.
func Types() []schema.Type {
	var types []schema.Type
	for _, name := range []string{
		TypeDrafted, TypeItemAdded, TypeItemRemoved, TypeCustomerChosen, TypeDiscountSet, TypeDiscountReset, TypeSubmitted,
		TypePaid, TypeExpired, TypeCancelled, TypePaymentRefused,
	} {
		types = append(types, schema.Describe(schemas, name, Writer(name)))
	}
	return types
}
