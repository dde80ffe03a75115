package pages

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

// register adds the routes.
func (h *handlers) register(e *echo.Echo) {
	e.GET("/", func(c echo.Context) error { return c.Redirect(http.StatusFound, "/payments") })
	e.GET("/payments", h.listPayments)
	e.GET("/payments/export", h.exportPayments)
	web.RegisterViews(e, paymentsPath+"/views", func(c echo.Context) (web.List, error) {
		q, err := readPaymentQuery(c)
		return q.List, err
	}, h.listPayments)
	e.GET("/payments/:id", h.showPayment)
	e.GET("/payments/:id/evidence", h.showEvidence)
	e.GET("/payments/:id/evidence.json", h.downloadEvidence)
	e.POST("/payments/:id/accept", h.acceptPayment)
	e.POST("/payments/:id/undo", h.undoAcceptance)
	e.GET("/payments/:id/reject", h.confirmReject)
	e.POST("/payments/:id/reject", h.rejectPayment)
	e.POST("/payments/:id/capture", h.capturePayment)
	e.POST("/payments/:id/release", h.releasePayment)
	// Where a browser without scripts is after such a form was answered with a page: what it asks for when
	// someone follows the address again.
	for _, form := range []string{"accept", "undo", "capture", "release"} {
		e.GET("/payments/:id/"+form, h.backToPayment)
	}
	h.registerOrders(e)
	h.productPages().register(e.Group(catalogPath))
	h.customerPages().register(e.Group(customersPath))
	if h.hub != nil {
		e.GET("/live", h.site.Socket(h.hub, func(web.Person) string { return audience }))
	}
}

func (h *handlers) backToPayment(c echo.Context) error {
	id, err := paymentID(c)
	if err != nil {
		return err
	}
	return web.Redirect(c, paymentPath(id))
}

// registerOrders adds the pages of the orders.
func (h *handlers) registerOrders(e *echo.Echo) {
	g := e.Group(ordersPath)
	g.GET("", h.listOrders)
	g.GET("/export", h.exportOrders)
	web.RegisterViews(e, ordersPath+"/views", func(c echo.Context) (web.List, error) {
		q, err := readOrderQuery(c)
		return q.List, err
	}, h.listOrders)
	g.GET("/customers", h.customersToFilterBy)
	g.GET("/:id", h.showOrder)
	g.GET("/:id/expire", h.confirmExpire)
	g.POST("/:id/expire", h.expireOrder)
	for path, command := range map[string]echo.HandlerFunc{
		"/cancel": h.cancelOrder, "/discount": h.setDiscount, "/discount/reset": h.resetDiscount,
	} {
		g.POST("/:id"+path, command)
		g.GET("/:id"+path, backToOrder)
	}
}
