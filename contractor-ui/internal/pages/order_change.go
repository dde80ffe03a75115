package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

// commandsWithin bounds what a form asks of ordering-core, so that there is time left to show what came of it.
const commandsWithin = 7 * time.Second

// maxKey bounds a form's key, to which a button adds what it does.
const maxKey = 100

// shownWithin is how long a page waits for its own read model to show what a command has done.
const shownWithin = time.Second

// codeExists is ordering-core's for an order that somebody else has begun.
const codeExists = "exists"

// errTyped says that something was typed wrong; its messages stand in the form.
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

func (h *handlers) addItem(c echo.Context) error {
	return h.send(c, formAdd, true, func(ctx context.Context, s *orderForm) (ordering.Done, error) {
		productID, err := h.chosenProduct(ctx, s.values)
		if err != nil {
			return ordering.Done{}, err
		}
		quantity := quantityOf(s.values, 1)
		if !s.values.OK() {
			return ordering.Done{}, errTyped
		}
		if err := h.draft(ctx, s); err != nil {
			return ordering.Done{}, err
		}
		return h.ordering.Add(ctx, s.key, s.id, productID, quantity)
	})
}

// changeLine adds one of a product that is in the draft, or removes one or all.
func (h *handlers) changeLine(c echo.Context) error {
	productID, err := idOf(c.Param("product"))
	if err != nil {
		return errNoOrder
	}
	return h.send(c, formLine(productID), false, func(ctx context.Context, s *orderForm) (ordering.Done, error) {
		quantity := quantityOf(s.values, 1)
		if !s.values.OK() {
			return ordering.Done{}, errTyped
		}
		// A line's form has a button for each: each is a command of its own.
		key := s.key + "/" + c.Param("change") + "/" + strconv.FormatInt(quantity, 10)
		switch c.Param("change") {
		case "add":
			return h.ordering.Add(ctx, key, s.id, productID, quantity)
		case "remove":
			return h.ordering.Remove(ctx, key, s.id, productID, quantity)
		}
		return ordering.Done{}, web.NotFound("There is no such page.")
	})
}

// setQuantity makes it so many of a product that is in the draft. It counts from what the page showed, so that what others do at the
// same time counts as well.
func (h *handlers) setQuantity(c echo.Context) error {
	productID, err := idOf(c.Param("product"))
	if err != nil {
		return errNoOrder
	}
	return h.send(c, formQuantity(productID), false, func(ctx context.Context, s *orderForm) (ordering.Done, error) {
		seen, err := strconv.ParseInt(s.values.Value(fieldSeen), 10, 64)
		if err != nil || seen < 1 || seen > order.MaxQuantity {
			return ordering.Done{}, web.BadRequest("This form was sent in a way that is not understood.")
		}
		more := quantityOf(s.values, 0) - seen
		if !s.values.OK() {
			return ordering.Done{}, errTyped
		}
		key := s.key + "/quantity/" + strconv.FormatInt(more, 10)
		switch {
		case more > 0:
			return h.ordering.Add(ctx, key, s.id, productID, more)
		case more < 0:
			return h.ordering.Remove(ctx, key, s.id, productID, -more)
		}
		return ordering.Done{}, nil // as it is
	})
}

func (h *handlers) chooseCustomer(c echo.Context) error {
	return h.send(c, formCustomer, true, func(ctx context.Context, s *orderForm) (ordering.Done, error) {
		customerID, err := h.chosenCustomer(ctx, s.values)
		if err != nil {
			return ordering.Done{}, err
		}
		if !s.values.OK() {
			return ordering.Done{}, errTyped
		}
		if err := h.draft(ctx, s); err != nil {
			return ordering.Done{}, err
		}
		return h.ordering.ChooseCustomer(ctx, s.key, s.id, customerID)
	})
}

func (h *handlers) submitOrder(c echo.Context) error {
	return h.send(c, formSubmit, false, func(ctx context.Context, s *orderForm) (ordering.Done, error) {
		sequence, errSequence := strconv.ParseInt(s.values.Value(fieldSequence), 10, 64)
		minor, errTotal := strconv.ParseInt(s.values.Value(fieldTotal), 10, 64)
		if errSequence != nil || errTotal != nil {
			return ordering.Done{}, web.BadRequest("This form was sent in a way that is not understood.")
		}
		total := money.Amount{Minor: minor, Currency: s.values.Value(fieldTotalMoney)}
		if total.Currency == "" { // nothing to add up
			web.Flash(c, web.Bad, "Not submitted: it has no line yet.")
			return ordering.Done{}, errTyped
		}
		if !money.IsKnown(total.Currency) {
			return ordering.Done{}, web.BadRequest("This form was sent in a way that is not understood.")
		}
		done, err := h.ordering.Submit(ctx, s.key, s.id, sequence, total)
		var refusal *api.Refusal
		if errors.As(err, &refusal) {
			s.changes = h.since(ctx, s.id, total, refusal)
		}
		if err == nil {
			web.Flash(c, web.Good, fmt.Sprintf("Submitted as %s. You can request its payment now.", done.Number))
		}
		return done, err
	})
}

// since is why an order could not be submitted as it was seen, if that is why: what it came to then and now, and what happened
// to it after that version. It waits for the read model to show it, too.
func (h *handlers) since(ctx context.Context, id string, seen money.Amount, refusal *api.Refusal) (c changes) {
	switch order.Code(refusal.Code) {
	case order.StaleVersion:
		c.Changed, c.Seen = "the order has changed since you looked at it", seen
	case order.TotalDiffers:
		c.Changed, c.Seen = "prices have changed since you looked at the order", seen
		_ = json.Unmarshal(refusal.Extra["now"], &c.Now)
	}
	var last []struct{ Words string }
	var made int
	if json.Unmarshal(refusal.Extra["changes"], &last) == nil && json.Unmarshal(refusal.Extra["changes_count"], &made) == nil {
		c.Meanwhile = meanwhile(made, len(last))
		for _, change := range last {
			c.Each = append(c.Each, sentence(change.Words)+".")
		}
	}
	var current int64
	if json.Unmarshal(refusal.Extra["sequence"], &current) == nil && current > 0 {
		h.shown(ctx, id, current)
	}
	return c
}

// meanwhile says how many changes were made, of which the last so many are listed.
func meanwhile(made, listed int) string {
	switch {
	case made == 1:
		return "One change was made meanwhile:"
	case made > listed:
		return fmt.Sprintf("%d changes were made meanwhile, the last %d of them:", made, listed)
	}
	return fmt.Sprintf("%d changes were made meanwhile:", made)
}

// shown waits for the read model to reach a version of an order, and tells whether it has.
func (h *handlers) shown(ctx context.Context, id string, sequence int64) bool {
	ctx, cancel := context.WithTimeout(ctx, shownWithin)
	defer cancel()
	return h.histories.AwaitOrder(ctx, id, sequence)
}

// quantityOf reads how many, and puts a message beside the field if it cannot be.
func quantityOf(form *web.Form, least int64) int64 {
	n, err := strconv.ParseInt(form.Value(fieldQuantity), 10, 64)
	if err != nil || n < least || n > order.MaxQuantity {
		form.Fail(fieldQuantity, fmt.Sprintf("Enter a whole number from %d to 1,000,000.", least))
	}
	return n
}

// notDone shows the form again, with what was typed and why it was in vain.
func (h *handlers) notDone(c echo.Context, s *orderForm, err error) error {
	var refusal *api.Refusal
	status := http.StatusUnprocessableEntity
	switch {
	case errors.Is(err, errTyped):
		s.key = ""
	case errors.As(err, &refusal):
		if refusal.Status == http.StatusNotFound && s.state == order.StateNone {
			return errNoOrder
		}
		// The answer is kept with the key: what is sent now is another command.
		status, s.key = refusal.Status, ""
		s.explain(c, refusal)
	default:
		var known bool
		if status, known = h.flashAway(c, err); !known {
			return err
		}
	}
	if s.form == formCancel {
		return h.renderCancel(c, status, s.id, s.formState)
	}
	if state, err := h.stateOf(c, s.id); err != nil || state == order.StateNone {
		if err != nil {
			return err
		}
		return h.renderNewOrder(c, status, s.id, s.formState)
	}
	seen, err := h.ownOrder(c.Request().Context(), s.id, web.PersonOf(c).ID)
	if err != nil {
		return err
	}
	return h.renderOrder(c, status, seen, s.formState)
}

// explain says why ordering-core refused: beside the field that is at fault, or above the page.
func (s *orderForm) explain(c echo.Context, refusal *api.Refusal) {
	var field string
	_ = json.Unmarshal(refusal.Extra["field"], &field)
	switch {
	case s.changes.Changed != "": // which the page tells
	case refusal.Status == http.StatusUnprocessableEntity && refusal.Code == "":
		// The key was used for something else: a page from before, changed and sent again.
		web.Flash(c, web.Bad, notDoneText(s.form)+": this form was sent before, with something else in it. Look at the order, and send it again if you want this as well.")
	case s.form == formAdd && (field == fieldProduct || field == fieldQuantity), s.form == formCustomer && field == fieldCustomer,
		s.form == formCancel && field == fieldReason:
		s.values.Fail(field, refusal.Detail)
	case s.form == formAdd && aboutProduct[order.Code(refusal.Code)]:
		s.values.Fail(fieldProduct, sentence(strings.TrimSuffix(refusal.Detail, "."))+".")
	default:
		web.Flash(c, web.Bad, notDoneText(s.form)+": "+strings.TrimSuffix(refusal.Detail, ".")+".")
	}
}

// aboutProduct are the refusals that another product would not get.
var aboutProduct = map[order.Code]bool{order.CurrencyDiffers: true, order.Archived: true}

// notDoneText is what a form was to do, and did not.
func notDoneText(form string) string {
	switch form {
	case formAdd:
		return "Not added"
	case formSubmit:
		return "Not submitted"
	case formCancel:
		return "Not cancelled"
	}
	return "Not changed"
}

// flashAway explains what is known when ordering-core did not answer clearly; known is false for any other error.
func (h *handlers) flashAway(c echo.Context, err error) (status int, known bool) {
	switch {
	case errors.Is(err, api.ErrAway):
		web.Flash(c, web.Bad, "Not saved: orders cannot be changed at the moment. Nothing was changed, and what you typed is kept: please try again shortly.")
	case errors.Is(err, api.ErrDenied):
		// It stays so until they mend it.
		h.log.ErrorContext(c.Request().Context(), "command denied: check the token and the versions of the services", "error", err)
		web.Flash(c, web.Bad, "Not saved: orders cannot be changed at the moment. Nothing was changed, and what you typed is kept. Please tell those who operate Countersign.")
	case errors.Is(err, api.ErrUnknown):
		web.Flash(c, web.Warning, "It is not known whether this was saved: the answer did not come in time. Please send it again shortly. It will be done once, even if it was saved the first time.")
	default:
		return 0, false
	}
	return http.StatusServiceUnavailable, true
}
