package pages

import (
	"context"
	"fmt"
	"strconv"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/web"
)

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

// setQuantity makes it so many of a product that is in the draft. ordering-core adds and removes, so it is
// asked for the difference, and again where others change the line meanwhile: it ends at what was typed.
func (h *handlers) setQuantity(c echo.Context) error {
	productID, err := idOf(c.Param("product"))
	if err != nil {
		return errNoOrder
	}
	return h.send(c, formQuantity(productID), false, func(ctx context.Context, s *orderForm) (done ordering.Done, err error) {
		wanted := quantityOf(s.values, 0)
		if !s.values.OK() {
			return done, errTyped
		}
		for range setRounds {
			o, err := h.histories.OrderAlone(ctx, s.id)
			if err != nil {
				return done, err
			}
			now := quantityIn(o.Order, productID)
			key := fmt.Sprintf("%s/quantity/%d/%d", s.key, wanted, now)
			switch more := wanted - now; {
			case more > 0:
				done, err = h.ordering.Add(ctx, key, s.id, productID, more)
			case more < 0:
				done, err = h.ordering.Remove(ctx, key, s.id, productID, -more)
			default:
				return done, nil
			}
			if err != nil || !h.shown(ctx, s.id, done.Sequence) {
				return done, err
			}
		}
		return done, nil
	})
}

// setRounds is how often a quantity is set again where others change it at the same time.
const setRounds = 3

// quantityIn is how many of a product an order has.
func quantityIn(o order.Order, productID string) int64 {
	for _, line := range o.Lines {
		if line.ProductID == productID {
			return line.Quantity
		}
	}
	return 0
}

// quantityOf reads how many, and puts a message beside the field if it cannot be.
func quantityOf(form *web.Form, least int64) int64 {
	n, err := strconv.ParseInt(form.Value(fieldQuantity), 10, 64)
	if err != nil || n < least || n > order.MaxQuantity {
		form.Fail(fieldQuantity, fmt.Sprintf("Enter a whole number from %d to 1,000,000.", least))
	}
	return n
}
