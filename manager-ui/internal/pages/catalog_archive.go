package pages

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/web"
)

// archivePage asks whether a product or a customer is really to be archived.
type archivePage struct {
	formState
	List             web.Link
	Href, Name, Noun string
	Means            string
}

var archiveView = web.NewView[archivePage]("archive")

func (h *handlers) archiveProduct(c echo.Context) error {
	p, err := h.findProduct(c, c.Param("id"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	return h.sendToOrdering(c, orderingCommand{
		form: form, path: "/products/" + p.ID + "/archive", body: struct{}{}, id: p.ID, stream: catalog.ProductStream(p.ID),
		verb: "archived", done: fmt.Sprintf("Archived: %s.", p.Name), next: catalogPath,
	}, func(a formState) error { return h.renderArchiveProduct(c, p, a) })
}

// confirmArchiveProduct asks whether a product is really to be archived. One that is already is shown
// instead.
func (h *handlers) confirmArchiveProduct(c echo.Context) error {
	p, err := h.findProduct(c, c.Param("id"))
	if err != nil {
		return err
	}
	return h.renderArchiveProduct(c, p, newFormState(p.Sequence))
}

func (h *handlers) renderArchiveProduct(c echo.Context, now readmodel.Product, a formState) error {
	if now.Archived {
		return h.renderProduct(c, &now, productForm(now), a)
	}
	return archiveView.Render(c, a.Status, web.Page{
		Title: "Archive product", Nav: "catalog", Subject: catalog.ProductStream(now.ID), Revision: now.Revision,
	}, archivePage{
		formState: a, List: web.Link{Label: "Catalog", Href: catalogPath}, Href: catalogPath + "/" + now.ID, Name: now.Name, Noun: "product",
		Means: "It stays on the orders that have it, and cannot be added to new ones. There is no way back but to add it anew.",
	})
}
