package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/api"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

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
			s.changes = h.since(ctx, s, total, refusal)
		}
		if err == nil {
			web.Flash(c, web.Good, fmt.Sprintf("Submitted as %s. You can request its payment now.", done.Number))
		}
		return done, err
	})
}

// since is why nothing came of a form for an order as it was seen, if that is why: what the order came to
// then and now, and what happened to it after that version. It waits for the read model to show it, too.
func (h *handlers) since(ctx context.Context, s *orderForm, seen money.Amount, refusal *api.Refusal) (c changes) {
	c.Not = notDoneText(s.form)
	switch order.Code(refusal.Code) {
	case order.StaleVersion:
		c.Changed, c.Seen = "the order has changed since you looked at it", seen
	case order.TotalDiffers:
		c.Changed, c.Seen = "prices have changed since you looked at the order", seen
		_ = json.Unmarshal(refusal.Extra["now"], &c.Now)
	}
	var last []struct {
		Text string `json:"words"`
	}
	var made int
	if json.Unmarshal(refusal.Extra["changes"], &last) == nil && json.Unmarshal(refusal.Extra["changes_count"], &made) == nil {
		c.Meanwhile = meanwhile(made, len(last))
		for _, change := range last {
			c.Each = append(c.Each, text.Capital(change.Text)+".")
		}
	}
	var current int64
	if json.Unmarshal(refusal.Extra["sequence"], &current) == nil && current > 0 {
		h.shown(ctx, s.id, current)
	}
	return c
}

// message tells it; none if nothing has changed.
func (c changes) message() (m web.Message) {
	if c.Changed == "" {
		return m
	}
	text := c.Not + ": " + c.Changed + "."
	switch {
	case c.Seen.Currency == "": // it is not about what it costs
	case c.Seen == c.Now:
		text += fmt.Sprintf(" The total is still %s.", locale.Amount(c.Now))
	default:
		text += fmt.Sprintf(" You saw a total of %s. It is %s now.", locale.Amount(c.Seen), locale.Amount(c.Now))
	}
	text += " Look at the order as it is now, and press again if you agree."
	if len(c.Each) > 0 {
		text += " " + c.Meanwhile
	}
	return web.Message{Tone: web.Warning, Text: text, Each: c.Each}
}

// meanwhile explains how many changes were made, of which the last so many are listed.
func meanwhile(made, listed int) string {
	switch {
	case made == 1:
		return "One change was made meanwhile:"
	case made > listed:
		return fmt.Sprintf("%d changes were made meanwhile, the last %d of them:", made, listed)
	}
	return fmt.Sprintf("%d changes were made meanwhile:", made)
}
