package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/api"
	"countersign.example/pkg/deadletters"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/web"
)

var (
	letterTaskView  = web.NewView[letterTaskPage]("letter-task")
	letterTasksView = web.NewView[letterTasksPage]("letter-tasks")
)

// taskRow is a task in a list.
type taskRow struct {
	deadletters.Task
	Service, Href string
	Title, Chosen string
	Who, Sum      string // who asked, and what came of it so far
	State         web.Badge
}

// letterTaskPage is a task with how far it is.
type letterTaskPage struct {
	taskRow
	UnderWay   bool
	Done, All  int64 // of the progress
	Failed     []taskFailure
	MoreFailed int64
	Left       string // how many were chosen and are as they were
	Stop       *letterForm
	Replay     *letterForm
	Reason     web.Field
}

type taskFailure struct {
	deadletters.Failure
	Href string
}

type letterTasksPage struct {
	Rows []taskRow
	Away []string // services that do not answer
}

func taskPath(service string, id int64) string {
	return lettersPath + "/of/" + service + "/tasks/" + strconv.FormatInt(id, 10)
}

func newTaskRow(service string, t deadletters.Task) taskRow {
	row := taskRow{Task: t, Service: service, Href: taskPath(service, t.ID), Who: nameOr(t.ByName, t.By), Chosen: chosenText(t.Selection)}
	settled, failed, behind := locale.Count(int(t.Settled)), locale.Count(int(t.Failed)), locale.Count(int(t.LeftOut))
	switch t.Action {
	case deadletters.Try:
		row.Title, row.Sum = "Try", settled+" would pass, "+failed+" would fail"
		if t.LeftOut > 0 {
			row.Sum += ", " + behind + " stay behind others"
		}
	case deadletters.Replay:
		row.Title, row.Sum = "Replay", settled+" recorded, "+failed+" failed"
	default:
		row.Title, row.Sum = "Discard", settled+" settled, with what waited behind, "+failed+" failed"
	}
	switch {
	case t.EndedAt != nil && t.StoppedBy != nil:
		row.State = web.Badge{Tone: web.Warning, Text: "Stopped by " + *t.StoppedBy}
	case t.EndedAt != nil:
		row.State = web.Badge{Tone: web.Good, Text: "Done"}
	case t.StoppedBy != nil:
		row.State = web.Badge{Tone: web.Warning, Text: "Stopping"}
	case t.BegunAt != nil:
		row.State = web.Badge{Tone: web.Info, Text: "Under way"}
	default:
		row.State = web.Badge{Tone: web.Neutral, Text: "Waits for the service’s consumer"}
	}
	return row
}

// chosenText says which dead letters are meant.
func chosenText(s deadletters.Selection) string {
	if s.DeadLetter != 0 {
		return "dead letter " + strconv.FormatInt(s.DeadLetter, 10)
	}
	var parts []string
	for _, part := range [][2]string{{"kind", string(s.Kind)}, {"topic", s.Topic}, {"type", s.Type}, {"key", s.Key}, {"error with", s.Error}} {
		if part[1] != "" {
			parts = append(parts, part[0]+" "+part[1])
		}
	}
	if !s.From.IsZero() {
		parts = append(parts, "from "+locale.Day(s.From))
	}
	if !s.To.IsZero() {
		parts = append(parts, "before "+locale.Day(s.To))
	}
	if parts == nil {
		return "all that wait"
	}
	return "those of " + strings.Join(parts, ", ")
}

// askLetterTask has a service try, replay or discard dead letters.
func (h *handlers) askLetterTask(c echo.Context) error {
	service, err := h.serviceOf(c)
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	o := deadletters.Order{Action: deadletters.Action(form.Value("action")), Reason: form.Value("reason")}
	if badKey(form) || json.Unmarshal([]byte(form.Value("selection")), &o.Selection) != nil {
		return web.BadRequest("This form is not complete. Please open the page again.")
	}
	if o.Action == deadletters.Discard && o.Reason == "" {
		form.Fail("reason", "Say why: it stays on record.")
	}
	if len([]rune(o.Reason)) > deadletters.LongestReason {
		form.Fail("reason", fmt.Sprintf("Use %d characters at most.", deadletters.LongestReason))
	}
	again := func(m web.Message) error {
		if o.Selection.DeadLetter == 0 {
			web.Tell(c, m)
			return web.Redirect(c, lettersPath)
		}
		c.SetParamNames("service", "id")
		c.SetParamValues(service.Service, strconv.FormatInt(o.Selection.DeadLetter, 10))
		return h.renderLetter(c, m, form)
	}
	if !form.OK() {
		m := web.Message{Tone: web.Warning, Text: "Nothing was done. " + form.Error("reason")}
		if o.Selection.DeadLetter != 0 {
			m = web.Message{} // it stands beside the field
		}
		return again(m)
	}
	task, err := service.Client.Ask(c.Request().Context(), commandKey(form.Value("key"), o), o)
	if err != nil {
		m, err := h.taskNotTaken(c, service, err)
		if err != nil {
			return err
		}
		return again(m)
	}
	h.sessions.LogSecurity(c, letterTask, web.PersonOf(c).ID, slog.String("service", service.Service), slog.String("action", string(o.Action)),
		slog.Int64("task", task.ID), slog.String("chosen", chosenText(o.Selection)), slog.String("reason", o.Reason))
	return web.Redirect(c, taskPath(service.Service, task.ID))
}

// taskNotTaken says why a service has not taken a command.
func (h *handlers) taskNotTaken(c echo.Context, service LettersOf, err error) (m web.Message, failed error) {
	refusal, refused := errors.AsType[*api.Refusal](err)
	m = web.Message{Tone: web.Warning, Title: "Nothing was done"}
	switch {
	case refused:
		m.Text = sentence(refusal.Detail)
		return m, nil
	case errors.Is(err, api.ErrUnreachable):
		m.Text = service.Service + " cannot be reached at the moment. Please try again"
	case errors.Is(err, api.ErrDenied):
		m.Text = service.Service + " does not take this from us. Please tell those who operate Countersign"
	case errors.Is(err, api.ErrUnknown):
		m.Title, m.Text = "Perhaps it is done", service.Service+" gave no clear answer. Look at what was done before you press again"
	default:
		return m, err
	}
	h.logNotDone(c.Request().Context(), err)
	return m, nil
}

func (h *handlers) showLetterTask(c echo.Context) error {
	service, err := h.serviceOf(c)
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id < 1 {
		return errNoTask
	}
	t, err := service.Client.Task(c.Request().Context(), id)
	if err := h.notAnswered(c, service, err, errNoTask); err != nil {
		return err
	}
	page := letterTaskPage{taskRow: newTaskRow(service.Service, t), UnderWay: t.EndedAt == nil, Done: t.Settled + t.Failed + t.LeftOut}
	page.All = page.Done
	if t.Total != nil {
		page.All = max(page.All, *t.Total)
	}
	if left := page.All - page.Done; left > 0 && !page.UnderWay {
		page.Left = locale.Count(int(left))
	}
	for _, f := range t.Failures {
		page.Failed = append(page.Failed, taskFailure{f, letterPath(service.Service, f.DeadLetter)})
	}
	page.MoreFailed = t.Failed - int64(len(t.Failures))
	if page.UnderWay {
		page.Stop = newLetterForm(service.Service, "", deadletters.Selection{}, "Stop")
		page.Stop.Href = page.Href + "/stop"
	} else if t.Action == deadletters.Try && t.Settled > 0 {
		page.Replay = newLetterForm(service.Service, deadletters.Replay, t.Selection, "Replay them")
		page.Reason = web.NewForm(nil).Field("reason", "Reason").Hint("If you give one, it stays on record.")
	}
	return letterTaskView.Render(c, http.StatusOK, web.Page{Title: page.Title + " of dead letters", Nav: "letters", Back: lettersPath}, page)
}

var errNoTask = web.NotFound("There is no such task.")

func (h *handlers) stopLetterTask(c echo.Context) error {
	service, err := h.serviceOf(c)
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || badKey(form) {
		return web.BadRequest("This form is not complete. Please open the page again.")
	}
	if err := service.Client.Stop(c.Request().Context(), form.Value("key"), id); err != nil {
		m, err := h.taskNotTaken(c, service, err)
		if err != nil {
			return err
		}
		web.Tell(c, m)
	} else {
		h.sessions.LogSecurity(c, letterTask, web.PersonOf(c).ID, slog.String("service", service.Service), slog.String("action", "stop"), slog.Int64("task", id))
	}
	return web.Redirect(c, taskPath(service.Service, id))
}

// listLetterTasks shows what was done with dead letters, and by whom.
func (h *handlers) listLetterTasks(c echo.Context) error {
	var all sync.WaitGroup
	lists, errs := make([][]deadletters.Task, len(h.letters)), make([]error, len(h.letters))
	for i, l := range h.letters {
		all.Go(func() { lists[i], errs[i] = l.Client.Tasks(c.Request().Context()) })
	}
	all.Wait()
	page := letterTasksPage{}
	for i, l := range h.letters {
		if errs[i] != nil {
			h.log.WarnContext(c.Request().Context(), "a service does not answer for its dead letters", "service", l.Service, "error", errs[i])
			page.Away = append(page.Away, l.Service)
		}
		for _, t := range lists[i] {
			page.Rows = append(page.Rows, newTaskRow(l.Service, t))
		}
	}
	slices.SortFunc(page.Rows, func(a, b taskRow) int { return b.AskedAt.Compare(a.AskedAt) })
	return letterTasksView.Render(c, http.StatusOK, web.Page{Title: "What was done with dead letters", Nav: "letters", Back: lettersPath}, page)
}
