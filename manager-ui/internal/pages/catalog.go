package pages

import "github.com/labstack/echo/v4"

// registerCatalog adds the pages of the products and of the customers.
func (h *handlers) registerCatalog(e *echo.Echo) {
	products := e.Group(catalogPath)
	products.GET("", h.listProducts)
	products.POST("", h.addProduct)
	products.GET("/new", h.newProduct)
	products.GET("/:id", h.product)
	products.POST("/:id", h.changeProduct)
	products.GET("/:id/archive", h.askToArchiveProduct)
	products.POST("/:id/archive", h.archiveProduct)
	h.registerSheets(products, productSheet)

	customers := e.Group(customersPath)
	customers.GET("", h.listCustomers)
	customers.POST("", h.addCustomer)
	customers.GET("/new", h.newCustomer)
	customers.GET("/:id", h.customer)
	customers.POST("/:id", h.changeCustomer)
	customers.GET("/:id/archive", h.askToArchiveCustomer)
	customers.POST("/:id/archive", h.archiveCustomer)
	h.registerSheets(customers, customerSheet)
}

func (h *handlers) registerSheets(g *echo.Group, k sheetKind) {
	g.GET("/import", h.askFile(k))
	g.POST("/import", h.upload(k))
	g.GET("/import/:id", h.preview(k))
	g.POST("/import/:id", h.importSheet(k))
	g.GET("/export", h.export(k))
}
