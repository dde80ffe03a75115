package pages

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/pkg/web"
)

const (
	catalogPath = "/catalog"
	productList = "products" // the name of the live list
)

var (
	catalogView        = web.NewView[namePage[readmodel.Product]]("catalog")
	productView        = web.NewView[productPage]("product")
	productRowFragment = web.NewFragment[readmodel.Product]("product-row")
)

func (h *handlers) listProducts(c echo.Context) error {
	q, err := readNameQuery(c)
	if err != nil {
		return err
	}
	found, err := readmodel.ListProducts(c.Request().Context(), h.db, q)
	if err != nil {
		return err
	}
	empty := web.Empty{Title: "No products yet", Text: "Add what contractors can order, or import a file of it.",
		Action: &web.Link{Label: "Add product", Href: catalogPath + "/new"}}
	if q.Archived {
		empty = web.Empty{Title: "Nothing archived", Text: "A product that is archived stays on the orders that have it, and is listed here."}
	}
	return catalogView.Render(c, http.StatusOK, web.Page{Title: "Catalog", Nav: "catalog"},
		newNamePage(catalogPath, q, found, empty))
}
