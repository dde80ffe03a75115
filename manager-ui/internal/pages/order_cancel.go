package pages

import (
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

func cancelForm(f *web.Form) orderForms { return orderForms{cancel: f} }

func expireForm(*web.Form) orderForms { return orderForms{expire: true} }

func (h *handlers) cancelOrder(c echo.Context) error {
	return h.orderCommand(c, "/cancel", "cancelled", "%s is cancelled.", cancelForm, func(form *web.Form, body *orderBody) {
		if body.Reason = form.Value(fieldReason); body.Reason == "" {
			form.Fail(fieldReason, "Say why, for the contractor to read.")
		}
	})
}

func (h *handlers) expireOrder(c echo.Context) error {
	return h.orderCommand(c, "/expire", "expired", "%s is expired.", expireForm, nothing)
}
