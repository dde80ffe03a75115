package schema_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"countersign.example/pkg/schema"
)

// thing has a member of every kind.
type thing struct {
	id, text, choice, optional string
	yes                        bool
	count, minor               int64
	at                         time.Time
	parts                      []string
}

func read(data string) (t thing, err error) {
	o := schema.Open([]byte(data))
	t = thing{
		id: o.ID("id"), text: o.Text("text", 5), choice: o.OneOf("choice", "a", "b"), optional: o.OptionalText("optional", 5),
		yes: o.Boolean("yes"), count: o.Integer("count", 1, 9), minor: o.Amount("price").Minor, at: o.Time("at"),
	}
	o.Objects("parts", 2, func(part *schema.Object) { t.parts = append(t.parts, part.Text("name", 5)) })
	return t, o.Err()
}

const good = `{"id":"01a20732-6c1d-7d43-8f2d-4bc21f4dd3ad", "text":"d\u00e9j\u00e0", "choice":"b", "yes":true, "count":7,
	"price":{"amount":1099,"currency":"EUR"}, "at":"2026-11-23T12:00:00+01:00", "parts":[{"name":"one"}, {"name":"two"}]}`

func TestAnObjectIsRead(t *testing.T) {
	got, err := read(good)
	if err != nil || got.text != "déjà" || got.choice != "b" || !got.yes || got.count != 7 || got.minor != 1099 ||
		!got.at.Equal(time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)) || strings.Join(got.parts, " ") != "one two" {
		t.Errorf("%+v, %v", got, err)
	}
}

// A newer writer may have added members, anywhere; they are refused only where they are no JSON.
func TestWhatIsNotKnownIsIgnored(t *testing.T) {
	known, err := read(good)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string][2]string{
		"a member":              {`"yes":true`, `"yes":true, "no":false`},
		"null":                  {`"yes":true`, `"yes":true, "no":null`},
		"an object":             {`"yes":true`, `"yes":true, "no":{"text":[1e9,{"a":null}]}`},
		"a name in other case":  {`"yes":true`, `"yes":true, "TEXT":7`},
		"no name":               {`"yes":true`, `"yes":true, "":7`},
		"in an amount":          {`"amount":1099`, `"amount":1099, "exponent":{"a":[2]}`},
		"in an amount, first":   {`"amount":1099`, `"Amount":null, "amount":1099`},
		"in an element":         {`"one"`, `"one", "more":[1]`},
		"an element's own name": {`"yes":true`, `"yes":true, "name":"x"`},
	} {
		data := strings.Replace(good, change[0], change[1], 1)
		if data == good {
			t.Fatalf("%s: nothing changed", what)
		}
		if got, err := read(data); err != nil || !reflect.DeepEqual(got, known) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		for _, wrong := range []string{`{"a":1,"a":2}`, `"\ud800"`, `"` + "\xff" + `"`, `tru`, `01`, ``} {
			data := strings.Replace(good, `"yes":true`, `"yes":true, "no":[`+wrong+`, 1]`, 1)
			if got, err := read(data); err == nil {
				t.Errorf("%s was read: %+v", wrong, got)
			}
		}
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	for what, change := range map[string][2]string{
		"another name":              {`"text"`, `"TEXT"`},
		"a member twice":            {`"yes":true`, `"yes":true, "yes":true`},
		"a member twice, inside":    {`"amount":1099`, `"amount":1099, "amount":1`},
		"a member twice, in a list": {`{"name":"one"}`, `{"name":"one", "name":"one"}`},
		"one missing":               {`"count":7,`, ``},
		"null":                      {`"text":"d\u00e9j\u00e0"`, `"text":null`},
		"null for what may miss":    {`"yes":true`, `"yes":true, "optional":null`},
		"an empty text":             {`"d\u00e9j\u00e0"`, `""`},
		"a long text":               {`"d\u00e9j\u00e0"`, `"123456"`},
		"a number for a text":       {`"d\u00e9j\u00e0"`, `5`},
		"half a surrogate pair":     {`\u00e9`, `\ud800`},
		"invalid UTF-8":             {`\u00e9`, "\xff"},
		"a large id":                {`01a20732-6c1d`, `01A20732-6C1D`},
		"an id in braces":           {`01a20732-6c1d-7d43-8f2d-4bc21f4dd3ad`, `{01a20732-6c1d-7d43-8f2d-4bc21f4dd3ad}`},
		"another choice":            {`"b"`, `"c"`},
		"a text for a boolean":      {`true`, `"true"`},
		"a fraction":                {`7`, `7.0`},
		"an exponent":               {`7,`, `7e0,`},
		"a text for a number":       {`:7,`, `:"7",`},
		"too much":                  {`:7,`, `:10,`},
		"no money":                  {`1099`, `0`},
		"a text for an amount":      {`1099`, `"1099"`},
		"an unknown currency":       {`EUR`, `XXX`},
		"a time without a zone":     {`+01:00`, ``},
		"no list":                   {`[{"name":"one"}, {"name":"two"}]`, `{"name":"one"}`},
		"an empty list":             {`{"name":"one"}, {"name":"two"}`, ``},
		"a long list":               {`{"name":"one"}`, `{"name":"one"}, {"name":"one"}`},
		"a list of texts":           {`{"name":"one"}`, `"one"`},
		"a time before ours":        {`2026-11-23`, `0000-01-01`},
		"a time after ours":         {`2026-11-23T12:00:00+01:00`, `9999-12-31T23:59:59-23:59`},
		"text behind it":            {`]}`, `]} {}`},
		"no end":                    {`]}`, `]`},
	} {
		data := strings.Replace(good, change[0], change[1], 1)
		if data == good {
			t.Fatalf("%s: nothing changed", what)
		}
		if got, err := read(data); err == nil {
			t.Errorf("%s was read: %+v", what, got)
		}
	}
	for _, data := range []string{"", "null", "[]", `"text"`, "{", strings.Repeat(`{"a":`, 100_000)} {
		if _, err := read(data); err == nil {
			t.Errorf("%.20q was read", data)
		}
	}
}
