package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"countersign.example/pkg/money"
)

// Object reads the members of a JSON object by name, each by its exact name and once, and
// remembers the first thing that is wrong. encoding/json alone takes NAME for name, the
// last of two, and null for anything.
type Object struct {
	members map[string]json.RawMessage
	err     error
}

// Open returns the object that data is.
func Open(data []byte) *Object {
	o := &Object{members: map[string]json.RawMessage{}}
	if !utf8.Valid(data) {
		return o.fail("not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return o.fail("not a JSON object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return o.fail("%w", err)
		}
		key, _ := name.(string)
		if _, twice := o.members[key]; twice {
			return o.fail("%q is there twice", key)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return o.fail("%q: %w", key, err)
		}
		o.members[key] = value
	}
	if _, err := d.Token(); err != nil {
		return o.fail("%w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return o.fail("text after the JSON object")
	}
	return o
}

func (o *Object) fail(format string, args ...any) *Object {
	if o.err == nil {
		o.err = fmt.Errorf(format, args...)
	}
	return o
}

// Close returns the first error; a member that nobody read is one.
func (o *Object) Close() error {
	if o.err == nil && len(o.members) > 0 {
		for name := range o.members {
			o.fail("unknown member %q", name)
		}
	}
	return o.err
}

// take reads a member into v, which null does not fit, and tells whether it was there.
func (o *Object) take(name string, v any) bool {
	raw, there := o.members[name]
	delete(o.members, name)
	if !there || o.err != nil {
		return false
	}
	if string(raw) == "null" {
		o.fail("%q is null", name)
		return false
	}
	if err := json.Unmarshal(raw, v); err != nil {
		o.fail("%q: %w", name, err)
	}
	return true
}

// OptionalText reads a text of 1 to limit characters; "" if it is not there.
func (o *Object) OptionalText(name string, limit int) (text string) {
	if o.take(name, &text) {
		if n := utf8.RuneCountInString(text); n < 1 || n > limit {
			o.fail("%q has %d characters, not 1 to %d", name, n, limit)
		}
	}
	return text
}

// Text reads a text of 1 to limit characters.
func (o *Object) Text(name string, limit int) string {
	o.require(name)
	return o.OptionalText(name, limit)
}

// OptionalID reads an id; "" if it is not there.
func (o *Object) OptionalID(name string) (id string) {
	if o.take(name, &id) && !IsID(id) {
		o.fail("%q is not a UUID in lower case", name)
	}
	return id
}

// ID reads an id.
func (o *Object) ID(name string) string {
	o.require(name)
	return o.OptionalID(name)
}

// OneOf reads one of choices.
func (o *Object) OneOf(name string, choices ...string) (choice string) {
	o.require(name)
	if o.take(name, &choice) && !slices.Contains(choices, choice) {
		o.fail("%q is not one of %q", name, choices)
	}
	return choice
}

// Boolean reads true or false.
func (o *Object) Boolean(name string) (b bool) {
	o.require(name)
	o.take(name, &b)
	return b
}

// Amount reads money, from one minor unit to money.Max.
func (o *Object) Amount(name string) (a money.Amount) {
	o.require(name)
	if o.take(name, &a) && (a.Minor < 1 || a.Minor > money.Max) {
		o.fail("%q is not 1 to %d minor units", name, money.Max)
	}
	return a
}

// Integer reads a number of least to most, spelled without fraction or exponent.
func (o *Object) Integer(name string, least, most int64) (n int64) {
	o.require(name)
	if o.take(name, &n) && (n < least || n > most) {
		o.fail("%q is not %d to %d", name, least, most)
	}
	return n
}

// Time reads a time of RFC 3339.
func (o *Object) Time(name string) (t time.Time) {
	o.require(name)
	o.take(name, &t)
	return t.UTC()
}

// Matching reads a text that fits a pattern, such as "2026/11/000042".
func (o *Object) Matching(name string, pattern *regexp.Regexp, example string) (text string) {
	o.require(name)
	if o.take(name, &text) && !pattern.MatchString(text) {
		o.fail("%q is not like %q", name, example)
	}
	return text
}

// Objects reads a list of 1 to most objects, each with read.
func (o *Object) Objects(name string, most int, read func(*Object)) {
	o.require(name)
	var list []json.RawMessage
	if !o.take(name, &list) {
		return
	}
	if len(list) < 1 || len(list) > most {
		o.fail("%q has %d elements, not 1 to %d", name, len(list), most)
		return
	}
	for i, data := range list {
		element := Open(data)
		read(element)
		if err := element.Close(); err != nil {
			o.fail("%q: element %d: %w", name, i+1, err)
		}
	}
}

func (o *Object) require(name string) {
	if _, there := o.members[name]; !there {
		o.fail("%q is missing", name)
	}
}

// IsID tells whether s is a UUID in its one canonical spelling. Another spelling would be
// another Kafka key, and another thing, with the same id.
func IsID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}
