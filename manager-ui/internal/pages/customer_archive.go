package pages

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/web"
)

func (h *handlers) archiveCustomer(c echo.Context) error {
	now, err := h.findCustomer(c, c.Param("id"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	return h.sendToOrdering(c, orderingCommand{
		form: form, path: "/customers/" + now.ID + "/archive", body: struct{}{}, id: now.ID, stream: catalog.CustomerStream(now.ID),
		verb: "archived", done: fmt.Sprintf("Archived: %s.", now.Name), next: customersPath,
	}, func(a formState) error { return h.renderArchiveCustomer(c, now, a) })
}

// confirmArchiveCustomer asks whether a customer is really to be archived. One that is already is shown
// instead.
func (h *handlers) confirmArchiveCustomer(c echo.Context) error {
	now, err := h.findCustomer(c, c.Param("id"))
	if err != nil {
		return err
	}
	return h.renderArchiveCustomer(c, now, newFormState(now.Sequence))
}

func (h *handlers) renderArchiveCustomer(c echo.Context, now readmodel.Customer, a formState) error {
	if now.Archived {
		return h.renderCustomer(c, &now, customerForm(now), a)
	}
	return archiveView.Render(c, a.Status, web.Page{
		Title: "Archive customer", Nav: "customers", Subject: catalog.CustomerStream(now.ID), Revision: now.Revision,
	}, archivePage{
		formState: a, List: web.Link{Label: "Customers", Href: customersPath}, Href: customersPath + "/" + now.ID, Name: now.Name, Noun: "customer",
		Means: "They stay on the orders that they have, and cannot be chosen for new ones. There is no way back but to add them anew.",
	})
}
