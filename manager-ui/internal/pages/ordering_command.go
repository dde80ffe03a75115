package pages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/api"
	"countersign.example/pkg/web"
)

// copyTime is how long a page waits for its own read model after a command.
const copyTime = time.Second

// command is what a form asks of ordering-core.
type command struct {
	form   *web.Form
	path   string // ordering-core's
	body   any
	id     string // of what it is about
	stream string // of the journal
	what   string // will have been done: "saved"
	done   string // to say so
	then   string // the page to go to
}

// attempt is how a form comes back: with what was typed, and why nothing came of it.
type attempt struct {
	Status   int
	Notice   notice
	Key      string // the next press's
	Sequence string // that the next press expects
}

// first is a form before it was sent.
func first(sequence int64) attempt {
	return attempt{Status: http.StatusOK, Key: uuid.NewString(), Sequence: strconv.FormatInt(sequence, 10)}
}

// badKey tells whether a form lacks the key that every form of ours has.
func badKey(form *web.Form) bool {
	return form.Error("key") != "" || uuid.Validate(form.Value("key")) != nil
}

// order sends a command and leads to the page that shows what it did; again shows the form's own page.
func (h *handlers) order(c echo.Context, o command, again func(attempt) error) error {
	if !api.IsID(o.id) || badKey(o.form) {
		return web.BadRequest("This form is not complete. Please open the page again.")
	}
	a := attempt{Status: o.form.Status(), Key: o.form.Value("key"), Sequence: o.form.Value("sequence")}
	if !o.form.OK() {
		return again(a)
	}
	ctx := c.Request().Context()
	taken := answer{wanted: o.id}
	err := h.ordering.Post(ctx, o.path, commandKey(a.Key, []any{o.path, o.body}), o.body, &taken)
	if err != nil {
		if err := h.notDone(ctx, &a, o, err); err != nil {
			return err
		}
		return again(a)
	}
	h.sayDone(c, o.stream, taken.Sequence, o.done)
	return web.Redirect(c, o.then)
}

// answer is what ordering-core says to a command: one about something else is none.
type answer struct {
	wanted     string
	ProductID  string `json:"product_id"`
	CustomerID string `json:"customer_id"`
	OrderID    string `json:"order_id"`
	Sequence   int64  `json:"sequence"`
}

// Check is the client's.
func (a *answer) Check() error {
	if about := a.ProductID + a.CustomerID + a.OrderID; about != a.wanted || a.Sequence < 1 {
		return fmt.Errorf("about %q at version %d", about, a.Sequence)
	}
	return nil
}

// commandKey makes a command's idempotency key of its form's and of what it asks for: pressing twice is one command, and
// pressing again with something else typed is another one.
func commandKey(key string, asked any) string {
	data, err := json.Marshal(asked)
	if err != nil {
		panic(err) // a body is a struct of plain fields
	}
	digest := sha256.Sum256(data)
	return key + ":" + hex.EncodeToString(digest[:8])
}

// sayDone waits for the read model to have what a command wrote, and says what was done, or that it takes a moment.
func (h *handlers) sayDone(c echo.Context, stream string, sequence int64, done string) {
	ctx, cancel := context.WithTimeout(c.Request().Context(), copyTime)
	defer cancel()
	if !h.histories.Await(ctx, stream, sequence) {
		done = "Saved. It is shown shortly."
	}
	web.Flash(c, web.Good, done)
}

// notDone fills in why a command came to nothing, or perhaps not. What ordering-core finds wrong with a field stands
// beside that.
func (h *handlers) notDone(ctx context.Context, a *attempt, o command, err error) error {
	var refusal *api.Refusal
	a.Status, a.Notice = http.StatusServiceUnavailable, notice{Tone: web.Warning, Title: "Not " + o.what}
	switch {
	case errors.As(err, &refusal):
		var field string
		var now struct {
			Sequence int64 `json:"sequence"`
		}
		a.Status, a.Notice.Text, a.Key = refusal.Status, sentence(refusal.Detail), uuid.NewString() // it has spent its key
		if json.Unmarshal(refusal.Extra["field"], &field) == nil && field != "" {
			o.form.Fail(field, refusal.Detail)
			a.Notice = notice{}
		}
		if json.Unmarshal(refusal.Extra["now"], &now) == nil && now.Sequence > 0 {
			a.Sequence = strconv.FormatInt(now.Sequence, 10) // the person sees it now
		}
		_ = json.Unmarshal(refusal.Extra["at"], &a.Notice.At) // when what stands in the way happened, if anything does
		return nil
	case errors.Is(err, api.ErrAway):
		a.Notice.Text = "ordering-core cannot be reached at the moment. Nothing was changed; please try again"
	case errors.Is(err, api.ErrDenied):
		a.Notice.Text = "ordering-core does not take this from us. Nothing was changed; please tell those who operate Countersign"
	case errors.Is(err, api.ErrUnknown):
		a.Notice.Title = "Perhaps not " + o.what
		a.Notice.Text = "ordering-core gave no clear answer. Please try again: pressing again does nothing twice"
	default:
		return err
	}
	h.logNotDone(ctx, err)
	return nil
}

// logNotDone tells those who operate the services. A denial stays until they mend it.
func (h *handlers) logNotDone(ctx context.Context, err error) {
	if errors.Is(err, api.ErrDenied) {
		h.log.ErrorContext(ctx, "command denied: check the token and the versions of the services", "error", err)
		return
	}
	h.log.WarnContext(ctx, "command not answered", "error", err)
}
