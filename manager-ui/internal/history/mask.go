package history

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Masked stands in the place of what somebody may not see.
const Masked = `"(masked)"`

// shape is what a type's schema says of a value, as far as masking goes.
type shape struct {
	personal bool
	members  map[string]*shape // nil for what is no object
	elements *shape            // nil for what is no list
}

// shapes are those of the types that are known.
var shapes = func() map[string]*shape {
	all := make(map[string]*shape, len(Types))
	for _, t := range Types {
		var root rawSchema
		if err := json.Unmarshal(t.Schema, &root); err != nil {
			panic(err) // it is embedded, and tests read it
		}
		all[t.Name] = root.shape(root.Defs)
	}
	return all
}()

// rawSchema is what is read of a JSON Schema.
type rawSchema struct {
	Personal   bool                 `json:"x-personal"`
	Ref        string               `json:"$ref"`
	Properties map[string]rawSchema `json:"properties"`
	Items      *rawSchema           `json:"items"`
	Defs       map[string]rawSchema `json:"$defs"`
}

func (s rawSchema) shape(defs map[string]rawSchema) *shape {
	if name, is := strings.CutPrefix(s.Ref, "#/$defs/"); is {
		return defs[name].shape(defs)
	}
	made := &shape{personal: s.Personal}
	if s.Properties != nil {
		made.members = map[string]*shape{}
		for name, property := range s.Properties {
			made.members[name] = property.shape(defs)
		}
	}
	if s.Items != nil {
		made.elements = s.Items.shape(defs)
	}
	return made
}

// Shown is an event's data for somebody who may not see personal fields. Only what its type's schema knows,
// and does not call personal, is as it is: what a newer writer has added may be anything. Numbers stay as
// they are written.
func Shown(e Event) []byte {
	var b bytes.Buffer
	mask(&b, jsontext.Value(e.Data), shapes[e.Type])
	return b.Bytes()
}

func mask(b *bytes.Buffer, value jsontext.Value, s *shape) {
	kind := value.Kind()
	switch {
	case s == nil || s.personal, kind != '{' && s.members != nil, kind != '[' && s.elements != nil:
		b.WriteString(Masked)
	case kind == '{':
		eachMember(b, value, '{', func(name string) *shape { return s.members[name] })
	case kind == '[':
		eachMember(b, value, '[', func(string) *shape { return s.elements })
	default:
		b.Write(value)
	}
}

// eachMember writes an object or a list, each value of it by its shape.
func eachMember(b *bytes.Buffer, value jsontext.Value, kind jsontext.Kind, shapeOf func(name string) *shape) {
	d := jsontext.NewDecoder(bytes.NewReader(value), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		b.WriteString(Masked)
		return
	}
	b.WriteByte(byte(kind))
	for n := 0; d.PeekKind() != kind+2 && d.PeekKind() != 0; n++ { // } is { + 2, and ] is [ + 2
		if n > 0 {
			b.WriteByte(',')
		}
		name := ""
		if kind == '{' {
			quoted, err := d.ReadValue()
			if err != nil {
				break
			}
			b.Write(quoted)
			b.WriteByte(':')
			unquoted, _ := jsontext.AppendUnquote(nil, quoted)
			name = string(unquoted)
		}
		member, err := d.ReadValue()
		if err != nil {
			b.WriteString(Masked)
			break
		}
		mask(b, member.Clone(), shapeOf(name))
	}
	b.WriteByte(byte(kind + 2))
}
