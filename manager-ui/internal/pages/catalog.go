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
	products.GET("/:id/archive", h.confirmArchiveProduct)
	products.POST("/:id/archive", h.archiveProduct)
	h.registerFiles(products, productFile)

	customers := e.Group(customersPath)
	customers.GET("", h.listCustomers)
	customers.POST("", h.addCustomer)
	customers.GET("/new", h.newCustomer)
	customers.GET("/:id", h.customer)
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
