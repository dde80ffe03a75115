package pages

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/orderview"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/web"
)

const (
	peoplePath = "/people"
	peopleList = "people" // the name of the live list, and of its tab with everybody
	blockedTab = "blocked"
)

var (
	peopleView        = web.NewView[peoplePage]("people")
	personRowFragment = web.NewFragment[readmodel.Person]("person-row")
)

// peoplePage is the list of who uses the apps.
type peoplePage struct {
	Tabs   web.Tabs
	Search web.Search
	Rows   []readmodel.Person
	Empty  web.Empty
	Pager  web.Pager
	Live   web.LiveList
}

// personTabs are the tabs that somebody is in. Who may not look at people is not told of the second one.
func personTabs(p readmodel.Person) []string {
	blocked := ""
	if p.Blocked {
		blocked = blockedTab
	}
	return []string{peopleList, "<only-for people>" + blocked + "</only-for>"}
}

func (h *handlers) listPeople(c echo.Context) error {
	l, err := web.ReadList(c, web.ListOptions{
		Path: peoplePath, Before: "before", After: "after", Default: orderview.ByName, Sorts: []list.Sort{orderview.ByName},
	})
	if err != nil {
		return err
	}
	tab := c.QueryParam("tab")
	if tab != "" && tab != blockedTab {
		return web.NotFound("There is no such list.")
	}
	found, err := readmodel.ListPeople(c.Request().Context(), h.db, readmodel.PeopleQuery{Query: l.Query, Blocked: tab == blockedTab})
	if err != nil {
		return err
	}
	page := peoplePage{
		Tabs: web.Tabs{
			{Label: "Everybody", Href: l.Address("tab", ""), Current: tab == ""},
			{Label: "Blocked", Href: l.Address("tab", blockedTab), Current: tab == blockedTab},
		},
		Search: l.SearchBox(""), Rows: found.Rows, Pager: web.ListPager(l, found),
		Empty: web.Empty{Title: "Nobody yet", Text: "Whoever signs in to one of the two apps is listed here."},
		Live:  web.LiveOf(l, peopleList, peopleList, found),
	}
	switch {
	case l.Search != "":
		page.Empty = web.Empty{Title: "Nobody found", Text: "Nobody in this list has “" + l.Search + "” in their name, address or roles. Words may be cut short.",
			Action: &web.Link{Label: "Show everybody", Href: peoplePath}}
	case tab == blockedTab:
		page.Empty = web.Empty{Title: "Nobody is blocked", Text: "Whoever an admin keeps out of both apps is listed here.",
			Action: &web.Link{Label: "Show everybody", Href: peoplePath}}
	}
	if tab == blockedTab {
		page.Live.Tab = blockedTab
	}
	page.Pager.Summary = "By name"
	return peopleView.Render(c, http.StatusOK, web.Page{Title: "People", Nav: "people"}, page)
}
