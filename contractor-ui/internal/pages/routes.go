package pages

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

// register adds the routes.
func (h *handlers) register(s *web.Site) {
	s.GET("/", may.look, h.listPayments)
	s.GET("/payments", may.look, func(c echo.Context) error { return c.Redirect(http.StatusFound, "/") })
	s.GET("/payments/new", may.ask, h.requestForm)
	s.POST("/payments", may.ask, h.requestPayment)
	s.GET("/payments/export", may.export, h.exportPayments)
	s.RegisterViews("/payments/views", may.look, func(c echo.Context) (web.List, error) {
		l, _, err := readPaymentQuery(c)
		return l, err
	}, h.listPayments)
	s.GET("/payments/:id", may.look, h.showPayment)
	s.POST("/payments/:id/withdraw", may.ask, h.withdrawPayment)
	s.GET("/orders", may.look, h.listOrders)
	s.GET("/orders/export", may.export, h.exportOrders)
	s.RegisterViews("/orders/views", may.look, func(c echo.Context) (web.List, error) {
		l, _, err := readOrderQuery(c)
		return l, err
	}, h.listOrders)
	s.GET("/orders/new", may.build, h.newOrder)
	s.GET("/orders/products", may.look, h.products)
	s.GET("/orders/customers", may.look, h.customers)
	s.GET("/orders/:id", may.look, h.showOrder)
	s.POST("/orders/:id/items", may.build, h.addItem)
	s.POST("/orders/:id/items/:product/quantity", may.build, h.setQuantity)
	s.POST("/orders/:id/items/:product/:change", may.build, h.changeLine)
	s.POST("/orders/:id/customer", may.build, h.chooseCustomer)
	s.POST("/orders/:id/submit", may.build, h.submitOrder)
	s.POST("/orders/:id/payment", may.ask, h.requestOrderPayment)
	s.GET("/orders/:id/cancel", may.build, h.confirmCancel)
	s.POST("/orders/:id/cancel", may.build, h.cancelOrder)
	if h.hub != nil {
		s.GET("/live", may.look, h.site.Socket(h.hub, func(p web.Person) string { return audience(p.ID) }))
	}
}
