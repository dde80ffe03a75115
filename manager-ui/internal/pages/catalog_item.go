package pages

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/api"
	"countersign.example/pkg/pg"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/web"
)

// catalogItem is a row of the products or of the customers.
type catalogItem interface {
	list.Row
	Common() orderview.Item
}

// catalogPages are the pages of products or of customers: their list, the form of each, and the question
// whether it is really to be archived. What the two differ in is data.
type catalogPages[T catalogItem] struct {
	*handlers
	file          fileKind // has their names, too
	title         string   // of the list
	remote        string   // the path at ordering-core
	listView      web.View[namePage[T]]
	empty         web.Empty
	emptyArchived web.Empty
	means         string // what archiving one does
	itemView      web.View[itemPage[T]]
	defaults      map[string]string // of a new one's form

	live     string // the name of the live list
	rows     readmodel.NameList[T]
	sorts    []list.Sort // beside the one by name
	money    list.Sort   // what amounts are filtered by, if any
	heads    func(web.List) []web.Head
	exported func(T) []string // the cells of the file's columns

	find   func(ctx context.Context, db *pg.DB, ids ...string) ([]T, error)
	values func(T) map[string]string // of its form
	fields func(form *web.Form, page *itemPage[T])
	// read reads a form as ordering-core takes it, and says what is in it. Of a new one it is given the id, and
	// of another one the version that the person saw.
	read func(form *web.Form, id string, sequence int64) (body any, said string)
}

// itemPage is the form for a new product or customer, or for one that there is.
type itemPage[T catalogItem] struct {
	formState
	List                              web.Link
	ID                                string
	Was                               map[string]string // see mergeItem
	Now                               *T                // nil: a new one
	Name, SKU, Price, Currency, Email web.Field
}

// archivePage asks whether a product or a customer is really to be archived.
type archivePage struct {
	formState
	List             web.Link
	Href, Name, Noun string
	Means            string
}

var archiveView = web.NewView[archivePage]("archive")

func (p catalogPages[T]) register(s *web.Site) {
	at := p.file.path
	s.GET(at, may.look, p.showList)
	s.POST(at, may.keep, p.add)
	s.GET(at+"/new", may.keep, p.showNew)
	s.GET(at+"/:id", may.look, p.show)
	s.POST(at+"/:id", may.keep, p.change)
	s.GET(at+"/:id/archive", may.keep, p.confirmArchive)
	s.POST(at+"/:id/archive", may.keep, p.archive)
	s.GET(at+"/import", may.keep, p.uploadForm(p.file))
	s.POST(at+"/import", may.keep, p.upload(p.file))
	s.GET(at+"/import/:id", may.keep, p.preview(p.file))
	s.POST(at+"/import/:id", may.keep, p.importFile(p.file))
	s.GET(at+"/export", may.export, p.export(p.file))
	s.GET(at+"/export/list", may.export, p.exportList)
	s.RegisterViews(at+"/views", may.look, func(c echo.Context) (web.List, error) {
		q, err := p.readQuery(c)
		return q.List, err
	}, p.showList)
}

// item reads the one that the address, or a form, names.
func (p catalogPages[T]) item(c echo.Context, id string) (none T, err error) {
	missing := web.NotFound("There is no such " + p.file.noun + ".")
	if !api.IsID(id) {
		return none, missing
	}
	rows, err := p.find(c.Request().Context(), p.db, id)
	switch {
	case err != nil:
		return none, err
	case len(rows) == 0:
		return none, missing
	}
	return rows[0], nil
}

// showNew shows the form for a new one: an empty one, or one to add again what is archived.
func (p catalogPages[T]) showNew(c echo.Context) error {
	values := map[string]string{"id": uuid.NewString()}
	from := p.defaults
	if archived := c.QueryParam("from"); archived != "" {
		now, err := p.item(c, archived)
		if err != nil {
			return err
		}
		from = p.values(now)
	}
	for name, value := range from {
		values[name] = value
	}
	return p.render(c, nil, web.NewForm(values), newFormState(0))
}

func (p catalogPages[T]) show(c echo.Context) error {
	now, err := p.item(c, c.Param("id"))
	if err != nil {
		return err
	}
	return p.render(c, &now, p.form(now), newFormState(now.Common().Sequence))
}

func (p catalogPages[T]) form(now T) *web.Form {
	values := p.values(now)
	for name, value := range p.values(now) {
		values[was+name] = value
	}
	values["id"] = now.Common().ID
	return web.NewForm(values)
}

// render shows the form, and what there is now.
func (p catalogPages[T]) render(c echo.Context, now *T, form *web.Form, a formState) error {
	page := itemPage[T]{Was: wasIn(form), formState: a, List: p.list(c), ID: form.Value("id"), Now: now, Name: form.Field("name", "Name").Need()}
	p.fields(form, &page)
	around := web.Page{Title: "Add " + p.file.noun, Nav: p.file.nav, Back: page.List.Href, Message: a.Message}
	if now != nil {
		around = p.about(c, *now, (*now).Common().Name, a)
	}
	return p.itemView.Render(c, a.Status, around, page)
}

// list leads to the list as somebody left it.
func (p catalogPages[T]) list(c echo.Context) web.Link { return web.BackLink(c, p.title, p.file.path) }

// about is a page about one.
func (p catalogPages[T]) about(c echo.Context, now T, title string, a formState) web.Page {
	item := now.Common()
	return web.Page{
		Title: title, Nav: p.file.nav, Subject: p.file.stream(item.ID), Revision: item.Revision, Now: becameOf(item.Archived),
		Back: p.list(c).Href, Message: a.Message,
	}
}

func (p catalogPages[T]) add(c echo.Context) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	id := form.Value("id")
	body, said := p.read(form, id, 0)
	return p.send(c, orderingCommand{form: form, path: p.remote, body: body, id: id, verb: "added", done: "Added: " + said + "."},
		func(a formState) error { return p.render(c, nil, form, a) })
}

func (p catalogPages[T]) change(c echo.Context) error {
	now, err := p.item(c, c.Param("id"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	id := now.Common().ID
	sequence, _ := strconv.ParseInt(form.Value("sequence"), 10, 64)
	body, said := p.read(form, "", sequence)
	return p.send(c, orderingCommand{form: form, path: p.remote + "/" + id, body: body, id: id, verb: "saved", done: "Saved: " + said + "."},
		func(a formState) error {
			if a.now == nil {
				return p.render(c, &now, form, a)
			}
			if !a.now.Archived {
				a.Message.Text += mergeItem(form, *a.now)
			}
			p.awaitShown(c.Request().Context(), p.file.stream(id), a.now.Sequence)
			if now, err = p.item(c, id); err != nil {
				return err
			}
			return p.render(c, &now, form, a)
		})
}

func (p catalogPages[T]) archive(c echo.Context) error {
	now, err := p.item(c, c.Param("id"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	item := now.Common()
	return p.send(c, orderingCommand{
		form: form, path: p.remote + "/" + item.ID + "/archive", body: struct{}{}, id: item.ID,
		verb: "archived", done: fmt.Sprintf("Archived: %s.", item.Name),
	}, func(a formState) error { return p.renderArchive(c, now, a) })
}

func (p catalogPages[T]) send(c echo.Context, command orderingCommand, showForm func(formState) error) error {
	command.stream, command.next = p.file.stream(command.id), p.list(c).Href
	return p.sendToOrdering(c, command, showForm)
}

// confirmArchive asks whether one is really to be archived. One that is already is shown instead.
func (p catalogPages[T]) confirmArchive(c echo.Context) error {
	now, err := p.item(c, c.Param("id"))
	if err != nil {
		return err
	}
	return p.renderArchive(c, now, newFormState(now.Common().Sequence))
}

func (p catalogPages[T]) renderArchive(c echo.Context, now T, a formState) error {
	item := now.Common()
	if item.Archived {
		return p.render(c, &now, p.form(now), a)
	}
	return archiveView.Render(c, a.Status, p.about(c, now, "Archive "+p.file.noun, a), archivePage{
		formState: a, List: p.list(c), Href: p.file.path + "/" + item.ID,
		Name: item.Name, Noun: p.file.noun, Means: p.means,
	})
}
