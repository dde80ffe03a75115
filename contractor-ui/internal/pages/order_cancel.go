package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/api"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// cancelPage asks whether an order is really to be cancelled.
type cancelPage struct {
	ID, Title, Key string
	List           web.Link
	Draft          bool // which is discarded, as people say
	Sequence       int64
	Total          *money.Amount
	Underway       *web.Link // its payment, which is cancelled, released or refunded
	Reason         web.Field
}

// confirmCancel shows the form that cancels.
func (h *handlers) confirmCancel(c echo.Context) error {
	id, err := orderIDOf(c.Param("id"))
	if err != nil {
		return err
	}
	return h.renderCancel(c, http.StatusOK, id, formState{})
}

func (h *handlers) renderCancel(c echo.Context, status int, id string, tried formState) error {
	seen, err := h.ownOrder(c.Request().Context(), id, web.PersonOf(c).ID)
	if err != nil {
		return err
	}
	if seen.State != order.StateDraft && seen.State != order.StateSubmitted {
		web.Flash(c, web.Warning, fmt.Sprintf("This order is %s: it can no longer be cancelled.", text.Small(orderview.StateLabel(seen.State))))
		return web.Redirect(c, orderPath(id))
	}
	values, _ := tried.valuesOf(formCancel, nil)
	page := cancelPage{
		ID: id, List: web.BackLink(c, "Orders", "/orders"), Title: orderTitle(seen.Order), Draft: seen.State == order.StateDraft, Key: tried.keyOf(formCancel),
		Sequence: seen.Sequence,
		Reason:   values.Field(fieldReason, "Reason").Area(3).Hint("Optional; managers read it."),
	}
	priced, err := orderview.Priced(c.Request().Context(), h.db, seen.Order)
	if err != nil {
		return err
	}
	if priced.Total.Currency != "" {
		page.Total = &priced.Total
	}
	for _, p := range seen.Payments {
		if _, ended := p.Ended(); !ended {
			page.Underway = &web.Link{Label: locale.Amount(p.Amount), Href: paymentPath(p.ID)}
		}
	}
	title := "Cancel order"
	if page.Draft {
		title = "Discard draft"
	}
	return cancelOrderView.Render(c, status, web.Page{Title: title, Nav: "orders", Message: tried.changes.message()}, page)
}

func (h *handlers) cancelOrder(c echo.Context) error {
	return h.send(c, formCancel, false, func(ctx context.Context, s *orderForm) (ordering.Done, error) {
		if !s.values.OK() {
			return ordering.Done{}, errTyped
		}
		sequence, _ := strconv.ParseInt(s.values.Value(fieldSequence), 10, 64)
		done, err := h.ordering.Cancel(ctx, s.key, s.id, sequence, s.values.Value(fieldReason))
		var refusal *api.Refusal
		if errors.As(err, &refusal) {
			s.changes = h.since(ctx, s, money.Amount{}, refusal)
		}
		if err == nil {
			web.Flash(c, web.Good, ended(s.state))
		}
		return done, err
	})
}

// ended is the message that an order is cancelled, by what it was before.
func ended(before order.State) string {
	if before == order.StateDraft {
		return "Discarded."
	}
	return "Cancelled."
}
