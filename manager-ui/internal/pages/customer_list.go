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

// customerRow is a customer in the list.
type customerRow struct {
	ID, Name, Email string
	Revision        int64
	Sort            string
	Archived        bool
}

var (
	customersView       = web.NewView[namePage[customerRow]]("customers")
	customerView        = web.NewView[customerPage]("customer")
	customerRowFragment = web.NewFragment[customerRow]("customer-row")
)

func customerRowOf(c readmodel.Customer) customerRow {
	return customerRow{ID: c.ID, Name: c.Name, Email: c.Email, Revision: c.Revision, Sort: c.Sort, Archived: c.Archived}
}

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
		newNamePage(customersPath, q, found, customerRowOf, empty))
}
