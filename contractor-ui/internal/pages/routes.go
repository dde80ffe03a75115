package pages

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

// register adds the routes.
func (h *handlers) register(e *echo.Echo) {
	e.GET("/", h.listPayments)
	e.GET("/payments", func(c echo.Context) error { return c.Redirect(http.StatusFound, "/") })
	e.GET("/payments/new", h.requestForm)
	e.POST("/payments", h.requestPayment)
	e.GET("/payments/export", h.exportPayments)
	web.RegisterViews(e, "/payments/views", func(c echo.Context) (web.List, error) {
		l, _, err := readPaymentQuery(c)
		return l, err
	}, h.listPayments)
	e.GET("/payments/:id", h.showPayment)
	e.POST("/payments/:id/withdraw", h.withdrawPayment)
	e.GET("/orders", h.listOrders)
	e.GET("/orders/export", h.exportOrders)
	web.RegisterViews(e, "/orders/views", func(c echo.Context) (web.List, error) {
		l, _, err := readOrderQuery(c)
		return l, err
	}, h.listOrders)
	e.GET("/orders/new", h.newOrder)
	e.GET("/orders/products", h.products)
	e.GET("/orders/customers", h.customers)
	e.GET("/orders/:id", h.showOrder)
	e.POST("/orders/:id/items", h.addItem)
	e.POST("/orders/:id/items/:product/quantity", h.setQuantity)
	e.POST("/orders/:id/items/:product/:change", h.changeLine)
	e.POST("/orders/:id/customer", h.chooseCustomer)
	e.POST("/orders/:id/submit", h.submitOrder)
	e.POST("/orders/:id/payment", h.requestOrderPayment)
	e.GET("/orders/:id/cancel", h.confirmCancel)
	e.POST("/orders/:id/cancel", h.cancelOrder)
	if h.hub != nil {
		e.GET("/live", h.site.Socket(h.hub, func(p web.Person) string { return audience(p.ID) }))
	}
}
