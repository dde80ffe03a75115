package pages

import (
	"context"
	"fmt"
	"strconv"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/locale"
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

// setQuantity makes it so many of a product that is in the draft. It is a new command each time: the same
// form, reached by Back, may set again what others have changed since, and setting it twice is setting it once.
func (h *handlers) setQuantity(c echo.Context) error {
	productID, err := idOf(c.Param("product"))
	if err != nil {
		return errNoOrder
	}
	return h.send(c, formQuantity(productID), false, func(ctx context.Context, s *orderForm) (ordering.Done, error) {
		quantity := quantityOf(s.values, 0)
		if !s.values.OK() {
			return ordering.Done{}, errTyped
		}
		return h.ordering.SetQuantity(ctx, newKey(), s.id, productID, quantity)
	})
}

// quantityOf reads how many, and puts a message beside the field if it cannot be.
func quantityOf(form *web.Form, least int64) int64 {
	n, err := strconv.ParseInt(form.Value(fieldQuantity), 10, 64)
	if err != nil || n < least || n > order.MaxQuantity {
		form.Fail(fieldQuantity, fmt.Sprintf("Enter a whole number from %d to %s.", least, locale.Count(order.MaxQuantity)))
	}
	return n
}
