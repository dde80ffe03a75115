package pages

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/pkg/evidence"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/schema"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// eventRead is what the security log tells of a look into an event's data.
const eventRead = "event-read"

// eventSearch is what it tells of a look for words in events.
const eventSearch = "events-searched"

var eventView = web.NewView[eventPage]("event")

// eventPage is one event with what it belongs to.
type eventPage struct {
	eventRow
	List     web.Link
	Verdict  web.Badge // of its signature
	Why      string    // what the verdict means
	Fits     web.Badge // whether its data fits its type's schema
	Misfit   string    // why it does not
	Place    string    // where Kafka holds it
	Data     string
	Masked   bool   // personal fields are not shown
	Cut      string // what of the data is not shown
	Size     int
	Download string
	Cause    *eventRow
	Asked    string // the command that caused it, where no event did
	Effects  []eventRow
	Looked   string // how far effects were looked for, where that is not all
	Together string // the address of all of its correlation
}

var errNoEvent = web.NotFound("There is no such event. The list shows those that there are.")

// eventOf reads the event that the path names.
func (h *handlers) eventOf(c echo.Context) (history.Event, error) {
	position, err := strconv.ParseInt(c.Param("position"), 10, 64)
	if err != nil || position < 1 {
		return history.Event{}, errNoEvent
	}
	e, err := h.events.Event(c.Request().Context(), position)
	if errors.Is(err, history.ErrNone) {
		return e, errNoEvent
	}
	return e, err
}

func (h *handlers) showEvent(c echo.Context) error {
	e, err := h.eventOf(c)
	if err != nil {
		return err
	}
	related, err := h.events.Related(c.Request().Context(), e)
	if err != nil {
		return err
	}
	h.sessions.LogSecurity(c, eventRead, web.PersonOf(c).ID, slog.Int64("position", e.Position), slog.String("stream", e.Stream))
	page := eventPage{
		eventRow: newEventRow(e), List: web.BackLink(c, "Events", historyPath), Download: eventPath(e.Position) + "/data",
	}
	page.Verdict, page.Why = h.verdictOf(e)
	page.Fits, page.Misfit = fitOf(e)
	if e.Log > 0 {
		page.Place = fmt.Sprintf("%s/%d/%d", e.Topic, e.Partition, e.Offset)
	}
	data := shown(c, e)
	page.Data, page.Cut = showBytes(data)
	page.Masked, page.Size = !bytes.Equal(data, e.Data), len(data)
	if e.CorrelationID != "" {
		page.Together = web.Address(historyPath, map[string]string{"correlation": e.CorrelationID})
	}
	if related.Cause != nil {
		row := newEventRow(*related.Cause)
		page.Cause = &row
	} else {
		page.Asked = e.CausationID
	}
	for _, effect := range related.Effects {
		page.Effects = append(page.Effects, newEventRow(effect))
	}
	if related.Looked > 0 {
		page.Looked = locale.Count(related.Looked)
	}
	return eventView.Render(c, http.StatusOK, web.Page{Title: fmt.Sprintf("Event %d", e.Position), Nav: "events", Back: page.List.Href}, page)
}

// verdictOf verifies an event's signature again, by the keys that this service trusts now.
func (h *handlers) verdictOf(e history.Event) (web.Badge, string) {
	topic, known := history.TopicOf(e.Stream)
	if e.Log == 0 {
		return web.Badge{Tone: web.Waiting, Text: "Not confirmed yet"}, "It is signed when it is published, and its signature is kept once it has come back from its topic."
	}
	if !known {
		return web.Badge{Tone: web.Neutral, Text: "Not verified"}, "This version does not know the topic of its stream."
	}
	alone := e
	alone.Log = 1 // its place among the others is not asked for here
	trust := h.keys.Trust()
	report, err := evidence.Check(evidence.Of(e.Subject, []history.Event{alone}, h.keys), topic, &trust)
	if err != nil || len(report.Findings) == 0 {
		return web.Badge{Tone: web.Warning, Text: "Not verified"}, "The keys cannot be used at the moment."
	}
	switch f := report.Findings[0]; {
	case f.Verified:
		return web.Badge{Tone: web.Good, Text: "Verified"}, "Key " + f.Key.ID + " of " + strings.TrimPrefix(f.Key.Source, "/") + " has signed it, and nothing of it was changed."
	case f.Unsigned:
		return web.Badge{Tone: web.Neutral, Text: "Not signed"}, "It is from before the cut-off, up to which no signature was asked for. It proves nothing."
	default:
		return web.Badge{Tone: web.Bad, Text: "Does not hold"}, text.Capital(f.Fault) + "."
	}
}

// fitOf compares an event with its type's schema.
func fitOf(e history.Event) (web.Badge, string) {
	topic, known := history.TopicOf(e.Stream)
	if !known {
		return web.Badge{Tone: web.Neutral, Text: "Not known"}, "This version does not know the topic of its stream."
	}
	switch err := topic.Check(e.Event); {
	case err == nil:
		return web.Badge{Tone: web.Good, Text: "Fits"}, ""
	case errors.Is(err, schema.ErrUnknownType):
		return web.Badge{Tone: web.Neutral, Text: "Not known"}, "This version does not know its type. It is on record, and has no effect here."
	default:
		return web.Badge{Tone: web.Bad, Text: "Does not fit"}, text.Capital(err.Error()) + "."
	}
}

// shownTo is what of an event's data whoever asks may see; nil for all of it.
func shownTo(c echo.Context) func(history.Event) []byte {
	if may.reveal.Has(web.PersonOf(c).Roles) {
		return nil
	}
	return history.Shown
}

// shown is an event's data for whoever asks.
func shown(c echo.Context, e history.Event) []byte {
	if show := shownTo(c); show != nil {
		return show(e)
	}
	return e.Data
}

// downloadEvent answers with the event's data, as far as whoever asks may see it.
func (h *handlers) downloadEvent(c echo.Context) error {
	e, err := h.eventOf(c)
	if err != nil {
		return err
	}
	h.sessions.LogSecurity(c, eventRead, web.PersonOf(c).ID, slog.Int64("position", e.Position), slog.String("stream", e.Stream), slog.String("as", "file"))
	header := c.Response().Header()
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="event-%d.json"`, e.Position))
	header.Set("Cache-Control", "private, no-store")
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, shown(c, e))
}
