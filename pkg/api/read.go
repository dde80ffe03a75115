package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/event"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// maxActor is how long an actor's id or name may be, in characters.
const maxActor = 200

// Actor is the person for whom a service calls.
type Actor struct {
	ID   string      `json:"id"`             // required
	Name string      `json:"name"`           // as people are shown who it was
	Role rights.Role `json:"role,omitempty"` // in which they ask; see Callers where it is not said
}

// Read reads a command's body: one JSON object that has "actor", the fields of into (which may be nil) and no
// others. It puts the actor into the request's event.Meta, and returns the body as it came. If into has a
// method Check() error, what that finds wrong is returned to the caller, like every other error, as a
// *web.Error.
func Read(c echo.Context, into any) (raw []byte, actor Actor, err error) {
	r := c.Request()
	if media, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); media != echo.MIMEApplicationJSON {
		return nil, actor, &web.Error{Status: http.StatusUnsupportedMediaType, Message: "Send application/json."}
	}
	if raw, err = io.ReadAll(r.Body); err != nil {
		return nil, actor, err // too large
	}
	if actor, err = parse(raw, into); err != nil {
		return nil, actor, err
	}
	if actor.Role, err = speaksFor(c, actor.Role); err != nil {
		return nil, actor, err
	}
	if checked, ok := into.(interface{ Check() error }); ok {
		if err := checked.Check(); err != nil {
			return nil, actor, unprocessable(err)
		}
	}
	meta := event.MetaFrom(r.Context())
	meta.Actor, meta.ActorName = actor.ID, actor.Name
	c.SetRequest(r.WithContext(event.WithMeta(r.Context(), meta)))
	return raw, actor, nil
}

func parse(raw []byte, into any) (actor Actor, err error) {
	fields := map[string]json.RawMessage{}
	if err := strictly(raw, &fields); err != nil || fields == nil {
		return actor, web.Unprocessable(`Send a JSON object such as {"actor":{"id":"mia","name":"Mia Weber"}}.`)
	}
	if given, ok := fields["actor"]; ok {
		if err := strictly(given, &actor); err != nil {
			return actor, web.Unprocessable(`Send the actor as {"id":"mia","name":"Mia Weber"}.`)
		}
	}
	delete(fields, "actor")
	if into == nil {
		into = &struct{}{}
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return actor, err // it was JSON before
	}
	if err := strictly(rest, into); err != nil {
		return actor, unprocessable(explain(err))
	}
	return actor, actor.check()
}

func (a Actor) check() error {
	if err := cmp.Or(Text("actor.id", a.ID, maxActor), Text("actor.name", a.Name, maxActor)); err != nil {
		return unprocessable(err)
	}
	if id, _ := text.Line(a.ID); id == "" {
		return web.Unprocessable("actor.id is missing.")
	}
	if _, wrong := text.Line(a.Name); wrong != "" {
		return unprocessable(refused("actor.name", wrong))
	}
	return nil
}

// unprocessable returns what is wrong, as a sentence for the caller.
func unprocessable(err error) error {
	if known, ok := errors.AsType[*web.Error](err); ok {
		return known
	}
	return web.Unprocessable(strings.TrimSuffix(err.Error(), ".") + ".")
}

// strictly decodes raw, which is one value with nothing behind it, and nothing that into does not know.
func strictly(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	// More is for inside of arrays and objects, and takes a trailing "}" for an end.
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the object")
	}
	return nil
}

// explain says what is wrong in the sender's words, not in Go's.
func explain(err error) error {
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s cannot be a JSON %s", wrongType.Field, wrongType.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("%s is not a field of this command", name)
	}
	return err
}

// Text refuses what no event can carry, and what is longer than most characters.
func Text(name, value string, most int) error {
	if !utf8.ValidString(value) || utf8.RuneCountInString(value) > most {
		return fmt.Errorf("%s must be text of %d characters at most", name, most)
	}
	_, wrong := text.Lines(value)
	return refused(name, wrong)
}

// refused says what is wrong with a text, to a program.
func refused(name string, wrong text.Problem) error {
	switch wrong {
	case text.NotText:
		return fmt.Errorf("%s must not contain control characters", name)
	case text.Direction:
		return fmt.Errorf("%s must not contain characters that turn the direction of text", name)
	case text.Breaks:
		return fmt.Errorf("%s must be one line", name)
	case text.Separators:
		return fmt.Errorf("%s must have no line breaks but \\n", name)
	}
	return nil
}

// IsID reports whether id is a UUID in its one canonical spelling.
func IsID(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}
