package payment_test

import (
	"errors"
	"strings"
	"testing"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/schema"
	"countersign.example/pkg/schema/schematest"
)

var domain = schematest.Of(payment.Types(), payment.Decode, `"automatic"`, `"manual"`)

func TestDecoderAndSchemasAgree(t *testing.T) { domain.Run(t) }

func FuzzDecode(f *testing.F) { domain.Fuzz(f) }

func TestCheckHoldsTheBodyAgainstTheEnvelope(t *testing.T) {
	good := payment.New("/contractor-ui", paymentID, request())
	for name, tt := range map[string]struct {
		change func(*event.Event)
		want   error
	}{
		"fits":                  {func(*event.Event) {}, nil},
		"another subject":       {func(e *event.Event) { e.Subject = otherID }, schema.ErrInvalidEvent},
		"no subject":            {func(e *event.Event) { e.Subject = "" }, schema.ErrInvalidEvent},
		"subject in upper case": {func(e *event.Event) { e.Subject = strings.ToUpper(paymentID) }, schema.ErrInvalidEvent},
		"no data":               {func(e *event.Event) { e.Data = nil }, schema.ErrInvalidEvent},
		"an unknown type":       {func(e *event.Event) { e.Type = "payment_blessed" }, schema.ErrUnknownType},
		"no type":               {func(e *event.Event) { e.Type = "" }, schema.ErrUnknownType},
		"another type's data":   {func(e *event.Event) { e.Type = payment.TypeRejected }, schema.ErrInvalidEvent},
	} {
		t.Run(name, func(t *testing.T) {
			e := good
			tt.change(&e)
			if err := payment.Check(e); !errors.Is(err, tt.want) {
				t.Errorf("Check: %v, want %v", err, tt.want)
			}
		})
	}
}
