package pages

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"

	"countersign.example/ordering-core/order"
)

// streamRead is what the security log tells of a look at the states of a stream.
const streamRead = "stream-read"

var streamView = web.NewView[streamPage]("stream")

// streamPage is one stream: its events, and of a payment's or an order's the state after one of them.
type streamPage struct {
	Stream         string
	Name           string
	Up             web.Link
	Case           string // the address of its case
	Events         []streamEvent
	Then           *history.Then // nil where there are no states
	At             int           // the number of the event that is shown
	Now            *streamEvent
	Previous, Next string
	Why            string // there are no states
	Cut            string
	Fixture        string
}

// streamEvent is one of its events.
type streamEvent struct {
	history.Step
	Number     int
	Href, Then string
	Current    bool
}

var errNoStream = web.NotFound("There is no such stream. The list shows those that there are.")

func streamPath(stream string) string { return streamsPath + "/" + url.PathEscape(stream) }

func (h *handlers) showStream(c echo.Context) error {
	name, err := url.PathUnescape(c.Param("stream"))
	if err != nil || len(name) > longestCase || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return errNoStream
	}
	t, err := h.events.Thread(c.Request().Context(), name, shownTo(c))
	if errors.Is(err, history.ErrNone) {
		return errNoStream
	} else if err != nil {
		return err
	}
	page := streamPage{Stream: name, Name: t.Name(), Up: web.BackLink(c, "Streams", streamsPath)}
	steps := t.Steps()
	at := len(steps) - 1
	if given := c.QueryParam("at"); given != "" {
		position, err := strconv.ParseInt(given, 10, 64)
		if at = slices.IndexFunc(steps, func(s history.Step) bool { return s.Position == position }); err != nil || at < 0 {
			return web.NotFound("This stream has no event at that position. Its events are in the list of the page without it.")
		}
	}
	h.logLook(c, streamRead, slog.String("stream", name))
	then := func(i int) string {
		return streamPath(name) + "?at=" + strconv.FormatInt(steps[i].Position, 10)
	}
	for i, s := range steps {
		page.Events = append(page.Events, streamEvent{Step: s, Number: i + 1, Href: eventPath(s.Position), Then: then(i), Current: i == at})
	}
	page.At, page.Now = at+1, &page.Events[at]
	if t.Partial {
		page.Cut = fmt.Sprintf("Only the newest %s events are shown.", locale.Count(len(steps)))
	}
	if id, is := strings.CutPrefix(name, payment.Stream("")); is {
		page.Case = casesPath + "/payment/" + id
	}
	if id, is := strings.CutPrefix(name, order.Stream("")); is {
		page.Case = casesPath + "/order/" + id
	}
	switch {
	case t.Folds():
		state := t.Then(at)
		page.Then = &state
		page.Fixture = t.Fixture()
		if at > 0 {
			page.Previous = then(at - 1)
		}
		if at < len(steps)-1 {
			page.Next = then(at + 1)
		}
	case t.Partial:
		page.Why = "It has too many events for its states to be shown."
	default:
		page.Why = "States are shown of payments and orders."
	}
	return streamView.Render(c, http.StatusOK, web.Page{Title: page.Name + ", as of then", Nav: "streams", Back: page.Up.Href}, page)
}
