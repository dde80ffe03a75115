package pages

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

const (
	streamsPath     = historyPath + "/streams"
	streamsPageSize = 50
)

var streamsView = web.NewView[streamsPage]("streams")

// streamsPage is the list of the journal's streams.
type streamsPage struct {
	Search web.Search
	Rows   []streamRow
	Empty  web.Empty
	Pager  web.Pager
}

type streamRow struct {
	history.Stream
	Href, Newest string
	Of, Count    string // the address of its events in the list of all, and how many there are
}

// listStreams lists the streams by their names.
func (h *handlers) listStreams(c echo.Context) error {
	begins, err := web.ReadSearch(c.QueryParam("q"))
	if err != nil {
		return err
	}
	after, before := c.QueryParam("after"), c.QueryParam("before")
	for _, place := range []string{after, before} {
		if cleaned, err := web.ReadSearch(place); err != nil || cleaned != place {
			return web.NotFound("There is no such list.")
		}
	}
	found, more, err := h.events.Streams(c.Request().Context(), begins, after, before, streamsPageSize)
	if err != nil {
		return err
	}
	page := streamsPage{
		Search: web.Search{Action: streamsPath, Value: begins, Label: "How a name or an id begins"},
		Pager:  web.Pager{Summary: "By name"},
		Empty: web.Empty{Title: "No stream is called so", Text: "Write how its name or its id begins, such as payment- or the first part of an id.",
			Action: &web.Link{Label: "Show all streams", Href: streamsPath}},
	}
	if begins == "" && after == "" && before == "" {
		page.Empty = web.Empty{Title: "Nothing has happened yet", Text: "Each payment, order, product, customer and person has a stream of events."}
	}
	for _, s := range found {
		row := streamRow{Stream: s, Href: streamPath(s.ID), Newest: eventPath(s.Last), Of: web.Address(historyPath, map[string]string{"stream": s.ID}), Count: "1 event"}
		if s.Events != 1 {
			row.Count = locale.Count(s.Events) + " events"
		}
		page.Rows = append(page.Rows, row)
	}
	if len(found) > 0 {
		if more || before != "" {
			page.Pager.Next = web.Address(streamsPath, map[string]string{"q": begins, "after": found[len(found)-1].ID})
		}
		if after != "" || before != "" && more {
			page.Pager.Previous = web.Address(streamsPath, map[string]string{"q": begins, "before": found[0].ID})
		}
	}
	return streamsView.Render(c, http.StatusOK, web.Page{Title: "Streams", Nav: "streams"}, page)
}
