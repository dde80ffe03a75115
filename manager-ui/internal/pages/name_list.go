package pages

import (
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/orderview"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/web"
)

// The tabs of lists by name.
const (
	currentTab  = "current"
	archivedTab = "archived"
)

// namePage is a list by name, of products or of customers.
type namePage[R any] struct {
	Tabs   web.Tabs
	Views  web.Views
	Search web.Search
	Filter web.FilterForm
	Heads  []web.Head
	Rows   []R
	Empty  web.Empty
	Pager  web.Pager
	Live   web.LiveList
}

// tabOf is the tab that a row is in.
func tabOf(archived bool) string {
	if archived {
		return archivedTab
	}
	return currentTab
}

// becameOf is what has become of a row in a word.
func becameOf(archived bool) string {
	if archived {
		return "Archived"
	}
	return "Changed"
}

// nameQuery is what an address asks for.
type nameQuery struct {
	web.List
	Archived bool
}

func (q nameQuery) query() readmodel.NameQuery {
	return readmodel.NameQuery{Query: q.Query, Archived: q.Archived}
}

// readQuery reads the list's address.
func (p catalogPages[T]) readQuery(c echo.Context) (q nameQuery, err error) {
	switch c.QueryParam("tab") {
	case "":
	case archivedTab:
		q.Archived = true
	default:
		return q, web.NotFound("There is no such list.")
	}
	q.List, err = web.ReadList(c, web.ListOptions{
		Path: p.file.path, Before: "before", After: "after", Default: orderview.ByName, Sorts: append([]list.Sort{orderview.ByName}, p.sorts...),
		Money: p.money, Views: p.file.path + "/views",
	})
	return q, err
}

func (p catalogPages[T]) showList(c echo.Context) error {
	q, err := p.readQuery(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	found, err := p.rows.Page(ctx, p.db, q.query())
	if err != nil {
		return err
	}
	sums := list.Sums{}
	if q.IsNarrowed() {
		if sums, err = p.rows.Count(ctx, p.db, q.query()); err != nil {
			return err
		}
	}
	heads := p.heads(q.List)
	page := namePage[T]{
		Tabs: web.Tabs{
			{Label: "Current", Href: q.Address("tab", ""), Current: !q.Archived},
			{Label: "Archived", Href: q.Address("tab", archivedTab), Current: q.Archived},
		},
		Search: q.SearchBox(""), Filter: q.FilterForm(sums, p.file.noun, heads), Heads: heads, Rows: found.Rows,
		Pager: web.ListPager(q.List, found), Live: web.LiveOf(q.List, p.live, tabOf(q.Archived), found),
	}
	if page.Views, err = q.Views(c); err != nil {
		return err
	}
	page.Empty = page.Pager.EmptyOr(p.emptyList(c, q))
	page.Pager.Export = q.ExportPath(p.file.path + "/export/list")
	if q.Sort == orderview.ByName {
		page.Pager.Summary = "By name"
	}
	return p.listView.Render(c, q.Status(), web.Page{Title: p.title, Nav: p.file.nav}, page)
}

// emptyList explains what an empty list means and what to do.
func (p catalogPages[T]) emptyList(c echo.Context, q nameQuery) web.Empty {
	switch {
	case q.Search != "":
		return web.Empty{Title: "Nothing found", Text: "Nothing in this list has “" + q.Search + "” in it. Words may be cut short.",
			Action: &web.Link{Label: "Show all", Href: p.file.path}}
	case q.IsNarrowed():
		return web.Empty{Title: "Nothing found", Text: "No " + p.file.noun + " here fits the filter.", Action: &web.Link{Label: "Show everything", Href: q.Everything()}}
	case q.Archived:
		return p.emptyArchived
	}
	if !may.keep.Has(web.PersonOf(c).Roles) {
		return web.Empty{Title: p.empty.Title, Text: "Managers add them."}
	}
	return p.empty
}

// exportList answers with a file of what the list has, on all its pages. The other export is what an import
// takes.
func (p catalogPages[T]) exportList(c echo.Context) error {
	q, err := p.readQuery(c)
	if err != nil {
		return err
	}
	asked := q.query()
	if asked.Query, err = q.Whole(); err != nil {
		return err
	}
	rows := p.rows.Whole(c.Request().Context(), p.db, asked)
	return web.SendCSV(c, p.file.name, append([]string{"ID", "State", "Changed at"}, p.file.columns...), func(yield func([]string, error) bool) {
		for row, err := range rows {
			item := row.Common()
			state := "current"
			if item.Archived {
				state = archivedTab
			}
			if !yield(append([]string{item.ID, state, item.UpdatedAt.UTC().Format(time.RFC3339)}, p.exported(row)...), err) {
				return
			}
		}
	})
}
