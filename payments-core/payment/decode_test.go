package payment_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

func TestDecodeAndSchemaAcceptTheGoldenExamples(t *testing.T) {
	schemas := mustSchemas(t)
	for _, typ := range payment.Types() {
		examples := mustExamples(t, "golden", typ.Name)
		examples["of the schema"] = typ.Example
		for name, data := range examples {
			t.Run(typ.Name+"/"+name, func(t *testing.T) {
				body, err := payment.Decode(typ.Name, data)
				if err != nil {
					t.Fatalf("Decode: %v", err)
				}
				if err := fits(schemas[typ.Name], data); err != nil {
					t.Fatalf("schema: %v", err)
				}
				// and what was read, written again, is the same JSON
				written := payment.New("/test", paymentID, body).Data
				if !sameJSON(t, written, data) {
					t.Errorf("written again:\n%.300s\nwas:\n%.300s", written, data)
				}
			})
		}
	}
}

func TestDecodeAndSchemaRefuseTheSame(t *testing.T) {
	schemas := mustSchemas(t)
	for _, typ := range payment.Types() {
		for name, data := range mustExamples(t, "refused", typ.Name) {
			t.Run(typ.Name+"/"+name, func(t *testing.T) {
				if _, err := payment.Decode(typ.Name, data); !errors.Is(err, payment.ErrMalformed) {
					t.Errorf("Decode: %v, want ErrMalformed", err)
				}
				if fits(schemas[typ.Name], data) == nil {
					t.Error("the schema accepts it")
				}
			})
		}
	}
}

// Decode refuses more than a schema can say.
func TestDecodeRefusesWhatASchemaCannotSee(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":              ``,
		"white space":          ` `,
		"cut off":              `{"reason":"no"`,
		"text after it":        `{"reason":"no"} {}`,
		"a member twice":       `{"reason":"no","reason":"yes"}`,
		"not UTF-8":            "{\"reason\":\"\xff\"}",
		"a NUL byte":           "{\"reason\":\"a\x00b\"}",
		"a lone brace":         `}`,
		"900 KB of open lists": `{"reason":` + strings.Repeat("[", 900_000),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := payment.Decode(payment.TypeRejected, []byte(data)); !errors.Is(err, payment.ErrMalformed) {
				t.Errorf("Decode: %v, want ErrMalformed", err)
			}
		})
	}
	for _, amount := range []string{`1.0`, `1e2`, `100E-1`} {
		data := `{"amount":{"amount":` + amount + `,"currency":"EUR"},"gateway_reference":"r"}`
		if _, err := payment.Decode(payment.TypeCaptured, []byte(data)); !errors.Is(err, payment.ErrMalformed) {
			t.Errorf("amount %s: %v, want ErrMalformed", amount, err)
		}
	}
}

func TestSchemasKnowTheCurrenciesAndLimitsOfMoney(t *testing.T) {
	for _, typ := range payment.Types() {
		var schema struct {
			Defs struct {
				Amount struct {
					Properties struct {
						Amount   struct{ Maximum int64 }
						Currency struct{ Enum []string }
					}
				}
			} `json:"$defs"`
		}
		if err := json.Unmarshal(typ.Schema, &schema); err != nil {
			t.Fatal(err)
		}
		amount := schema.Defs.Amount.Properties
		if amount.Currency.Enum == nil {
			continue
		}
		if !slices.Equal(amount.Currency.Enum, money.Known()) {
			t.Errorf("%s: the currencies are not those of pkg/money", typ.Name)
		}
		if amount.Amount.Maximum != money.Max {
			t.Errorf("%s: maximum %d, want %d", typ.Name, amount.Amount.Maximum, money.Max)
		}
	}
}

func TestCheckHoldsTheBodyAgainstTheEnvelope(t *testing.T) {
	good := payment.New("/contractor-ui", paymentID, request())
	for name, tt := range map[string]struct {
		change func(*event.Event)
		want   error
	}{
		"fits":                  {func(*event.Event) {}, nil},
		"another subject":       {func(e *event.Event) { e.Subject = otherID }, payment.ErrMalformed},
		"no subject":            {func(e *event.Event) { e.Subject = "" }, payment.ErrMalformed},
		"subject in upper case": {func(e *event.Event) { e.Subject = strings.ToUpper(paymentID) }, payment.ErrMalformed},
		"no data":               {func(e *event.Event) { e.Data = nil }, payment.ErrMalformed},
		"an unknown type":       {func(e *event.Event) { e.Type = "payment_blessed" }, payment.ErrUnknownType},
		"no type":               {func(e *event.Event) { e.Type = "" }, payment.ErrUnknownType},
		"another type's data":   {func(e *event.Event) { e.Type = payment.TypeRejected }, payment.ErrMalformed},
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

// Golden examples with members dropped, swapped, renamed and replaced: decoder and schema
// still say the same.
func TestDecodeAndSchemaAgreeOnMutations(t *testing.T) {
	schemas := mustSchemas(t)
	values := []string{
		`null`, `true`, `false`, `0`, `1`, `-1`, `99999999999`, `100000000000`, `9223372036854775808`, `""`, `" "`, `"x"`,
		`"automatic"`, `"manual"`, `[]`, `{}`, `"` + paymentID + `"`, `"` + strings.ToUpper(paymentID) + `"`, `"\u0000"`,
		`{"amount":1,"currency":"EUR"}`, `{"amount":1,"currency":"eur"}`, `{"currency":"JPY","amount":7}`, `0.5`,
		`"` + strings.Repeat("é", 200) + `"`, `"` + strings.Repeat("é", 201) + `"`,
		`"` + strings.Repeat("😀", 2000) + `"`, `"` + strings.Repeat("😀", 2001) + `"`,
	}
	names := []string{
		"payment_id", "contractor_id", "amount", "description", "order_id", "supersedes", "capture_method",
		"reason", "note", "code", "final", "gateway_reference", "Reason", "AMOUNT", "",
	}
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(payment.Types()).Draw(t, "type")
		members := map[string]json.RawMessage{}
		if err := json.Unmarshal(typ.Example, &members); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			name := rapid.SampledFrom(names).Draw(t, "member")
			if rapid.Bool().Draw(t, "drop") {
				delete(members, name)
			} else {
				members[name] = json.RawMessage(rapid.SampledFrom(values).Draw(t, "value"))
			}
		}
		data, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, schemas[typ.Name], typ.Name, data)
	})
}

func FuzzDecode(f *testing.F) {
	schemas := mustSchemas(f)
	for _, typ := range payment.Types() {
		for _, kind := range []string{"golden", "refused"} {
			for _, data := range mustExamples(f, kind, typ.Name) {
				f.Add(typ.Name, []byte(data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		schema, known := schemas[typ]
		if !known {
			if _, err := payment.Decode(typ, data); !errors.Is(err, payment.ErrUnknownType) {
				t.Fatalf("Decode: %v, want ErrUnknownType", err)
			}
			return
		}
		agree(t, schema, typ, data)
	})
}

// fraction finds a number with a fraction or an exponent, which a schema takes for an
// integer where its value is one.
var fraction = regexp.MustCompile(`[0-9][.eE]`)

// agree fails if Decode accepts what the schema refuses, or the schema accepts what Decode
// refuses for another reason than those in TestDecodeRefusesWhatASchemaCannotSee.
func agree(t interface {
	Helper()
	Fatalf(string, ...any)
}, schema *jsonschema.Schema, typ string, data []byte) {
	t.Helper()
	_, decodeErr := payment.Decode(typ, data)
	if decodeErr != nil {
		twice := strings.Contains(decodeErr.Error(), "is there twice") || strings.Contains(decodeErr.Error(), "unexpected member")
		if twice || strings.Contains(decodeErr.Error(), "UTF-8") || fraction.Match(data) {
			return
		}
	}
	schemaErr := fits(schema, data)
	if (decodeErr == nil) != (schemaErr == nil) {
		t.Fatalf("%s %.300q\nDecode: %v\nschema: %v", typ, data, decodeErr, schemaErr)
	}
}

func fits(schema *jsonschema.Schema, data []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func mustSchemas(tb testing.TB) map[string]*jsonschema.Schema {
	tb.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiled := map[string]*jsonschema.Schema{}
	for _, typ := range payment.Types() {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(typ.Schema))
		if err != nil {
			tb.Fatal(err)
		}
		if err := compiler.AddResource(payment.SchemaURI(typ.Name), document); err != nil {
			tb.Fatal(err)
		}
		compiled[typ.Name] = compiler.MustCompile(payment.SchemaURI(typ.Name))
	}
	return compiled
}

// mustExamples reads the examples of a type by their names.
func mustExamples(tb testing.TB, kind, typ string) map[string]json.RawMessage {
	tb.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", kind, typ+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	var examples map[string]json.RawMessage
	if err := json.Unmarshal(file, &examples); err != nil {
		tb.Fatal(err)
	}
	return examples
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}
