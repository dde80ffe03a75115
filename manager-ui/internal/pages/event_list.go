package pages

import (
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

const (
	historyPath = "/history"
	eventsPath  = historyPath + "/events"
)

var eventsView = web.NewView[eventsPage]("events")

// eventsPage is the list of all events that the journal has.
type eventsPage struct {
	Views  web.Views
	Fields []web.Field // of the filter
	Jump   web.Field
	Keep   map[string]string // what a jump keeps of the address
	Open   bool              // the filter has something to be mended
	Chips  []web.Chip
	Rows   []eventRow
	Empty  web.Empty
	Pager  web.Pager
	Follow bool   // it begins with the newest, and goes on with what happens
	Late   string // how many events have no digests yet
}

type eventRow struct {
	history.Event
	Href, Meaning string
	Who, Writer   string
	Badge         *web.Badge // what is to be said of it, if anything
	Of            string     // the address of what its stream has
}

func eventPath(position int64) string { return eventsPath + "/" + strconv.FormatInt(position, 10) }

// eventParameters are those of the list's address that say which events it has.
var eventParameters = []string{"type", "stream", "actor", "writer", "correlation", "text", "from", "to"}

// eventQuery is what the address of the list says.
type eventQuery struct {
	web.List
	by history.Query
}

func readEventQuery(c echo.Context) (q eventQuery, err error) {
	q.List, err = web.ReadList(c, web.ListOptions{Path: historyPath, Kept: eventParameters, Views: historyPath + "/views"})
	if err != nil {
		return q, err
	}
	for _, name := range eventParameters {
		value, err := web.ReadSearch(c.QueryParam(name))
		if err != nil {
			return q, err
		}
		q.Filter.Set(name, value)
	}
	value := q.Filter.Value
	q.by = history.Query{
		Type: value("type"), Stream: value("stream"), Actor: value("actor"), Writer: value("writer"), Correlation: value("correlation"), Text: value("text"), Limit: q.Limit,
	}
	var day bool
	q.by.From, _ = q.moment("from")
	if q.by.To, day = q.moment("to"); !q.by.To.IsZero() {
		q.by.To = q.by.To.Add(time.Second)
		if day {
			q.by.To = q.by.To.Add(24*time.Hour - time.Second)
		}
		if !q.by.To.After(q.by.From) {
			q.Filter.Fail("to", "This is before the other time.")
		}
	}
	if q.by.Text != "" && len(history.Words(q.by.Text)) == 0 {
		q.Filter.Fail("text", "Write a word, a number or an id.")
	}
	return q, nil
}

// momentHint shows how a time is written.
const momentHint = "Write the time as year, month, day, hour and minute, for example 2026-11-30 14:05, or the day alone."

// moment reads a time in UTC; day is true for a day alone.
func (q eventQuery) moment(name string) (at time.Time, day bool) {
	typed := q.Filter.Value(name)
	if typed == "" {
		return at, false
	}
	at, day, ok := readMoment(typed)
	if !ok {
		q.Filter.Fail(name, momentHint)
	}
	return at, day
}

func readMoment(typed string) (at time.Time, day, ok bool) {
	for i, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", time.RFC3339} {
		if at, err := time.Parse(layout, typed); err == nil && at.Year() >= 1 && at.Year() < 9999 {
			return at.UTC(), i == 0, true
		}
	}
	return at, false, false
}

// beginEvents reads where in the list the page begins: beside another page, or where somebody jumps to.
func (h *handlers) beginEvents(c echo.Context, q *eventQuery) error {
	for name, into := range map[string]*int64{"before": &q.by.Before, "after": &q.by.After} {
		if given := c.QueryParam(name); given != "" {
			position, err := strconv.ParseInt(given, 10, 64)
			if err != nil || position < 1 || position > 1<<62 {
				return web.NotFound("There is no such list.")
			}
			*into = position
		}
	}
	typed, err := web.ReadSearch(c.QueryParam("at"))
	if err != nil || typed == "" {
		return err
	}
	q.by.Before, q.by.After = 0, 0
	q.Filter.Set("at", typed)
	if position, err := strconv.ParseInt(strings.ReplaceAll(typed, ",", ""), 10, 64); err == nil && position > 0 && position < 1<<62 {
		q.by.Before = position + 1
		return nil
	}
	at, _, ok := readMoment(typed)
	if !ok {
		q.Filter.Fail("at", "Write a position, such as 12345, or a time in UTC, such as 2026-11-30 14:05.")
		return nil
	}
	position, err := h.events.At(c.Request().Context(), at)
	q.by.Before = position + 1
	return err
}

func (h *handlers) listEvents(c echo.Context) error {
	q, err := readEventQuery(c)
	if err != nil {
		return err
	}
	if err := h.beginEvents(c, &q); err != nil {
		return err
	}
	var found history.Page
	q.by.Shown = shownTo(c)
	if q.by.Text != "" && q.Filter.OK() {
		h.logSearch(c, q.by.Text)
	}
	if q.Filter.OK() {
		if found, err = h.events.List(c.Request().Context(), q.by); err != nil {
			return err
		}
	}
	jump := q.Filter.Field("at", "Jump to").Hint("A position, or a time in UTC").Placeholder("2026-11-30 14:05")
	page := eventsPage{
		Fields: eventFields(q.Filter), Jump: jump, Keep: q.Without(), Open: !q.Filter.OK(), Chips: q.chips(), Pager: q.pager(found),
	}
	for _, e := range found.Events {
		page.Rows = append(page.Rows, newEventRow(e))
	}
	if page.Views, err = q.Views(c); err != nil {
		return err
	}
	page.Empty = page.Pager.EmptyOr(q.empty())
	page.Follow = q.Filter.OK() && q.by.Before == 0 && q.by.After == 0
	if found.Late > 0 {
		page.Late = locale.Count(found.Late)
	}
	return eventsView.Render(c, q.Status(), web.Page{Title: "Events", Nav: "events"}, page)
}

func newEventRow(e history.Event) eventRow {
	known, _ := history.Type(e.Type)
	row := eventRow{Event: e, Href: eventPath(e.Position), Meaning: known.Description, Who: nameOr(e.ActorName, e.Actor), Writer: strings.TrimPrefix(e.Source, "/"),
		Of: web.Address(historyPath, map[string]string{"stream": e.Stream})}
	if e.Log == 0 {
		row.Badge = &web.Badge{Tone: web.Waiting, Text: "Pending"}
	}
	return row
}

// chips say what the list is filtered by.
func (q eventQuery) chips() (chips []web.Chip) {
	for _, name := range eventParameters {
		if value := q.Filter.Value(name); value != "" {
			chips = append(chips, web.Chip{Text: text.Capital(name) + ": " + value, Href: q.Address(name, "")})
		}
	}
	return chips
}

// pager leads to the pages beside one.
func (q eventQuery) pager(found history.Page) web.Pager {
	to := web.Pager{Summary: "The newest first", Backwards: q.by.After > 0}
	if found.Older > 0 {
		to.Older = q.Address("before", strconv.FormatInt(found.Older, 10))
	}
	if found.Newer > 0 {
		to.Newer = q.Address("after", strconv.FormatInt(found.Newer, 10))
	}
	if found.Looked > 0 {
		to.Looked = locale.Count(found.Looked) + " looked through"
	}
	return to
}

// empty says what to do where nothing is found.
func (q eventQuery) empty() web.Empty {
	switch {
	case !q.Filter.OK():
		return web.Empty{Title: "This filter is not right", Text: "Mend it above, and press “Show” again."}
	case len(q.chips()) > 0:
		return web.Empty{
			Title: "No event is like that", Text: "Take a filter away to see more, choose a longer time, or write fewer words.",
			Action: &web.Link{Label: "Show all events", Href: historyPath},
		}
	case q.by.Before > 0 || q.by.After > 0:
		return web.Empty{Title: "Nothing here", Text: "There are no events beyond this place.", Action: &web.Link{Label: "Show the newest", Href: historyPath}}
	}
	return web.Empty{Title: "Nothing has happened yet", Text: "What people and services do is shown here as soon as it is on record."}
}

// eventFields are the fields of the filter.
func eventFields(form *web.Form) []web.Field {
	types, writers := []web.Choice{{Label: "All"}}, []web.Choice{{Label: "All"}}
	for _, t := range history.Types {
		types = append(types, web.Choice{Value: t.Name, Label: t.Name})
	}
	for _, w := range history.Writers {
		writers = append(writers, web.Choice{Value: w, Label: strings.TrimPrefix(w, "/")})
	}
	moment := func(name, label string) web.Field { return form.Field(name, label).Placeholder("2026-11-30 14:05") }
	return []web.Field{
		form.Field("type", "Type").Select(types), form.Field("writer", "Writer").Select(writers),
		form.Field("stream", "Stream").Hint("Its name or id, or how one begins"), form.Field("actor", "Actor").Hint("All of the id"),
		moment("from", "From").Hint("In UTC"), moment("to", "To").Hint("A day or a time"),
		form.Field("correlation", "Correlation").Hint("All of the id"), form.Field("text", "Text").Hint("Whole words, numbers or ids"),
	}
}
