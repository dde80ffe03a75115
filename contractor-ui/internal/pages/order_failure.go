package pages

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/api"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

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

// explain explains why ordering-core refused: beside the field that is at fault, or above the page.
func (s *orderForm) explain(c echo.Context, refusal *api.Refusal) {
	var field string
	_ = json.Unmarshal(refusal.Extra["field"], &field)
	switch {
	case s.changes.Changed != "": // which the page shows
	case s.form == formSubmit && field == fieldCustomer:
		s.customerGone = true // which stands beside the field
	case refusal.Status == http.StatusUnprocessableEntity && refusal.Code == "":
		// The key was used for something else: a page from before, changed and sent again.
		web.Flash(c, web.Bad, notDoneText(s.form)+": this form was sent before, with something else in it. Look at the order, and send it again if you want this as well.")
	case s.form == formAdd && (field == fieldProduct || field == fieldQuantity), s.form == formCustomer && field == fieldCustomer,
		s.form == formCancel && field == fieldReason:
		s.values.Fail(field, refusal.Detail)
	case s.form == formAdd && aboutProduct[order.Code(refusal.Code)]:
		s.values.Fail(fieldProduct, text.Capital(strings.TrimSuffix(refusal.Detail, "."))+".")
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

// flashAway explains what is known when ordering-core did not answer clearly; known is false for any other
// error.
func (h *handlers) flashAway(c echo.Context, err error) (status int, known bool) {
	switch {
	case errors.Is(err, api.ErrUnreachable):
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
