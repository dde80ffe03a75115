package pages

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/web"
)

// commandsWithin bounds what a form asks of ordering-core, so that there is time left to show what came of
// it.
const commandsWithin = 7 * time.Second

// maxKey bounds a form's key, to which a button adds what it does.
const maxKey = 100

// shownWithin is how long a page waits for its own read model to show what a command has done.
const shownWithin = time.Second

// codeExists is ordering-core's answer where this person has an order of this id already.
const codeExists = "exists"

// errTyped means that something was typed wrong; its messages stand in the form.
var errTyped = errors.New("something was typed wrong")

// orderForm is a form of an order's page, on its way to ordering-core.
type orderForm struct {
	formState
	id    string
	state order.State // of the order in the read model; none if it is not there
}

// send reads a form, has run give ordering-core a command, and shows what came of it. An order that is
// not there yet is drafted first, if the form may begin one.
func (h *handlers) send(c echo.Context, form string, begins bool, run func(ctx context.Context, s *orderForm) (ordering.Done, error)) error {
	id, err := orderIDOf(c.Param("id"))
	if err != nil {
		return err
	}
	values, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	s := &orderForm{formState: formState{form: form, values: values, key: values.Value(fieldKey)}, id: id}
	if s.state, err = h.stateOf(c, id); err != nil {
		return err
	}
	if s.state == order.StateNone && !begins {
		return errNoOrder
	}
	switch {
	case values.Error(fieldKey) != "", s.key != "" && !api.IsKey(s.key), len(s.key) > maxKey:
		return web.BadRequest("This form was sent in a way that is not understood. Nothing was changed: please open the order again.")
	case s.key == "":
		s.key = newKey()
	}
	ctx := c.Request().Context()
	commands, cancel := context.WithTimeout(ctx, commandsWithin)
	defer cancel()
	done, err := run(commands, s)
	if err != nil {
		return h.notDone(c, s, err)
	}
	if h.shown(ctx, id, done.Sequence) {
		return web.Redirect(c, orderPath(id))
	}
	web.Flash(c, web.Info, "Saved. It is shown shortly.")
	if s.state == order.StateNone {
		return web.Redirect(c, newOrderPath(id))
	}
	return web.Redirect(c, orderPath(id))
}

// draft begins the order if it is not there yet. Doing so again changes nothing.
func (h *handlers) draft(ctx context.Context, s *orderForm) error {
	if s.state != order.StateNone {
		return nil
	}
	// A key of this person's own: with somebody else's, what they have begun would be this form, sent before.
	key := uuid.NewSHA1(uuid.MustParse(s.id), []byte(event.MetaFrom(ctx).Actor))
	_, err := h.ordering.Draft(ctx, "draft/"+key.String(), s.id)
	var refusal *api.Refusal
	switch {
	case !errors.As(err, &refusal):
		return err
	case refusal.Code == codeExists: // one's own, and the read model is late
		return nil
	case refusal.Status == http.StatusNotFound:
		return errNoOrder // somebody else has an order of this id
	}
	return err
}

// shown waits for the read model to reach a version of an order, and reports whether it has.
func (h *handlers) shown(ctx context.Context, id string, sequence int64) bool {
	ctx, cancel := context.WithTimeout(ctx, shownWithin)
	defer cancel()
	return h.histories.Await(ctx, order.Stream(id), sequence)
}
