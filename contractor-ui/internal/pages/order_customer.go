package pages

import (
	"context"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/ordering"
)

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
