// Package schematest holds a domain's decoder and its JSON Schemas to the same examples: golden ones, newer
// ones, refused ones, mutations of them, and whatever a fuzzer finds.
//
// What is written must fit the schemas, which know all members. What is read may have more: a reader's schema
// is the same without "additionalProperties": false.
package schematest

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

	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// Domain is what is tested. Examples are in testdata/{golden,newer,refused}/<type>.json, by their names:
// those that are written, those that are only read, and those that are neither.
type Domain struct {
	Types  []schema.Type
	Decode func(typ string, data []byte) (body any, err error)
	Values []string // of this domain, for mutations: JSON
}

// Of is a domain by its decoder.
func Of[Body any](types []schema.Type, decode func(string, []byte) (Body, error), values ...string) Domain {
	return Domain{Types: types, Values: values, Decode: func(typ string, data []byte) (any, error) { return decode(typ, data) }}
}

// Run tests decoder and schemas against each other.
func (d Domain) Run(t *testing.T) {
	t.Run("golden", d.golden)
	t.Run("newer", d.newer)
	t.Run("refused", d.refused)
	t.Run("beyond the schemas", d.beyond)
	t.Run("money", d.money)
	t.Run("mutations", d.mutations)
}

func (d Domain) golden(t *testing.T) {
	schemas := d.compiled(t, writers)
	for _, typ := range d.Types {
		if typ.Writer == "" {
			t.Errorf("nobody writes %s", typ.Name)
		}
		all := examples(t, "golden", typ.Name)
		all["of the schema"] = typ.Example
		for name, data := range all {
			t.Run(typ.Name+"/"+name, func(t *testing.T) {
				body, err := d.Decode(typ.Name, data)
				if err != nil {
					t.Fatalf("Decode: %v", err)
				}
				if err := fits(schemas[typ.Name], data); err != nil {
					t.Fatalf("schema: %v", err)
				}
				written, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				if !sameJSON(t, written, data) {
					t.Errorf("written again:\n%.300s\nwas:\n%.300s", written, data)
				}
			})
		}
	}
}

// newer: what has members more is read as if it had them not.
func (d Domain) newer(t *testing.T) {
	schemas := d.compiled(t, writers)
	for _, typ := range d.Types {
		for name, data := range examples(t, "newer", typ.Name) {
			t.Run(typ.Name+"/"+name, func(t *testing.T) {
				body, err := d.Decode(typ.Name, data)
				if err != nil {
					t.Fatalf("Decode: %v", err)
				}
				if fits(schemas[typ.Name], data) == nil {
					t.Error("the writers' schema accepts it")
				}
				written, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				if err := fits(schemas[typ.Name], written); err != nil {
					t.Errorf("written again: %v", err)
				}
			})
		}
		was, err := d.Decode(typ.Name, typ.Example)
		if err != nil {
			t.Fatal(err)
		}
		is, err := d.Decode(typ.Name, Newer(t, typ.Example))
		if err != nil || !reflect.DeepEqual(is, was) {
			t.Errorf("%s of the next version: %v\nread as %+v\n    not %+v", typ.Name, err, is, was)
		}
	}
}

// Newer is data as the next version may write it: with a member more in each object.
func Newer(tb testing.TB, data []byte) json.RawMessage {
	tb.Helper()
	var value any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		tb.Fatal(err)
	}
	newer, err := json.Marshal(grown(value))
	if err != nil {
		tb.Fatal(err)
	}
	return newer
}

func grown(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = grown(member)
		}
		value["added_since"] = map[string]any{"a": []any{json.Number("1"), "b", nil, true, map[string]any{"amount": json.Number("1.5e3")}}}
	case []any:
		for i, element := range value {
			value[i] = grown(element)
		}
	}
	return value
}

func (d Domain) refused(t *testing.T) {
	schemas := d.compiled(t, readers)
	for _, typ := range d.Types {
		for name, data := range examples(t, "refused", typ.Name) {
			t.Run(typ.Name+"/"+name, func(t *testing.T) {
				if _, err := d.Decode(typ.Name, data); !errors.Is(err, schema.ErrInvalidEvent) {
					t.Errorf("Decode: %v, want ErrInvalidEvent", err)
				}
				if fits(schemas[typ.Name], data) == nil {
					t.Error("the readers' schema accepts it")
				}
			})
		}
	}
}

// beyond is what a decoder refuses and a schema cannot see.
func (d Domain) beyond(t *testing.T) {
	typ := d.Types[0]
	example := string(typ.Example)
	last := strings.LastIndex(example, "}")
	member := regexp.MustCompile(`"[a-z_]+": *"[^"]*"`).FindString(example)
	for name, data := range map[string]string{
		"nothing":              ``,
		"white space":          ` `,
		"cut off":              example[:last],
		"text after it":        example + ` {}`,
		"a member twice":       example[:last] + "," + member + "}",
		"not UTF-8":            example[:last] + ",\"\xff\":1}",
		"a NUL byte":           example[:last] + "\x00}",
		"an unknown one twice": example[:last] + `,"added_since":{"a":1,"a":2}}`,
		"half a character":     example[:last] + `,"added_since":["\ud800"]}`,
		"a lone brace":         `}`,
		"900 KB of open lists": `{"reason":` + strings.Repeat("[", 900_000),
	} {
		if _, err := d.Decode(typ.Name, []byte(data)); !errors.Is(err, schema.ErrInvalidEvent) {
			t.Errorf("%s: %v, want ErrInvalidEvent", name, err)
		}
	}
	if _, err := d.Decode("no_such_type", typ.Example); !errors.Is(err, schema.ErrUnknownType) {
		t.Errorf("a type that nobody knows: %v, want ErrUnknownType", err)
	}
	integer := regexp.MustCompile(`("amount": *[0-9]+)`)
	for _, typ := range d.Types {
		for _, spelled := range []string{"$1.0", "${1}e0", "${1}E-0"} {
			data := integer.ReplaceAll(typ.Example, []byte(spelled))
			if string(data) == string(typ.Example) {
				continue
			}
			if _, err := d.Decode(typ.Name, data); !errors.Is(err, schema.ErrInvalidEvent) {
				t.Errorf("%s, an amount spelled %s: %v, want ErrInvalidEvent", typ.Name, spelled, err)
			}
		}
	}
}

// money: the schemas know the currencies and limits of pkg/money.
func (d Domain) money(t *testing.T) {
	for _, typ := range d.Types {
		var read struct {
			Defs struct {
				Amount struct {
					Properties struct {
						Amount   struct{ Maximum int64 }
						Currency struct{ Enum []string }
					}
				}
			} `json:"$defs"`
		}
		if err := json.Unmarshal(typ.Schema, &read); err != nil {
			t.Fatal(err)
		}
		amount := read.Defs.Amount.Properties
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

const id = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"

var values = []string{
	`null`, `true`, `false`, `0`, `1`, `-1`, `99999999999`, `100000000000`, `9223372036854775808`, `""`, `" "`, `"x"`,
	`[]`, `{}`, `"` + id + `"`, `"` + strings.ToUpper(id) + `"`, `"\u0000"`,
	`{"amount":1,"currency":"EUR"}`, `{"amount":1,"currency":"eur"}`, `{"currency":"JPY","amount":7}`, `0.5`,
	`"` + strings.Repeat("é", 60) + `"`, `"` + strings.Repeat("é", 61) + `"`,
	`"` + strings.Repeat("é", 200) + `"`, `"` + strings.Repeat("é", 201) + `"`,
	`"` + strings.Repeat("😀", 2000) + `"`, `"` + strings.Repeat("😀", 2001) + `"`,
}

// mutations: examples with members dropped, swapped, renamed and replaced.
func (d Domain) mutations(t *testing.T) {
	schemas, names := d.compiled(t, readers), []string{"", "Reason", "AMOUNT"}
	for _, typ := range d.Types {
		for name := range members(t, typ.Example) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names, all := slices.Compact(names), append(slices.Clone(values), d.Values...)
	rapid.Check(t, func(r *rapid.T) {
		typ := rapid.SampledFrom(d.Types).Draw(r, "type")
		changed := members(t, typ.Example)
		for range rapid.IntRange(0, 3).Draw(r, "changes") {
			name := rapid.SampledFrom(names).Draw(r, "member")
			if rapid.Bool().Draw(r, "drop") {
				delete(changed, name)
			} else {
				changed[name] = json.RawMessage(rapid.SampledFrom(all).Draw(r, "value"))
			}
		}
		data, err := json.Marshal(changed)
		if err != nil {
			r.Fatal(err)
		}
		d.agree(r, schemas[typ.Name], typ.Name, data)
	})
}

// Fuzz has a fuzzer look for data about which decoder and schema do not agree.
func (d Domain) Fuzz(f *testing.F) {
	schemas := d.compiled(f, readers)
	for _, typ := range d.Types {
		for _, kind := range []string{"golden", "newer", "refused"} {
			for _, data := range examples(f, kind, typ.Name) {
				f.Add(typ.Name, []byte(data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		compiled, known := schemas[typ]
		if !known {
			if _, err := d.Decode(typ, data); !errors.Is(err, schema.ErrUnknownType) {
				t.Fatalf("Decode: %v, want ErrUnknownType", err)
			}
			return
		}
		d.agree(t, compiled, typ, data)
	})
}

// fraction finds a number with a fraction or an exponent, which a schema takes for an integer where its value
// is one.
var fraction = regexp.MustCompile(`[0-9][.eE]`)

// agree fails if the decoder accepts what the readers' schema refuses, or the schema accepts what the decoder
// refuses for another reason than those that a schema cannot see.
func (d Domain) agree(t interface {
	Helper()
	Fatalf(string, ...any)
}, compiled *jsonschema.Schema, typ string, data []byte) {
	t.Helper()
	_, decodeErr := d.Decode(typ, data)
	if decodeErr != nil {
		for _, beyond := range []string{"duplicate", "UTF-8", "surrogate"} {
			if strings.Contains(decodeErr.Error(), beyond) {
				return
			}
		}
		if fraction.Match(data) {
			return
		}
	}
	schemaErr := fits(compiled, data)
	if (decodeErr == nil) != (schemaErr == nil) {
		t.Fatalf("%s %.300q\nDecode: %v\nschema: %v", typ, data, decodeErr, schemaErr)
	}
}

func fits(compiled *jsonschema.Schema, data []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}

// Whose schema.
const (
	writers = false
	readers = true
)

// compiled are the schemas of the writers, or of the readers.
func (d Domain) compiled(tb testing.TB, tolerant bool) map[string]*jsonschema.Schema {
	tb.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiled := map[string]*jsonschema.Schema{}
	for _, typ := range d.Types {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(typ.Schema))
		if err != nil {
			tb.Fatal(err)
		}
		if tolerant {
			document = opened(document)
		}
		if err := compiler.AddResource(schema.URI(typ.Name), document); err != nil {
			tb.Fatal(err)
		}
		compiled[typ.Name] = compiler.MustCompile(schema.URI(typ.Name))
	}
	return compiled
}

// opened is a schema that lets any member pass that it does not know.
func opened(document any) any {
	switch document := document.(type) {
	case map[string]any:
		if document["additionalProperties"] == false {
			delete(document, "additionalProperties")
		}
		for _, part := range document {
			opened(part)
		}
	case []any:
		for _, part := range document {
			opened(part)
		}
	}
	return document
}

// examples reads the examples of a type by their names.
func examples(tb testing.TB, kind, typ string) map[string]json.RawMessage {
	tb.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", kind, typ+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	return members(tb, file)
}

func members(tb testing.TB, object []byte) map[string]json.RawMessage {
	tb.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(object, &all); err != nil {
		tb.Fatal(err)
	}
	return all
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
