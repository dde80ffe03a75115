package order

import (
	"regexp"

	"countersign.example/pkg/schema"
)

var (
	// ErrUnknownType says that no order event has this type. A newer writer may know it.
	ErrUnknownType = schema.ErrUnknownType
	// ErrMalformed says that an event does not fit its schema or its envelope.
	ErrMalformed = schema.ErrMalformed
)

// Decode reads the data of an event of type typ: what the type's JSON Schema accepts, and
// none of what a schema cannot see. Its errors are ErrUnknownType or ErrMalformed, wrapped.
func Decode(typ string, data []byte) (Body, error) { return decoders.Decode(typ, data) }

var numbers = regexp.MustCompile(`^[0-9]{4}/(0[1-9]|1[0-2])/[0-9]{6,12}$`)

func lines(o *schema.Object) (lines []Line) {
	o.Objects("lines", MaxLines, func(l *schema.Object) {
		lines = append(lines, Line{
			ProductID: l.ID("product_id"), SKU: l.Text("sku", MaxReference), Name: l.Text("name", MaxReference),
			Price: l.Amount("price"), Quantity: l.Integer("quantity", 1, MaxQuantity), Total: l.Amount("total"),
		})
	})
	return lines
}
