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

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/api"
	"countersign.example/pkg/web"
)

// awaitTime is how long a page waits for the read model to have what a command wrote.
const awaitTime = time.Second

// codeStale is ordering-core's answer where something has changed since the version that the person saw.
const codeStale = string(order.StaleVersion)

// orderingCommand is what a form asks of ordering-core.
type orderingCommand struct {
	form   *web.Form
	path   string // ordering-core's
	body   any
	id     string // of what it is about
	stream string // of the journal
	verb   string // in the past: "saved"
	done   string // the message once it is done
	next   string // the page to go to then
}

// formState is how a form comes back: with what was typed, and why nothing came of it.
type formState struct {
	Status   int
	Message  web.Message
	Key      string // the next press's
	Sequence string // that the next press expects
	now      *itemNow
}

// newFormState is a form before it was sent.
func newFormState(sequence int64) formState {
	return formState{Status: http.StatusOK, Key: uuid.NewString(), Sequence: strconv.FormatInt(sequence, 10)}
}

// badKey reports whether a form lacks the key that every form here has.
func badKey(form *web.Form) bool {
	return form.Error("key") != "" || uuid.Validate(form.Value("key")) != nil
}

// sendToOrdering sends a command and leads to the page that shows what it did. If nothing comes of it,
// showForm shows the form again.
func (h *handlers) sendToOrdering(c echo.Context, o orderingCommand, showForm func(formState) error) error {
	if !api.IsID(o.id) || badKey(o.form) {
		return web.BadRequest("This form is not complete. Please open the page again.")
	}
	a := formState{Status: o.form.Status(), Key: o.form.Value("key"), Sequence: o.form.Value("sequence")}
	if !o.form.OK() {
		return showForm(a)
	}
	ctx := c.Request().Context()
	reply := orderingReply{wanted: o.id}
	err := h.ordering.Post(ctx, o.path, commandKey(a.Key, []any{o.path, o.body}), o.body, &reply)
	if err != nil {
		if err := h.notDone(ctx, &a, o, err); err != nil {
			return err
		}
		return showForm(a)
	}
	h.flashDone(c, o.stream, reply.Sequence, o.done)
	return web.Redirect(c, o.next)
}

// orderingReply is what ordering-core answers to a command. One about something else is no answer.
type orderingReply struct {
	wanted     string
	ProductID  string `json:"product_id"`
	CustomerID string `json:"customer_id"`
	OrderID    string `json:"order_id"`
	Sequence   int64  `json:"sequence"`
}

// Check is the client's.
func (r *orderingReply) Check() error {
	if about := r.ProductID + r.CustomerID + r.OrderID; about != r.wanted || r.Sequence < 1 {
		return fmt.Errorf("about %q at version %d", about, r.Sequence)
	}
	return nil
}

// commandKey derives a command's idempotency key from its form's key and its contents: pressing twice is one
// command, and pressing again with something else typed is another one.
func commandKey(key string, asked any) string {
	data, err := json.Marshal(asked)
	if err != nil {
		panic(err) // a body is a struct of plain fields
	}
	digest := sha256.Sum256(data)
	return key + ":" + hex.EncodeToString(digest[:8])
}

// flashDone waits for the read model to have what a command wrote. Then it shows what was done, or that it
// takes a moment.
func (h *handlers) flashDone(c echo.Context, stream string, sequence int64, done string) {
	if !h.awaitShown(c.Request().Context(), stream, sequence) {
		done = "Saved. It is shown shortly."
	}
	web.Flash(c, web.Good, done)
}

// notDone adds to the form why its command came to nothing, or perhaps not. What ordering-core finds wrong
// with a field stands beside the field.
func (h *handlers) notDone(ctx context.Context, a *formState, o orderingCommand, err error) error {
	var refusal *api.Refusal
	a.Status, a.Message = http.StatusServiceUnavailable, web.Message{Tone: web.Warning, Title: "Not " + o.verb}
	switch {
	case errors.As(err, &refusal):
		var field string
		var now itemNow
		a.Status, a.Message.Text, a.Key = refusal.Status, sentence(refusal.Detail), uuid.NewString() // it has spent its key
		if json.Unmarshal(refusal.Extra["field"], &field) == nil && field != "" {
			o.form.Fail(field, refusal.Detail)
			a.Message = web.Message{}
		}
		if json.Unmarshal(refusal.Extra["now"], &now) == nil && now.Sequence > 0 {
			a.Sequence = strconv.FormatInt(now.Sequence, 10) // the person sees it now
			a.now = &now
		}
		_ = json.Unmarshal(refusal.Extra["at"], &a.Message.At) // when what stands in the way happened, if anything does
		h.addChanges(ctx, a, o.stream, refusal)
		return nil
	case errors.Is(err, api.ErrUnreachable):
		a.Message.Text = "ordering-core cannot be reached at the moment. Nothing was changed; please try again"
	case errors.Is(err, api.ErrDenied):
		a.Message.Text = "ordering-core does not take this from us. Nothing was changed; please tell those who operate Countersign"
	case errors.Is(err, api.ErrUnknown):
		a.Message.Title = "Perhaps not " + o.verb
		a.Message.Text = "ordering-core gave no clear answer. Please try again: pressing again does nothing twice"
	default:
		return err
	}
	h.logNotDone(ctx, err)
	return nil
}

// addChanges tells what has changed since the version that the person saw, if that is why, and waits for the
// read model to show it.
func (h *handlers) addChanges(ctx context.Context, a *formState, stream string, refusal *api.Refusal) {
	var changes []struct {
		Words string `json:"words"`
	}
	var sequence int64
	if json.Unmarshal(refusal.Extra["changes"], &changes) != nil || json.Unmarshal(refusal.Extra["sequence"], &sequence) != nil {
		return
	}
	for _, change := range changes {
		a.Message.Each = append(a.Message.Each, sentence(change.Words)+".")
	}
	h.awaitShown(ctx, stream, sequence)
}

// awaitShown waits for the read model to have a version of something, and reports whether it has.
func (h *handlers) awaitShown(ctx context.Context, stream string, sequence int64) bool {
	ctx, cancel := context.WithTimeout(ctx, awaitTime)
	defer cancel()
	return h.histories.Await(ctx, stream, sequence)
}

// logNotDone logs for those who operate the services. A denial stays until they mend it.
func (h *handlers) logNotDone(ctx context.Context, err error) {
	if errors.Is(err, api.ErrDenied) {
		h.log.ErrorContext(ctx, "command denied: check the token and the versions of the services", "error", err)
		return
	}
	h.log.WarnContext(ctx, "command not answered", "error", err)
}
