package pages

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/flow"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/vitals"
	"countersign.example/pkg/web"
)

const flowPath = "/flow"

var flowView = web.NewView[flowPage]("flow")

// flowPage is how everything is, as a picture and as the tables behind it.
type flowPage struct {
	flow.System
	Picture   flowPicture
	Said      flowSaid
	Rows      []flowService
	Arrows    []flowArrow
	Processes []flowProcess
	Checks    []flowCheck
	Breaks    *flowBreaks
}

// flowSaid is how it is in a word and in sentences, to be seen from across the room.
type flowSaid struct {
	Mark, Word string
	Tone       web.Tone
	More       []flow.Finding
}

// flowService is a service's row.
type flowService struct {
	flow.Service
	Badge                              web.Badge
	Outbox, Published, Letters, Others string
}

// flowArrow is the row of what a service receives of a topic.
type flowArrow struct {
	flow.In
	Service        string
	Badge          web.Badge
	Waits, PerSecs string
}

// flowProcess is a process' row.
type flowProcess struct {
	vitals.Replica
	Service, Does string
	Badge         web.Badge
}

// flowCheck is a line of what is looked at.
type flowCheck struct {
	Name, Well string
	Badge      web.Badge
	Found      []flow.Finding
}

// levelWord is a level in a word, a sign and a colour: none of these alone tells it.
type levelWord struct {
	Word, Mark string
	Tone       web.Tone
}

var levelWords = map[vitals.Level]levelWord{
	vitals.Well: {"Well", "✓", web.Good}, vitals.Wants: {"Look", "!", web.Info}, vitals.Late: {"Late", "◷", web.Warning}, vitals.Down: {"Down", "✕", web.Bad},
}

func levelBadge(l vitals.Level) web.Badge {
	word := levelWords[l]
	return web.Badge{Tone: word.Tone, Text: word.Mark + " " + word.Word}
}

// mostSaid is how many findings are said large; the checks below list all.
const mostSaid = 3

func (h *handlers) showFlow(c echo.Context) error {
	s := h.flow.Look(c.Request().Context())
	page := flowPage{System: s, Picture: newFlowPicture(s), Said: sayFlow(s), Breaks: h.flowBreaks(c.Request().Context())}
	for _, service := range s.Services {
		page.Rows = append(page.Rows, newFlowService(service))
		for _, in := range service.In {
			page.Arrows = append(page.Arrows, flowArrow{In: in, Service: service.Name, Badge: levelBadge(in.Level), Waits: waits(in), PerSecs: perSecond(in.Rate)})
		}
		for _, r := range service.Replicas {
			page.Processes = append(page.Processes, newFlowProcess(service, r))
		}
	}
	for _, check := range flow.Checks() {
		shown := flowCheck{Name: check.Name, Well: check.Well, Badge: levelBadge(vitals.Well)}
		level := vitals.Well
		for _, f := range s.Findings {
			if f.Check == check.Name {
				shown.Found, level = append(shown.Found, f), level.Worse(f.Level)
			}
		}
		shown.Badge = levelBadge(level)
		page.Checks = append(page.Checks, shown)
	}
	return flowView.Render(c, http.StatusOK, web.Page{Title: "Flow", Nav: "flow"}, page)
}

func sayFlow(s flow.System) flowSaid {
	word := levelWords[s.Level()]
	said := flowSaid{Mark: word.Mark, Tone: word.Tone, More: s.Findings[:min(len(s.Findings), mostSaid)]}
	var who []string
	for _, f := range s.Findings {
		if f.Level == s.Level() && !slices.Contains(who, f.Service) {
			who = append(who, f.Service)
		}
	}
	switch names := strings.Join(who, ", "); s.Level() {
	case vitals.Down:
		said.Word = "Down: " + names
	case vitals.Late:
		said.Word = "Late: " + names
	case vitals.Wants:
		said.Word = "Somebody should look: " + names
	default:
		said.Word = "All is well"
	}
	return said
}

func newFlowService(s flow.Service) flowService {
	row := flowService{Service: s, Badge: levelBadge(s.Level), Outbox: "nothing", Published: perSecond(s.Published), Letters: "none"}
	if s.Outbox.Count > 0 {
		row.Outbox = locale.Count(s.Outbox.Count) + ", " + vitals.Ago(s.Outbox.Oldest)
	}
	letters := 0
	for _, n := range s.DeadLetters {
		letters += n
	}
	if letters > 0 {
		row.Letters = locale.Count(letters)
	}
	for _, j := range s.Jobs {
		row.Others = fmt.Sprintf("%s: %s", j.Name, locale.Count(j.Count+j.Stuck))
	}
	return row
}

func newFlowProcess(s flow.Service, r vitals.Replica) flowProcess {
	p := flowProcess{Replica: r, Service: s.Name, Badge: levelBadge(vitals.Well), Does: strings.Join(r.Leads, ", ")}
	switch {
	case !s.Answers:
		p.Badge = web.Badge{Tone: web.Neutral, Text: "? Not known"}
	case r.Gone():
		p.Badge = levelBadge(vitals.Down)
	case len(r.Problems) > 0:
		p.Badge = levelBadge(vitals.Late)
	}
	return p
}

// waits is how many messages wait, and for how long the oldest has.
func waits(in flow.In) string {
	switch {
	case in.Unknown:
		return "not known"
	case in.Lag == 0:
		return "none"
	case in.Waiting < 1:
		return locale.Count(in.Lag)
	}
	return locale.Count(in.Lag) + ", " + vitals.Ago(in.Waiting)
}

func perSecond(rate float64) string {
	switch {
	case rate < 0.05:
		return "0/s"
	case rate < 10:
		return fmt.Sprintf("%.1f/s", rate)
	}
	return fmt.Sprintf("%.0f/s", rate)
}
