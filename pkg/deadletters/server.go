// Package deadletters is how a service answers another one about its dead letters, for operators and
// auditors: both ends of it, for every service the same.
//
// Invariants:
//   - Each service answers for its own. Who looks and who decides is a person, whom the caller names.
//   - What changes dead letters is a task (see inbox.Task), which the service does in the background. Its row
//     is the record of who decided what, and why.
//   - Bytes of topics are base64 here: they may be anything.
package deadletters

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/api"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// The rights of every service's API.
var (
	Inspect = rights.Right{Name: "inspect", To: "look at dead letters", Roles: []rights.Role{rights.Operator, rights.Auditor}}
	Mend    = rights.Right{Name: "mend", To: "replay or discard dead letters", Roles: []rights.Role{rights.Operator}}
)

const (
	lettersPath = "/dead-letters"
	tasksPath   = "/dead-letter-tasks"
)

// Page is a part of a service's dead letters.
type Page struct {
	Letters []inbox.Summary    `json:"letters"`
	Next    *inbox.Place       `json:"next"`    // where to go on; null: these are all
	Waiting map[inbox.Kind]int `json:"waiting"` // all that wait, by kind, up to 10,000
}

// Letter is a dead letter; its key and its error are whole.
type Letter struct {
	inbox.Summary
	Time      time.Time       `json:"time"` // the broker's
	Headers   []Header        `json:"headers"`
	Payload   []byte          `json:"payload"`
	SettledAt *time.Time      `json:"settled_at"`
	Task      *inbox.Task     `json:"task"`   // that has last dealt with it
	Queue     []inbox.Summary `json:"queue"`  // the first that wait of its key, with itself
	Queued    int             `json:"queued"` // all of these, up to 10,000
}

// Header is one of a message's headers.
type Header struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

type server struct {
	store *inbox.DeadLetterStore
	log   *slog.Logger
}

// Register adds the routes for a service's dead letters, whose commands are kept in db.
func Register(s *api.Server, db *pg.DB, store *inbox.DeadLetterStore) {
	h := server{store, s.Log}
	commands := &api.Commands{DB: db, Explain: explain}
	s.GET(lettersPath, Inspect, h.list)
	s.GET(lettersPath+"/:id", Inspect, h.show)
	s.GET(tasksPath, Inspect, h.tasks)
	s.GET(tasksPath+"/:id", Inspect, h.task)
	s.POST(tasksPath, Mend, api.Handle(commands, h.ask))
	s.POST(tasksPath+"/:id/stop", Mend, api.Handle(commands, h.stop))
}

// atOnce is how many requests such an API works on at once: those of a few people.
const atOnce = 32

// NewServer is an API of dead letters alone, for one service that speaks for operators and auditors.
func NewServer(db *pg.DB, store *inbox.DeadLetterStore, caller string, tokens api.Tokens, log *slog.Logger) *api.Server {
	s := api.NewServer(api.Options{Tokens: tokens, Callers: api.Callers{caller: Inspect.Roles}, Log: log, AtOnce: atOnce, Waits: db.Waits})
	Register(s, db, store)
	return s
}

// explain gives an error its status.
func explain(err error) error {
	switch {
	case errors.Is(err, inbox.ErrNoDeadLetter):
		return &web.Error{Status: http.StatusConflict, Message: "it does not wait any more", Extra: map[string]any{"code": "settled"}}
	case errors.Is(err, inbox.ErrNoTask):
		return web.NotFound("There is no such task.")
	}
	return err
}

// Values are a selection as parameters of an address.
func Values(s inbox.Selection) url.Values {
	v := url.Values{}
	for name, value := range map[string]string{
		"state": string(s.State), "kind": string(s.Kind), "topic": s.Topic, "type": s.Type, "key": s.Key, "error": s.Error,
		"from": timeText(s.From), "to": timeText(s.To),
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

func timeText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// Read is a selection and a place, as Values and the client write them.
func Read(v url.Values) (s inbox.Selection, behind *inbox.Place, err error) {
	s = inbox.Selection{State: inbox.State(v.Get("state")), Kind: inbox.Kind(v.Get("kind")), Topic: v.Get("topic"), Type: v.Get("type"), Key: v.Get("key"), Error: v.Get("error")}
	behind = &inbox.Place{}
	for name, into := range map[string]*time.Time{"from": &s.From, "to": &s.To, "at": &behind.At} {
		if value := v.Get(name); value != "" {
			if *into, err = time.Parse(time.RFC3339Nano, value); err != nil {
				return s, nil, web.BadRequest(name + " is no time such as 2026-12-24T12:00:00Z.")
			}
		}
	}
	if behind.At.IsZero() {
		return s, nil, s.Check()
	}
	if behind.ID, err = strconv.ParseInt(v.Get("id"), 10, 64); err != nil {
		return s, nil, web.BadRequest("id is no number.")
	}
	return s, behind, s.Check()
}

// mostLetters is how many dead letters are answered at once.
const mostLetters = 100

func (h server) list(c echo.Context) error {
	s, behind, err := Read(c.QueryParams())
	if err != nil {
		return web.Unprocessable(err.Error())
	}
	limit, err := strconv.Atoi(c.QueryParam("limit"))
	if err != nil || limit < 1 || limit > mostLetters {
		limit = mostLetters
	}
	page := Page{}
	if page.Letters, page.Next, err = h.store.Look(c.Request().Context(), s, behind, limit); err != nil {
		return err
	}
	if page.Waiting, err = h.store.Waiting(c.Request().Context()); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, page)
}

// number is the path's :id.
func number(c echo.Context, none string) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, web.NotFound(none)
	}
	return id, nil
}

func (h server) show(c echo.Context) error {
	const none = "There is no such dead letter."
	id, err := number(c, none)
	if err != nil {
		return err
	}
	w, err := h.store.Get(c.Request().Context(), id)
	if errors.Is(err, inbox.ErrNoDeadLetter) {
		return web.NotFound(none)
	}
	if err != nil {
		return err
	}
	actor, role := api.Asking(c)
	h.log.InfoContext(c.Request().Context(), "security: somebody looks into a dead letter", "security", true, "dead_letter", id, "by", actor, "role", role)
	l := Letter{Time: w.Time, Headers: []Header{}, Payload: w.Payload, SettledAt: w.SettledAt, Task: w.Task, Queue: w.Queue, Queued: w.Queued, Summary: w.Summary()}
	for _, header := range w.Headers {
		l.Headers = append(l.Headers, Header{[]byte(header.Key), header.Value})
	}
	return c.JSON(http.StatusOK, l)
}

// mostTasks is how many tasks are answered at once.
const mostTasks = 20

func (h server) tasks(c echo.Context) error {
	tasks, err := h.store.Tasks(c.Request().Context(), mostTasks)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tasks)
}

func (h server) task(c echo.Context) error {
	id, err := number(c, "There is no such task.")
	if err != nil {
		return err
	}
	t, err := h.store.Task(c.Request().Context(), id)
	if err != nil {
		return explain(err)
	}
	return c.JSON(http.StatusOK, t)
}

// Order is the body of the command that asks for a task, besides its actor.
type Order struct {
	Action    inbox.Action    `json:"action"`
	Selection inbox.Selection `json:"selection"`
	Reason    string          `json:"reason"`
}

// Check refuses what is not to be done.
func (o *Order) Check() error {
	o.Reason = text.Mend(o.Reason)
	if err := api.Text("reason", o.Reason, inbox.LongestReason); err != nil {
		return err
	}
	return inbox.Task{Action: o.Action, Selection: o.Selection, Reason: o.Reason}.Check()
}

func (h server) ask(ctx context.Context, tx *pg.Tx, r api.Request[Order]) (api.Answer, error) {
	t, err := h.store.Ask(ctx, tx, inbox.Task{
		Action: r.Body.Action, Selection: r.Body.Selection, Reason: r.Body.Reason, By: r.Actor.ID, ByName: r.Actor.Name,
	})
	if err != nil {
		return api.Answer{}, err
	}
	answer, err := api.Give(http.StatusAccepted, t)
	answer.Location = tasksPath + "/" + strconv.FormatInt(t.ID, 10)
	return answer, err
}

func (h server) stop(ctx context.Context, tx *pg.Tx, r api.Request[struct{}]) (api.Answer, error) {
	id, err := strconv.ParseInt(r.ID, 10, 64)
	if err != nil {
		return api.Answer{}, inbox.ErrNoTask
	}
	t, err := h.store.Stop(ctx, tx, id, r.Actor.Name)
	if err != nil {
		return api.Answer{}, err
	}
	return api.Give(http.StatusOK, t)
}
