package pages

import (
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/pkg/web"
)

// The tabs of lists by name.
const (
	currentTab  = "current"
	archivedTab = "archived"
)

// namePage is a list by name, of products or of customers.
type namePage[R any] struct {
	Tabs              web.Tabs
	Search            web.Search
	Rows              []R
	Empty             web.Empty
	Pager             web.Pager
	Tab, PageIs, Text string // what the live client must know of the list
	Size              int
	More              bool
}

// tabOf is the tab that a row is in.
func tabOf(archived bool) string {
	if archived {
		return archivedTab
	}
	return currentTab
}

// readNameQuery reads a page's address.
func readNameQuery(c echo.Context) (q readmodel.NameQuery, err error) {
	switch c.QueryParam("tab") {
	case "":
	case archivedTab:
		q.Archived = true
	default:
		return q, web.NotFound("There is no such list.")
	}
	if q.Search, err = searched(c); err != nil {
		return q, err
	}
	if q.After, err = placeByName(c.QueryParam("after")); err != nil {
		return q, err
	}
	q.Before, err = placeByName(c.QueryParam("before"))
	return q, err
}

func placeByName(text string) (*readmodel.Place, error) {
	if text == "" {
		return nil, nil
	}
	p, err := web.DecodeCursor[readmodel.Place](text)
	if err != nil {
		return nil, err
	}
	if uuid.Validate(p.ID) != nil || strings.ContainsRune(p.Sort, 0) {
		return nil, web.BadRequest("This page's address is not complete. Please start from the first page.")
	}
	return &p, nil
}

// placed is a row that has its place.
type placed interface{ Place() readmodel.Place }

// newNamePage makes the page of what was found; path is the list's.
func newNamePage[T placed, R any](path string, q readmodel.NameQuery, found readmodel.Page[T], row func(T) R, empty web.Empty) namePage[R] {
	address := func(archived bool, more ...string) string {
		parameters := map[string]string{"q": q.Search}
		if archived {
			parameters["tab"] = archivedTab
		}
		for i := 0; i+1 < len(more); i += 2 {
			parameters[more[i]] = more[i+1]
		}
		return web.Address(path, parameters)
	}
	page := namePage[R]{
		Tabs: web.Tabs{
			{Label: "Current", Href: address(false), Current: !q.Archived}, {Label: "Archived", Href: address(true), Current: q.Archived},
		},
		Search: web.Search{Action: path, Value: q.Search}, Empty: empty,
		Tab: tabOf(q.Archived), PageIs: "first", Text: q.Search, Size: readmodel.PageSize, More: found.Later,
	}
	if q.Archived {
		page.Search.Keep = map[string]string{"tab": archivedTab}
	}
	if q.Search != "" {
		page.Empty = web.Empty{Title: "Nothing found", Text: "Nothing in this list has “" + q.Search + "” in it. Words may be cut short.",
			Action: &web.Link{Label: "Show all", Href: path}}
	}
	for _, r := range found.Rows {
		page.Rows = append(page.Rows, row(r))
	}
	if found.Earlier {
		page.PageIs = "other"
	}
	switch n := len(found.Rows); {
	case n == 0 && (q.After != nil || q.Before != nil): // the rows of this page have gone elsewhere
		page.Pager.Previous = address(q.Archived)
		return page
	case n > 0 && found.Earlier:
		page.Pager.Previous = address(q.Archived, "before", web.EncodeCursor(found.Rows[0].Place()))
	}
	if n := len(found.Rows); n > 0 && found.Later {
		page.Pager.Next = address(q.Archived, "after", web.EncodeCursor(found.Rows[n-1].Place()))
	}
	page.Pager.Summary = "By name"
	return page
}
