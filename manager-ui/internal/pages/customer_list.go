package pages

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/pkg/web"
)

const (
	customersPath = "/customers"
	customerList  = "customers" // the name of the live list
)

var (
	customersView       = web.NewView[namePage[readmodel.Customer]]("customers")
	customerView        = web.NewView[customerPage]("customer")
	customerRowFragment = web.NewFragment[readmodel.Customer]("customer-row")
)

func (h *handlers) listCustomers(c echo.Context) error {
	q, err := readNameQuery(c)
	if err != nil {
		return err
	}
	found, err := readmodel.ListCustomers(c.Request().Context(), h.db, q)
	if err != nil {
		return err
	}
	empty := web.Empty{Title: "No customers yet", Text: "Add for whom contractors can order, or import a file of them.",
		Action: &web.Link{Label: "Add customer", Href: customersPath + "/new"}}
	if q.Archived {
		empty = web.Empty{Title: "Nobody archived", Text: "A customer who is archived stays on the orders they have, and is listed here."}
	}
	return customersView.Render(c, http.StatusOK, web.Page{Title: "Customers", Nav: "customers"},
		newNamePage(customersPath, q, found, empty))
}
