package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/rights"
)

// Declared is a View or a Fragment: something that templates must have.
type Declared interface{ declared() declaration }

type declaration struct {
	name string
	page bool
}

// View is a page with data of type D, in templates/views/<name>.html.
type View[D any] struct{ name string }

// NewView declares a page.
func NewView[D any](name string) View[D] { return View[D]{name} }

func (v View[D]) declared() declaration { return declaration{v.name, true} }

// Render answers with the page. An error before the first byte becomes an error page.
func (v View[D]) Render(c echo.Context, status int, page Page, data D) error {
	s, ok := c.Get(siteKey).(*Site)
	if !ok {
		return errors.New("render a view outside of its site")
	}
	return s.render(c, status, v.name, page, data)
}

// Fragment is a named template with data of type D, rendered into pages by {{template}} and into
// live pushes by HTML.
type Fragment[D any] struct{ name string }

// NewFragment declares a fragment.
func NewFragment[D any](name string) Fragment[D] { return Fragment[D]{name} }

func (f Fragment[D]) declared() declaration { return declaration{f.name, false} }

// HTML renders the fragment alone.
func (f Fragment[D]) HTML(r *Renderer, data D) (string, error) { return r.Fragment(f.name, data) }

// Renderer holds parsed templates. Numbers and times are marked in what they render, for a reader's locale.
// It needs no request, so that a pusher can use it.
type Renderer struct {
	base   *template.Template
	pages  map[string]*template.Template
	rights []string // that parts of them are for
}

// NewRenderer parses the shared templates and the app's: templates/partials/*.html and
// templates/views/*.html of files. Views that have no template, templates that no view declares,
// and fragments that are nowhere defined are errors.
func NewRenderer(files fs.FS, assets *Assets, funcs template.FuncMap, declared ...Declared) (*Renderer, error) {
	base, err := template.New("base").Funcs(functions(assets)).Funcs(funcs).ParseFS(sharedTemplates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse the shared templates: %w", err)
	}
	if partials, _ := fs.Glob(files, "templates/partials/*.html"); len(partials) > 0 {
		if base, err = base.ParseFS(files, partials...); err != nil {
			return nil, fmt.Errorf("parse partials: %w", err)
		}
	}
	r := &Renderer{base: base, pages: map[string]*template.Template{}}
	views, err := fs.Glob(files, "templates/views/*.html")
	if err != nil {
		return nil, err
	}
	all, _ := fs.Glob(files, "templates/*/*.html")
	for _, file := range all {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		r.rights = append(r.rights, rights.Named(string(text))...)
	}
	var problems []error
	for _, file := range views {
		name := strings.TrimSuffix(path.Base(file), ".html")
		page, err := template.Must(base.Clone()).ParseFS(files, file)
		if err != nil {
			problems = append(problems, fmt.Errorf("parse view %s: %w", name, err))
			continue
		}
		r.pages[name] = page
	}
	problems = append(problems, r.check(declared)...)
	// These pages are the site's own and need no view of the app.
	for view, name := range map[string]string{errorView: "error", sessionsView: "sessions"} {
		r.pages[view] = template.Must(template.Must(base.Clone()).Parse(`{{define "content"}}{{template "` + name + `" .}}{{end}}`))
	}
	return r, errors.Join(problems...)
}

func (r *Renderer) check(declared []Declared) (problems []error) {
	known := map[string]bool{}
	for _, d := range declared {
		d := d.declared()
		known[d.name] = true
		switch {
		case d.page && r.pages[d.name] == nil:
			problems = append(problems, fmt.Errorf("view %q has no templates/views/%s.html", d.name, d.name))
		case d.page && r.pages[d.name].Lookup("content") == nil:
			problems = append(problems, fmt.Errorf("view %q does not define \"content\"", d.name))
		case !d.page && r.base.Lookup(d.name) == nil:
			problems = append(problems, fmt.Errorf("fragment %q is defined in no partial", d.name))
		}
	}
	for name := range r.pages {
		if !known[name] {
			problems = append(problems, fmt.Errorf("templates/views/%s.html is declared by no view", name))
		}
	}
	return problems
}

// Fragment renders a named template alone, for a live push.
func (r *Renderer) Fragment(name string, data any) (string, error) {
	var b bytes.Buffer
	if err := r.base.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("render fragment %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// page renders a whole document into memory, so that an error can still be answered.
func (r *Renderer) page(name string, f frame) ([]byte, error) {
	page, ok := r.pages[name]
	if !ok {
		return nil, fmt.Errorf("view %q is not declared", name)
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "layout", f); err != nil {
		return nil, fmt.Errorf("render view %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// functions are what every template can use.
func functions(assets *Assets) template.FuncMap {
	return template.FuncMap{
		"asset":       assets.Path,
		"initials":    initials,
		"relative":    func(t time.Time) string { return relativeTime(t, time.Now()) },
		"exact":       locale.ToTheSecond,
		"toTheMinute": locale.ToTheMinute,
		"amount":      locale.Amount,
		"count":       locale.Count[int],
		"quantity":    locale.Count[int64],
		"percent":     locale.Percent,
		"iso":         isoTime,
		"badge":       func(tone Tone, text string) Badge { return Badge{tone, text} },
		"pageHead":    func(title, subtitle string) PageHead { return PageHead{Title: title, Subtitle: subtitle} },
		"person":      func(name string) Person { return Person{Name: name} },
		"button":      func(label string) Button { return Button{Label: label, Style: "primary"} },
		"money":       splitMoney,
	}
}

// splitMoney takes "1,250.00 EUR" apart, so that the currency can be drawn lighter.
func splitMoney(amount money.Amount) [2]string {
	return [2]string{locale.Number(amount), amount.Currency}
}
