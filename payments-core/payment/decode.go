package payment

import "countersign.example/pkg/schema"

// The errors of Decode and Check.
var (
	// ErrUnknownType says that no payment event has this type. A newer writer may know it.
	ErrUnknownType = schema.ErrUnknownType
	// ErrMalformed says that an event does not fit its schema or its envelope.
	ErrMalformed = schema.ErrMalformed
)

// Decode reads the data of an event of type typ, as strictly as its JSON Schema says. Its errors are
// ErrUnknownType or ErrMalformed, wrapped.
func Decode(typ string, data []byte) (Body, error) { return decoders.Decode(typ, data) }
