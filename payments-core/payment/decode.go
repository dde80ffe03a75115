package payment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"

	"countersign.example/pkg/money"
)

var (
	// ErrUnknownType says that no payment event has this type. A newer writer may know it.
	ErrUnknownType = errors.New("payment: unknown event type")
	// ErrMalformed says that an event does not fit its schema or its envelope.
	ErrMalformed = errors.New("payment: malformed event")
)

// Decode reads the data of an event of type typ. It accepts what the type's JSON Schema
// accepts, and beyond that refuses what a schema cannot see: invalid UTF-8, a member
// written twice, and an integer spelled with a fraction or an exponent. Its errors are
// ErrUnknownType or ErrMalformed, wrapped.
func Decode(typ string, data []byte) (Body, error) {
	read, known := decoders[typ]
	if !known {
		return nil, fmt.Errorf("%w: %q", ErrUnknownType, typ)
	}
	o := openObject(data)
	body := read(o)
	if err := o.close(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, typ, err)
	}
	return body, nil
}

// object reads the members of a JSON object by name, each by its exact name and once, and
// remembers the first thing that is wrong. encoding/json alone takes NAME for name, the
// last of two, and null for anything.
type object struct {
	members map[string]json.RawMessage
	err     error
}

func openObject(data []byte) *object {
	o := &object{members: map[string]json.RawMessage{}}
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

func (o *object) fail(format string, args ...any) *object {
	if o.err == nil {
		o.err = fmt.Errorf(format, args...)
	}
	return o
}

// close returns the first error; a member that nobody read is one.
func (o *object) close() error {
	if o.err == nil && len(o.members) > 0 {
		for name := range o.members {
			o.fail("unknown member %q", name)
		}
	}
	return o.err
}

// take reads a member into v, which null does not fit, and tells whether it was there.
func (o *object) take(name string, v any) bool {
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

func (o *object) optionalText(name string, limit int) (text string) {
	if o.take(name, &text) {
		if n := utf8.RuneCountInString(text); n < 1 || n > limit {
			o.fail("%q has %d characters, not 1 to %d", name, n, limit)
		}
	}
	return text
}

func (o *object) text(name string, limit int) string {
	o.require(name)
	return o.optionalText(name, limit)
}

func (o *object) optionalID(name string) (id string) {
	if o.take(name, &id) && !isID(id) {
		o.fail("%q is not a UUID in lower case", name)
	}
	return id
}

func (o *object) id(name string) string {
	o.require(name)
	return o.optionalID(name)
}

func (o *object) oneOf(name string, choices ...string) (choice string) {
	o.require(name)
	if o.take(name, &choice) && !slices.Contains(choices, choice) {
		o.fail("%q is not one of %q", name, choices)
	}
	return choice
}

func (o *object) boolean(name string) (b bool) {
	o.require(name)
	o.take(name, &b)
	return b
}

func (o *object) amount(name string) (a money.Amount) {
	o.require(name)
	if o.take(name, &a) && (a.Minor < 1 || a.Minor > money.Max) {
		o.fail("%q is not 1 to %d minor units", name, money.Max)
	}
	return a
}

func (o *object) require(name string) {
	if _, there := o.members[name]; !there {
		o.fail("%q is missing", name)
	}
}

// isID tells whether s is a UUID in its one canonical spelling. Another spelling would be
// another Kafka key, and another payment, with the same id.
func isID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}
