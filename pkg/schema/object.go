package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"countersign.example/pkg/money"
)

// Object reads the members of a JSON object by name, each by its exact name and once, and
// remembers the first thing that is wrong. encoding/json alone takes NAME for name, the
// last of two, and null for anything. Members that nobody asks for are ignored: a newer
// writer may have added them.
type Object struct {
	members []member // those that nobody has asked for yet
	err     error
}

type member struct {
	name  string
	value jsontext.Value
}

// Open returns the object that data is. What it reads may share memory with data.
func Open(data []byte) *Object {
	o := &Object{members: make([]member, 0, 8)}
	var d jsontext.Decoder // refuses invalid UTF-8 and a name that is there twice, at any depth
	d.Reset(bytes.NewBuffer(data))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return o.fail("not a JSON object")
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return o.fail("%w", err)
		}
		m := member{name: name.String()}
		if m.value, err = next(&d, data); err != nil {
			return o.fail("%q: %w", m.name, err)
		}
		o.members = append(o.members, m)
	}
	if _, err := d.ReadToken(); err != nil {
		return o.fail("%w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return o.fail("text after the JSON object")
	}
	return o
}

// next reads a value of data, as a part of it: what the decoder returns lasts only until its next call.
func next(d *jsontext.Decoder, data []byte) (jsontext.Value, error) {
	value, err := d.ReadValue()
	if err != nil {
		return nil, err
	}
	end := d.InputOffset()
	return data[end-int64(len(value)) : end], nil
}

func (o *Object) fail(format string, args ...any) *Object {
	if o.err == nil {
		o.err = fmt.Errorf(format, args...)
	}
	return o
}

// Err is the first thing that was wrong.
func (o *Object) Err() error { return o.err }

// take returns a member, which must not be null; false if it is not there.
func (o *Object) take(name string) (jsontext.Value, bool) {
	i := slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
	if i < 0 {
		return nil, false
	}
	value := o.members[i].value
	o.members = slices.Delete(o.members, i, i+1)
	if o.err == nil && value.Kind() == 'n' {
		o.fail("%q is null", name)
	}
	return value, o.err == nil
}

// require is take of a member that must be there.
func (o *Object) require(name string) (jsontext.Value, bool) {
	value, there := o.take(name)
	if !there {
		o.fail("%q is missing", name)
	}
	return value, there
}

// text reads what take or require has returned as a text.
func (o *Object) text(name string, value jsontext.Value, there bool) (string, bool) {
	if !there {
		return "", false
	}
	if value.Kind() != '"' {
		o.fail("%q is not a text", name)
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		o.fail("%q: %w", name, err)
	}
	return string(text), err == nil
}

// OptionalText reads a text of 1 to limit characters; "" if it is not there.
func (o *Object) OptionalText(name string, limit int) string {
	value, there := o.take(name)
	return o.limited(name, limit, value, there)
}

// Text reads a text of 1 to limit characters.
func (o *Object) Text(name string, limit int) string {
	value, there := o.require(name)
	return o.limited(name, limit, value, there)
}

func (o *Object) limited(name string, limit int, value jsontext.Value, there bool) string {
	text, ok := o.text(name, value, there)
	if n := utf8.RuneCountInString(text); ok && (n < 1 || n > limit) {
		o.fail("%q has %d characters, not 1 to %d", name, n, limit)
	}
	return text
}

// OptionalID reads an id; "" if it is not there.
func (o *Object) OptionalID(name string) string {
	value, there := o.take(name)
	return o.id(name, value, there)
}

// ID reads an id.
func (o *Object) ID(name string) string {
	value, there := o.require(name)
	return o.id(name, value, there)
}

func (o *Object) id(name string, value jsontext.Value, there bool) string {
	id, ok := o.text(name, value, there)
	if ok && !IsID(id) {
		o.fail("%q is not a UUID in lower case", name)
	}
	return id
}

// OneOf reads one of choices.
func (o *Object) OneOf(name string, choices ...string) string {
	value, there := o.require(name)
	choice, ok := o.text(name, value, there)
	if ok && !slices.Contains(choices, choice) {
		o.fail("%q is not one of %q", name, choices)
	}
	return choice
}

// Matching reads a text that fits a pattern, such as "2026/11/000042".
func (o *Object) Matching(name string, pattern *regexp.Regexp, example string) string {
	value, there := o.require(name)
	return o.matching(name, pattern, example, value, there)
}

// OptionalMatching reads such a text; "" if it is not there.
func (o *Object) OptionalMatching(name string, pattern *regexp.Regexp, example string) string {
	value, there := o.take(name)
	return o.matching(name, pattern, example, value, there)
}

func (o *Object) matching(name string, pattern *regexp.Regexp, example string, value jsontext.Value, there bool) string {
	text, ok := o.text(name, value, there)
	if ok && !pattern.MatchString(text) {
		o.fail("%q is not like %q", name, example)
	}
	return text
}

// Boolean reads true or false.
func (o *Object) Boolean(name string) bool {
	value, there := o.require(name)
	if kind := value.Kind(); there && kind != 't' && kind != 'f' {
		o.fail("%q is not true or false", name)
	}
	return there && value.Kind() == 't'
}

// Integer reads a number of least to most, spelled without fraction or exponent.
func (o *Object) Integer(name string, least, most int64) int64 {
	value, there := o.require(name)
	if !there {
		return 0
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < least || n > most {
		o.fail("%q is not an integer of %d to %d", name, least, most)
	}
	return n
}

// Amount reads money, from one minor unit to money.Max.
func (o *Object) Amount(name string) money.Amount {
	value, there := o.require(name)
	if !there {
		return money.Amount{}
	}
	a, err := money.FromJSON(value)
	if err != nil {
		o.fail("%q: %w", name, err)
	} else if a.Minor < 1 || a.Minor > money.Max {
		o.fail("%q is not 1 to %d minor units", name, money.Max)
	}
	return a
}

// Time reads a time of RFC 3339, of the years 2000 to 2999: others cannot be written again once they are in
// UTC, or are a mistake.
func (o *Object) Time(name string) (t time.Time) {
	value, there := o.require(name)
	if !there {
		return t
	}
	if err := t.UnmarshalJSON(value); err != nil {
		o.fail("%q: %w", name, err)
	} else if year := t.Year(); year < 2000 || year > 2999 {
		o.fail("%q is in the year %d", name, year)
	}
	return t.UTC()
}

// Objects reads a list of 1 to most objects, each with read.
func (o *Object) Objects(name string, most int, read func(*Object)) {
	list, there := o.require(name)
	if !there {
		return
	}
	elements, err := split(list)
	if err != nil {
		o.fail("%q is not a list: %w", name, err)
		return
	}
	if len(elements) < 1 || len(elements) > most {
		o.fail("%q has %d elements, not 1 to %d", name, len(elements), most)
		return
	}
	for i, data := range elements {
		element := Open(data)
		read(element)
		if err := element.Err(); err != nil {
			o.fail("%q: element %d: %w", name, i+1, err)
		}
	}
}

// Texts reads a list of most texts at most, each of 1 to limit characters.
func (o *Object) Texts(name string, most, limit int) []string {
	list, there := o.require(name)
	if !there {
		return nil
	}
	elements, err := split(list)
	if err != nil {
		o.fail("%q is not a list: %w", name, err)
		return nil
	}
	if len(elements) > most {
		o.fail("%q has %d elements, more than %d", name, len(elements), most)
		return nil
	}
	texts := make([]string, len(elements))
	for i, element := range elements {
		texts[i] = o.limited(name, limit, element, true)
	}
	return texts
}

// split is the elements of a list.
func split(list jsontext.Value) (elements []jsontext.Value, err error) {
	var d jsontext.Decoder
	d.Reset(bytes.NewBuffer(list))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '[' {
		return nil, errors.New("it does not begin with [")
	}
	for d.PeekKind() != ']' {
		element, err := next(&d, list)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	return elements, nil
}

// IsID reports whether s is a UUID in its one canonical spelling. Another spelling would be
// another Kafka key, and another thing, with the same id.
func IsID(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil && strings.ToLower(s) == s
}
