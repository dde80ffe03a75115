package pages

import (
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/api"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

// productPage is the form for a new product, or for one that there is.
type productPage struct {
	formState
	ID                         string
	Now                        *readmodel.Product // nil: a new one
	SKU, Name, Price, Currency web.Field
}

// newProduct shows the form for a new product: an empty one, or one to add an archived product again.
func (h *handlers) newProduct(c echo.Context) error {
	values := map[string]string{"currency": money.Currencies()[0]}
	if archived := c.QueryParam("from"); archived != "" {
		p, err := h.findProduct(c, archived)
		if err != nil {
			return err
		}
		values = productValues(p)
	}
	values["id"] = uuid.NewString()
	return h.renderProduct(c, nil, web.NewForm(values), newFormState(0))
}

func (h *handlers) showProduct(c echo.Context) error {
	p, err := h.findProduct(c, c.Param("id"))
	if err != nil {
		return err
	}
	return h.renderProduct(c, &p, productForm(p), newFormState(p.Sequence))
}

func productForm(p readmodel.Product) *web.Form { return web.NewForm(productValues(p)) }

func productValues(p readmodel.Product) map[string]string {
	return map[string]string{"id": p.ID, "sku": p.SKU, "name": p.Name, "price": p.Price().Decimal(), "currency": p.Currency}
}

// renderProduct shows the form, and the product that there is now.
func (h *handlers) renderProduct(c echo.Context, now *readmodel.Product, form *web.Form, a formState) error {
	currencies := make([]web.Choice, 0, len(money.Currencies()))
	for _, code := range money.Currencies() {
		currencies = append(currencies, web.Choice{Value: code, Label: code})
	}
	page := productPage{
		formState: a, ID: form.Value("id"), Now: now,
		Name: form.Field("name", "Name").Need(), SKU: form.Field("sku", "SKU").Need().Hint("No two products have the same."),
		Price:    form.Field("price", "Price").Need().Decimal().Placeholder("12.50"),
		Currency: form.Field("currency", "Currency").Need().Select(currencies),
	}
	around := web.Page{Title: "Add product", Nav: "catalog"}
	if now != nil {
		around = web.Page{Title: now.Name, Nav: "catalog", Subject: catalog.ProductStream(now.ID), Revision: now.Revision}
	}
	return productView.Render(c, a.Status, around, page)
}

var errNoProduct = web.NotFound("There is no such product.")

func (h *handlers) findProduct(c echo.Context, id string) (readmodel.Product, error) {
	if !api.IsID(id) {
		return readmodel.Product{}, errNoProduct
	}
	rows, err := readmodel.FindProducts(c.Request().Context(), h.db, id)
	switch {
	case err != nil:
		return readmodel.Product{}, err
	case len(rows) == 0:
		return readmodel.Product{}, errNoProduct
	}
	return rows[0], nil
}

// productBody is a product as ordering-core takes it.
type productBody struct {
	ProductID string       `json:"product_id,omitempty"` // of a new one
	SKU       string       `json:"sku"`
	Name      string       `json:"name"`
	Price     money.Amount `json:"price"`
	Sequence  int64        `json:"sequence,omitempty"` // that a change expects
}

// parser reads an amount that somebody wrote in a currency.
type parser func(typed, currency string) (money.Amount, error)

// newProductBody reads a product from texts; fail gets what is wrong, by field. A price that can be read in
// two ways has readings.
func newProductBody(sku, name, price, currency string, parse parser, fail func(field, message string)) (body productBody, readings []money.Amount) {
	amount, err := parse(price, currency)
	if err != nil {
		field := "price"
		if money.ProblemOf(err) == money.UnknownCurrency {
			field = "currency"
		}
		fail(field, err.Error())
		amount = money.Amount{Minor: 1, Currency: money.Currencies()[0]} // its message stands already
	}
	sku, name = catalog.CleanProduct(sku, name)
	for _, wrong := range catalog.CheckProduct(sku, name, amount) {
		fail(wrong.Field, wrong.Message)
	}
	return productBody{SKU: sku, Name: name, Price: amount}, money.ReadingsOf(err)
}

func readProduct(form *web.Form) productBody {
	body, readings := newProductBody(form.Value("sku"), form.Value("name"), form.Value("price"), form.Value("currency"), money.Parse, form.Fail)
	form.OfferAmounts("price", readings)
	return body
}

func (h *handlers) addProduct(c echo.Context) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	body := readProduct(form)
	body.ProductID = form.Value("id")
	return h.sendToOrdering(c, orderingCommand{
		form: form, path: "/products", body: body, id: body.ProductID, stream: catalog.ProductStream(body.ProductID),
		verb: "added", done: fmt.Sprintf("Added: %s, %s.", body.Name, body.Price), next: catalogPath,
	}, func(a formState) error { return h.renderProduct(c, nil, form, a) })
}

func (h *handlers) changeProduct(c echo.Context) error {
	p, err := h.findProduct(c, c.Param("id"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	body := readProduct(form)
	body.Sequence, _ = strconv.ParseInt(form.Value("sequence"), 10, 64)
	return h.sendToOrdering(c, orderingCommand{
		form: form, path: "/products/" + p.ID, body: body, id: p.ID, stream: catalog.ProductStream(p.ID),
		verb: "saved", done: fmt.Sprintf("Saved: %s, %s.", body.Name, body.Price), next: catalogPath,
	}, func(a formState) error { return h.renderProduct(c, &p, form, a) })
}
