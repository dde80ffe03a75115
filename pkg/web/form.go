package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
)

// Form is what someone typed, and what is wrong with it, by field. It renders the form again
// with everything kept.
type Form struct {
	values map[string]string
	errors map[string]string
	offers map[string][]Choice
	notes  map[string]string
	picked string // the field that was filled in from its offers
	locale locale.Locale
}

// NewForm returns a form with values in it, as for a first or prefilled view of it.
func NewForm(values map[string]string) *Form {
	if values == nil {
		values = map[string]string{}
	}
	return &Form{values: values, errors: map[string]string{}, offers: map[string][]Choice{}, notes: map[string]string{}}
}

// ReadForm reads the request's body, each field by the rules of package text. One with what no text may have
// (bytes that are not UTF-8, controls of the text's direction) comes with a message and without those.
// Whether it may have several lines is for the handler to know.
func ReadForm(c echo.Context) (*Form, error) {
	r := c.Request()
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, &Error{Status: http.StatusUnsupportedMediaType, Message: "This form was sent in a way that is not understood."}
	}
	if err := r.ParseForm(); err != nil {
		if e := asError(err); e.Status == http.StatusRequestEntityTooLarge {
			return nil, err
		}
		return nil, &Error{Status: http.StatusBadRequest, Message: "This form was sent in a way that is not understood.", Err: err}
	}
	f := NewForm(nil)
	f.locale = LocaleOf(c)
	for name, values := range r.PostForm {
		value, wrong := text.Lines(values[0])
		if wrong != "" {
			f.Fail(name, wrong.Mended())
		}
		f.values[name] = value
	}
	for name, value := range f.values {
		if field, ok := strings.CutPrefix(name, offered); ok {
			f.values[field], f.picked = value, field
		}
	}
	return f, nil
}

// offered is what the names of the buttons begin with that fill in a field.
const offered = "pick-"

// Value returns what was typed into a field, without spaces around it.
func (f *Form) Value(name string) string { return strings.TrimSpace(f.values[name]) }

// Fail puts a message beside a field; the first one stays.
func (f *Form) Fail(name, message string) {
	if _, ok := f.errors[name]; !ok {
		f.errors[name] = message
	}
}

// OfferAmounts puts buttons beside a field that fill in the one or the other of the amounts that what was
// typed may be, spelled so that it can be no other, and keep everything else that was typed. They send the
// form, which is not OK then: it is to be shown again.
func (f *Form) OfferAmounts(name string, readings []money.Amount) {
	for _, a := range readings {
		f.offers[name] = append(f.offers[name], Choice{Value: locale.Input(a), Label: locale.Amount(a)})
	}
}

// Amount reads an amount that was typed, as its sender's language has it.
func (f *Form) Amount(typed, code string) (money.Amount, error) { return f.locale.Parse(typed, code) }

// Number is what was typed as a decimal number, with a point before its decimals.
func (f *Form) Number(name string) string { return f.locale.Point(f.Value(name)) }

// Set puts a value into a field.
func (f *Form) Set(name, value string) { f.values[name] = value }

// Note puts a line beside a field that is not wrong.
func (f *Form) Note(name, line string) { f.notes[name] = line }

// Error returns the message beside a field, or "".
func (f *Form) Error(name string) string { return f.errors[name] }

// OK is true while no field has a message, and none was filled in from its offers.
func (f *Form) OK() bool { return len(f.errors) == 0 && f.picked == "" }

// Status is 422 for a form that is not OK, else 200.
func (f *Form) Status() int {
	if f.OK() {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

// Field describes one labelled input, for {{template "field" ((.Form.Field "amount" "Amount").Hint "...")}}.
// Its methods return a changed copy, so that they chain.
type Field struct {
	Name, Label, Value, Error, HintText string
	Remark                              string // see Form.Note
	Kind                                string // input, textarea or select
	Type, Mode, Auto, Holder            string // attributes of an input
	Required, Focus                     bool
	Rows, Max                           int
	Choices                             []Choice
	Offers                              []Choice // see Form.OfferAmounts
	Picked                              bool     // filled in from its offers
}

// Choice is one option of a select.
type Choice struct{ Value, Label string }

// Field returns the field with what was typed and what is wrong with it.
func (f *Form) Field(name, label string) Field {
	return Field{
		Name: name, Label: label, Value: f.values[name], Error: f.errors[name], Kind: "input", Type: "text", Auto: "off",
		Offers: f.offers[name], Picked: f.picked == name, Remark: f.notes[name],
	}
}

// Hint is a line below the field.
func (f Field) Hint(line string) Field { f.HintText = line; return f }

// Decimal asks phones for their number keys.
func (f Field) Decimal() Field { f.Mode = "decimal"; return f }

// Placeholder shows an example in the empty field.
func (f Field) Placeholder(example string) Field { f.Holder = example; return f }

// Need marks the field as one that must be filled. (The server says so; the browser does not stop the form.)
func (f Field) Need() Field { f.Required = true; return f }

// Autofocus puts the cursor into the field when the page opens.
func (f Field) Autofocus() Field { f.Focus = true; return f }

// Area makes it a text of several lines.
func (f Field) Area(rows int) Field { f.Kind, f.Rows = "textarea", rows; return f }

// Select makes it a choice; a value that is none of them is kept and shown as it is.
func (f Field) Select(choices []Choice) Field {
	f.Kind, f.Choices = "select", choices
	if f.Value != "" && !slices.ContainsFunc(choices, func(c Choice) bool { return c.Value == f.Value }) {
		f.Choices = append([]Choice{{f.Value, f.Value}}, choices...)
	}
	return f
}

// Described is the ids for aria-describedby.
func (f Field) Described() string {
	var ids []string
	if f.Error != "" {
		ids = append(ids, f.Name+"-error")
	}
	if f.Remark != "" {
		ids = append(ids, f.Name+"-note")
	}
	if f.HintText != "" {
		ids = append(ids, f.Name+"-hint")
	}
	return strings.Join(ids, " ")
}

// ErrNoFile says that a form for a file came without one.
var ErrNoFile = errors.New("no file was chosen")

// ErrFileTooLarge says that a file has more than the handler takes.
var ErrFileTooLarge = errors.New("the file is too large")

// ReadUpload returns the file in the field of a form that was sent as multipart/form-data; it is never
// written to disk. A file beyond most bytes, or none, is one of the errors above, for a message beside the
// field. The route must be Large enough for it.
func ReadUpload(c echo.Context, field string, most int64) ([]byte, error) {
	r := c.Request()
	bad := func(status int, err error) error {
		return &Error{Status: status, Message: "This form was sent in a way that is not understood.", Err: err}
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "multipart/form-data" {
		return nil, bad(http.StatusUnsupportedMediaType, err)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, bad(http.StatusBadRequest, err)
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, ErrNoFile
		case err != nil:
			return nil, unreadable(err, bad)
		case part.FormName() != field:
			continue
		case part.FileName() == "": // what browsers send when nothing was chosen
			return nil, ErrNoFile
		}
		data, err := io.ReadAll(io.LimitReader(part, most+1))
		switch {
		case err != nil:
			return nil, unreadable(err, bad)
		case int64(len(data)) > most:
			return nil, fmt.Errorf("%w: more than %d bytes", ErrFileTooLarge, most)
		}
		return data, nil
	}
}

// unreadable keeps the error of a body beyond its limit, which has an answer of its own.
func unreadable(err error, bad func(int, error) error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return bad(http.StatusBadRequest, err)
}
