package pages

import (
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

var namePaging = web.Paging{Sort: orderview.ByName, Before: "before", After: "after"}

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

// becameOf is what has become of a row in a word.
func becameOf(archived bool) string {
	if archived {
		return "Archived"
	}
	return "Changed"
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
	return q, namePaging.Read(c, &q.Query)
}

// newNamePage makes the page of what was found; path is the list's.
func newNamePage[T list.Row](path string, q readmodel.NameQuery, found list.Page[T], empty web.Empty) namePage[T] {
	address := func(tab, parameter, value string) string {
		return web.Address(path, map[string]string{"tab": tab, "q": q.Search, parameter: value})
	}
	tab := ""
	if q.Archived {
		tab = archivedTab
	}
	page := namePage[T]{
		Tabs: web.Tabs{
			{Label: "Current", Href: address("", "", ""), Current: !q.Archived},
			{Label: "Archived", Href: address(archivedTab, "", ""), Current: q.Archived},
		},
		Search: web.Search{Action: path, Value: q.Search, Keep: map[string]string{"tab": tab}}, Rows: found.Rows, Empty: empty,
		Tab: tabOf(q.Archived), PageIs: pageIs(found.First), Text: q.Search, Size: readmodel.PageSize, More: found.After != nil,
	}
	if q.Search != "" {
		page.Empty = web.Empty{Title: "Nothing found", Text: "Nothing in this list has “" + q.Search + "” in it. Words may be cut short.",
			Action: &web.Link{Label: "Show all", Href: path}}
	}
	page.Pager = web.PagerOf(namePaging, found, func(parameter, value string) string { return address(tab, parameter, value) })
	page.Pager.Summary = "By name"
	return page
}

// pageIs tells the live client whether a page is the first of its list.
func pageIs(first bool) string {
	if first {
		return "first"
	}
	return "other"
}
