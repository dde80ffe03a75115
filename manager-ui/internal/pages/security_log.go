package pages

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

const (
	securityPath     = "/security"
	securityPageSize = 50
)

var securityView = web.NewView[securityPage]("security")

// securityPage shows the last lines of this app's security log.
type securityPage struct {
	Tabs   web.Tabs
	Person string // whose lines they are alone; empty: everybody's
	All    string // the address without that
	Rows   []securityRow
	Empty  web.Empty
	Pager  web.Pager
}

type securityRow struct {
	web.SecurityLine
	Badge  web.Badge
	Theirs string // the address of their lines
}

// ownEvents are those of this app alone, in words.
var ownEvents = map[string]web.Badge{
	eventRead: {Tone: web.Neutral, Text: "Looked into an event"}, messageRead: {Tone: web.Neutral, Text: "Looked into a message"}, messageSearch: {Tone: web.Neutral, Text: "Looked for words in messages"}, eventSearch: {Tone: web.Neutral, Text: "Looked for words in events"},
	caseRead: {Tone: web.Neutral, Text: "Looked at every step of a case"}, streamRead: {Tone: web.Neutral, Text: "Looked at the states of a stream"},
	letterRead: {Tone: web.Neutral, Text: "Looked into a dead letter"}, letterTask: {Tone: web.Warning, Text: "Tried, replayed or discarded dead letters"},
	partBroken:       {Tone: web.Bad, Text: "Broke a part on purpose"},
	operationHandled: {Tone: web.Warning, Text: "Retried or settled an operation"},
}

// showSecurityLog lists the lines, the newest first.
func (h *handlers) showSecurityLog(c echo.Context) error {
	kind, person := web.SecurityKind(c.QueryParam("tab")), c.QueryParam("person")
	address := func(kind web.SecurityKind, person, before string) string {
		return web.Address(securityPath, map[string]string{"tab": string(kind), "person": person, "before": before})
	}
	page := securityPage{Person: person, All: address(kind, "", "")}
	known := false
	for _, tab := range []struct {
		kind  web.SecurityKind
		label string
	}{{"", "Everything"}, {web.SignIns, "Sign-ins"}, {web.Refusals, "Refused"}, {web.Acts, "Done"}} {
		known = known || tab.kind == kind
		page.Tabs = append(page.Tabs, web.Tab{Label: tab.label, Href: address(tab.kind, person, ""), Current: tab.kind == kind})
	}
	before, err := securityPlace(c.QueryParam("before"))
	if err != nil || !known || len(person) > longestPerson || strings.ContainsRune(person, 0) || !utf8.ValidString(person) {
		return web.NotFound("There is no such list.")
	}
	lines, err := h.sessions.SecurityLog(c.Request().Context(), kind, person, before, securityPageSize+1)
	if err != nil {
		return err
	}
	page.Pager = web.Pager{Summary: "The newest first; kept for 90 days"}
	if len(lines) > securityPageSize {
		lines = lines[:securityPageSize]
		page.Pager.Older = address(kind, person, strconv.FormatInt(lines[securityPageSize-1].ID, 10))
	}
	if before > 0 {
		page.Pager.Newer = address(kind, person, "")
	}
	for _, l := range lines {
		row := securityRow{SecurityLine: l, Badge: l.Badge(), Theirs: address(kind, l.Person, "")}
		if own, is := ownEvents[l.Event]; is {
			row.Badge = own
		}
		page.Rows = append(page.Rows, row)
	}
	page.Empty = web.Empty{Title: "Nothing here", Text: "No such line was written within 90 days.", Action: &web.Link{Label: "Show everything", Href: securityPath}}
	return securityView.Render(c, http.StatusOK, web.Page{Title: "Security log", Nav: "security"}, page)
}

// longestPerson is more than the id of anybody has, in bytes.
const longestPerson = 200

// securityPlace reads where a page begins.
func securityPlace(before string) (int64, error) {
	if before == "" {
		return 0, nil
	}
	return strconv.ParseInt(before, 10, 64)
}
