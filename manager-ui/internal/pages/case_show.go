package pages

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/pkg/api"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

// caseRead is what the security log tells of a look at a case.
const caseRead = "case-read"

const casesPath = historyPath + "/cases"

// longestCase is more than any id of a case has, in bytes.
const longestCase = 200

var caseView = web.NewView[casePage]("case")

// casePage is what happened to things that belong together: as a picture, as steps, and why.
type casePage struct {
	Up     web.Link // what it is about
	Title  string
	Spell  string // from the first step to the last, in words
	Steps  []caseStep
	Lanes  lanes
	Next   []caseNext  // what is waited for
	Where  []casePlace // how far the newest event has come
	Causes []*cause    // the steps below what caused them
	Older  string      // that older steps are left out
	Looked string      // how far a correlation was looked for, where that is not all
	Parts  string      // of live updates: what the page shows
}

// caseStep is a step as the page shows it.
type caseStep struct {
	history.Step
	Number  int
	Lane    lane
	Href    string // of its event
	Then    string // of its stream as of then
	After   string // how long after the step before; "" for the first one
	Via     string // who or what brought it about
	Because *caseStep
	Waited  string // how long after its cause
	Place   string // where Kafka holds it
	Arrived string // how long after it happened this app recorded it
}

var errNoCase = web.NotFound("There is nothing on record about that.")

func (h *handlers) showCase(c echo.Context) error {
	kind, id := history.CaseKind(c.Param("kind")), c.Param("id")
	if (kind == history.OfPayment || kind == history.OfOrder) && !api.IsID(id) || len(id) > longestCase || !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return errNoCase
	}
	found, err := h.events.Case(c.Request().Context(), kind, id, shownTo(c))
	if errors.Is(err, history.ErrNone) {
		return errNoCase
	} else if err != nil {
		return err
	}
	h.logLook(c, caseRead, slog.String("kind", string(kind)), slog.String("id", id))
	page := newCasePage(found)
	page.Causes = causes(page.Steps)
	if err := errors.Join(h.addNext(c.Request().Context(), &page, found), h.addWhere(c.Request().Context(), &page)); err != nil {
		return err
	}
	if page.Parts, err = h.partsOf(c.Request().Context(), found); err != nil {
		return err
	}
	return caseView.Render(c, http.StatusOK, web.Page{Title: page.Title, Nav: "events", Back: page.Up.Href}, page)
}

func newCasePage(found history.Case) casePage {
	main := found.Threads[0].Name()
	page := casePage{Title: "History of " + main, Up: web.Link{Label: "Events", Href: historyPath}}
	switch found.Kind {
	case history.OfPayment:
		page.Up = web.Link{Label: main, Href: paymentPath(found.ID)}
	case history.OfOrder:
		page.Up = web.Link{Label: main, Href: orderPath(found.ID)}
	case history.OfCorrelation:
		page.Title = "History of one request"
	}
	if found.Older > 0 {
		page.Older = fmt.Sprintf("Only the newest %s events are shown here.", locale.Count(len(found.Steps)))
	}
	if found.Looked > 0 {
		page.Looked = fmt.Sprintf("The newest %s events were looked through for it.", locale.Count(found.Looked))
	}
	page.Steps = make([]caseStep, len(found.Steps))
	named := map[string]string{}
	for _, t := range found.Threads {
		named[t.Stream] = t.Name()
	}
	for i, s := range found.Steps {
		step := &page.Steps[i]
		*step = caseStep{Step: s, Number: i + 1, Href: eventPath(s.Position), Then: streamPath(s.Stream) + "?at=" + strconv.FormatInt(s.Position, 10), Lane: page.Lanes.of(s, named[s.Stream])}
		if i > 0 {
			step.After = duration(s.Time.Sub(found.Steps[i-1].Time))
		}
		var cause *history.Step
		if s.Cause >= 0 {
			cause = &found.Steps[s.Cause]
			step.Because, step.Waited = &page.Steps[s.Cause], duration(s.Time.Sub(cause.Time))
		}
		step.Via = s.Via(cause)
		if s.Log > 0 {
			step.Place = fmt.Sprintf("%s/%d/%d", s.Topic, s.Partition, s.Offset)
		}
		if s.Source != ownSource {
			step.Arrived = duration(s.RecordedAt.Sub(s.Time))
		}
	}
	first, last := found.Steps[0], found.Steps[len(found.Steps)-1]
	if len(found.Steps) > 1 {
		page.Spell = "within " + duration(last.Time.Sub(first.Time))
	}
	page.Lanes.draw(page.Steps)
	return page
}

// ownSource is what this app's events carry.
const ownSource = "/manager-ui"

// duration is how long something took, in words. Clocks of two services may differ: what came before it
// happened took no time that anybody knows.
func duration(d time.Duration) string {
	n := func(of time.Duration) int64 { return int64(d / of) }
	with := func(whole int64, unit string, rest int64, small string) string {
		if rest == 0 {
			return fmt.Sprintf("%d %s", whole, unit)
		}
		return fmt.Sprintf("%d %s %d %s", whole, unit, rest, small)
	}
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "an unknown time"
	case d < time.Millisecond:
		return "under 1 ms"
	case d < 10*time.Second:
		return locale.Count(n(time.Millisecond)) + " ms"
	case d < time.Minute:
		return fmt.Sprintf("%d s", n(time.Second))
	case d < time.Hour:
		return with(n(time.Minute), "min", n(time.Second)%60, "s")
	case d < day:
		return with(n(time.Hour), "h", n(time.Minute)%60, "min")
	}
	days := "days"
	if n(day) == 1 {
		days = "day"
	}
	return with(n(day), days, n(time.Hour)%24, "h")
}
