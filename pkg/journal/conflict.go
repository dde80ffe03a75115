package journal

import (
	"bytes"
	"encoding/json"
	"math/big"

	"countersign.example/pkg/event"
)

// Conflict is a received event whose id its stream has for an event that differs.
type Conflict struct {
	Index   int    // among the events received
	Differs string // what is another: "data" or the name of an attribute
}

// difference names the first thing in which two events of one id differ, or nothing. Their times are as
// PostgreSQL keeps them. Nearly always the data are the same bytes, since both come from a jsonb.
func difference(a, b event.Event) string {
	switch {
	case a.Type != b.Type:
		return "type"
	case a.Source != b.Source:
		return "source"
	case a.Subject != b.Subject:
		return "subject"
	case !a.Time.Equal(b.Time):
		return "time"
	case a.DataSchema != b.DataSchema:
		return "dataschema"
	case a.Sequence != b.Sequence:
		return "sequence"
	case a.CorrelationID != b.CorrelationID:
		return "correlationid"
	case a.CausationID != b.CausationID:
		return "causationid"
	case a.Actor != b.Actor:
		return "actor"
	case a.ActorName != b.ActorName:
		return "actorname"
	case a.TraceParent != b.TraceParent:
		return "traceparent"
	case !bytes.Equal(a.Data, b.Data) && !equal(decoded(a.Data), decoded(b.Data)):
		return "data"
	}
	return ""
}

// decoded is valid JSON with its numbers as they are written.
func decoded(data []byte) (value any) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil
	}
	return value
}

// equal is jsonb's equality: the order of members does not count, nor how a number is written.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			if other, ok := b[name]; !ok || !equal(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || sameNumber(a, b))
	}
	return a == b // strings, truth values and null
}

func sameNumber(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(a.String())
	y, okY := new(big.Rat).SetString(b.String())
	return okX && okY && x.Cmp(y) == 0
}
