package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/text"
)

const (
	maxViews    = 20     // of a person and a list; the table saved_views has no more places
	maxViewName = 40     // in characters
	viewField   = "view" // the name's, in forms
)

// viewFormKey is where a request keeps the form of a view that was not saved, for the list that answers.
const viewFormKey = "web.view"

// savedView is a list's address as a person keeps it: its query, which is made of the list's own parameters.
type savedView struct{ Name, Query string }

// Views are the views of a list that a person keeps, and the form that saves the present one.
type Views struct {
	Saved        []Tab
	Name         Field
	Save, Delete string // where the forms are sent
	Open         bool
}

// RegisterViews adds the routes by which those who have the right to a list save views of it and delete them.
// They take the parameters of the list's address: read reads those, and list answers with the list.
func (s *Site) RegisterViews(path string, right rights.Right, read func(echo.Context) (List, error), list echo.HandlerFunc) {
	save, remove := func(c echo.Context) error { return saveView(c, read, list) }, func(c echo.Context) error { return deleteView(c, read) }
	back := func(c echo.Context) error { // where a browser without scripts is after a view was not saved
		l, err := read(c)
		if err != nil {
			return err
		}
		return Redirect(c, l.Address())
	}
	for at, handler := range map[string]echo.HandlerFunc{path: save, path + "/delete": remove} {
		s.POST(at, right, handler)
		s.GET(at, right, back)
	}
}

// Views reads the person's views of the list.
func (l List) Views(c echo.Context) (Views, error) {
	saved, err := readViews(c.Request().Context(), viewsIn(c), PersonOf(c).ID, l.options.Path)
	if err != nil {
		return Views{}, err
	}
	name := l.naming.Field(viewField, "Name of this view").Hint("It keeps the tab, the search, the filter, the order and the page size as they are now.")
	v := Views{Name: name, Save: l.at(l.options.Views), Delete: l.at(l.options.Views + "/delete"), Open: !l.naming.OK()}
	v.Name.Focus = v.Open
	for _, kept := range saved {
		href := strings.TrimSuffix(l.options.Path+"?"+kept.Query, "?")
		v.Saved = append(v.Saved, Tab{Label: kept.Name, Href: href, Current: href == l.Address()})
	}
	return v, nil
}

// Status is 422 where something that was typed is not right, else 200.
func (l List) Status() int { return max(l.Filter.Status(), l.naming.Status()) }

func saveView(c echo.Context, read func(echo.Context) (List, error), list echo.HandlerFunc) error {
	form, err := ReadForm(c)
	if err != nil {
		return err
	}
	l, err := read(c)
	if err != nil {
		return err
	}
	name, wrong := text.Line(form.Value(viewField))
	form.Set(viewField, name)
	switch {
	case wrong != "":
		form.Fail(viewField, wrong.Mended())
	case !l.Filter.OK():
		form.Fail(viewField, "The filter is not right. Mend it and press its “Show” first. Then save the view.")
	case !strings.ContainsFunc(name, text.Visible):
		form.Fail(viewField, "Write a name for this view.")
	case utf8.RuneCountInString(name) > maxViewName:
		form.Fail(viewField, fmt.Sprintf("Write %d characters at most.", maxViewName))
	}
	if form.OK() {
		_, query, _ := strings.Cut(l.Address(), "?")
		refused, err := keepView(c.Request().Context(), viewsIn(c), PersonOf(c).ID, l.options.Path, savedView{name, query})
		switch {
		case err != nil:
			return err
		case refused == "":
			Flash(c, Good, "This view is saved as “"+name+"”.")
			return Redirect(c, l.Address())
		}
		form.Fail(viewField, refused)
	}
	c.Set(viewFormKey, form)
	return list(c)
}

func deleteView(c echo.Context, read func(echo.Context) (List, error)) error {
	form, err := ReadForm(c)
	if err != nil {
		return err
	}
	l, err := read(c)
	if err != nil {
		return err
	}
	name := form.Value(viewField)
	if _, err := viewsIn(c).Pool().Exec(c.Request().Context(), "delete from saved_views where person = $1 and list = $2 and key = $3",
		PersonOf(c).ID, l.options.Path, text.Key(name)); err != nil {
		return fmt.Errorf("delete a view: %w", err)
	}
	Flash(c, Good, "The view “"+name+"” is deleted.")
	return Redirect(c, l.Address())
}

// viewsIn is the database that keeps the views.
func viewsIn(c echo.Context) *pg.DB { return c.Get(siteKey).(*Site).options.Sessions.db }

func readViews(ctx context.Context, db *pg.DB, person, list string) ([]savedView, error) {
	saved, err := pg.Rows(ctx, db.Pool(), pgx.RowToStructByPos[savedView],
		`select name, query from saved_views where person = $1 and list = $2 order by name collate "und-x-icu", key`, person, list)
	if err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	return saved, nil
}

// keepView keeps a view in the first free place, or says why not. The same view under the same name is kept
// already: a form that is sent again changes nothing.
func keepView(ctx context.Context, db *pg.DB, person, list string, view savedView) (refused string, err error) {
	for {
		kept, err := db.Pool().Exec(ctx, `insert into saved_views (person, list, place, name, key, query)
			select $1, $2, free, $3, $4, $5 from generate_series(1, $6::int) as free
			where not exists (select from saved_views as s where s.person = $1 and s.list = $2 and s.place = free)
			order by free limit 1 on conflict do nothing`, person, list, view.Name, text.Key(view.Name), view.Query, maxViews)
		if err != nil {
			return "", fmt.Errorf("keep a view: %w", err)
		}
		if kept.RowsAffected() == 1 {
			return "", nil
		}
		saved, err := readViews(ctx, db, person, list)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(saved, func(s savedView) bool { return text.Key(s.Name) == text.Key(view.Name) })
		switch {
		case i >= 0 && saved[i].Query == view.Query:
			return "", nil
		case i >= 0:
			return "You have a view “" + saved[i].Name + "” already. Choose another name, or delete that one first.", nil
		case len(saved) == maxViews:
			return fmt.Sprintf("You keep %d views of this list, which are all there can be. Delete one that you no longer need.", maxViews), nil
		}
		// Another tab of the person has taken the place in this moment.
	}
}
