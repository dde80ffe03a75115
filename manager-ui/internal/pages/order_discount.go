package pages

import (
	"errors"

	"github.com/labstack/echo/v4"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/web"
)

func discountForm(f *web.Form) orderForms { return orderForms{discount: f} }

func (h *handlers) setDiscount(c echo.Context) error {
	return h.orderCommand(c, "/discount", "discounted", "discount set for %s.", discountForm, func(form *web.Form, body *orderBody) {
		var err error
		body.BasisPoints, err = order.ParsePercent(form.Number(fieldDiscount))
		var refusal *order.Refusal
		if errors.As(err, &refusal) {
			form.Fail(fieldDiscount, refusal.Message)
		}
	})
}

func (h *handlers) resetDiscount(c echo.Context) error {
	return h.orderCommand(c, "/discount/reset", "changed", "discount taken from %s.", noForm, nothing)
}
