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
	e.GET("/payments/:id", h.showPayment)
	e.POST("/payments/:id/accept", h.acceptPayment)
	e.GET("/payments/:id/reject", h.confirmReject)
	e.POST("/payments/:id/reject", h.rejectPayment)
	e.POST("/payments/:id/capture", h.capturePayment)
	e.POST("/payments/:id/release", h.releasePayment)
	// Where a browser without scripts is after such a form was answered with a page: what it asks for when
	// someone follows the address again.
	for _, form := range []string{"accept", "capture", "release"} {
		e.GET("/payments/:id/"+form, h.backToPayment)
	}
	h.registerOrders(e)
	h.registerCatalog(e)
	if h.hub != nil {
		e.GET("/live", h.live)
	}
}

// live opens the socket. Every manager sees the same, and whoever makes a request here is one.
func (h *handlers) live(c echo.Context) error {
	session, ok := h.site.SessionOf(c)
	if !ok {
		h.hub.Refuse(c.Response(), c.Request())
		return nil
	}
	h.hub.Serve(c.Response(), c.Request(), audience, session)
	return nil
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

// registerCatalog adds the pages of the products and of the customers.
func (h *handlers) registerCatalog(e *echo.Echo) {
	products := e.Group(catalogPath)
	products.GET("", h.listProducts)
	products.POST("", h.addProduct)
	products.GET("/new", h.newProduct)
	products.GET("/:id", h.showProduct)
	products.POST("/:id", h.changeProduct)
	products.GET("/:id/archive", h.confirmArchiveProduct)
	products.POST("/:id/archive", h.archiveProduct)
	h.registerFiles(products, productFile)

	customers := e.Group(customersPath)
	customers.GET("", h.listCustomers)
	customers.POST("", h.addCustomer)
	customers.GET("/new", h.newCustomer)
	customers.GET("/:id", h.showCustomer)
	customers.POST("/:id", h.changeCustomer)
	customers.GET("/:id/archive", h.confirmArchiveCustomer)
	customers.POST("/:id/archive", h.archiveCustomer)
	h.registerFiles(customers, customerFile)
}

func (h *handlers) registerFiles(g *echo.Group, k fileKind) {
	g.GET("/import", h.uploadForm(k))
	g.POST("/import", h.upload(k))
	g.GET("/import/:id", h.preview(k))
	g.POST("/import/:id", h.importFile(k))
	g.GET("/export", h.export(k))
}
