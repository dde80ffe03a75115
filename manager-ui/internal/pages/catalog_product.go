package pages

import (
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

const (
	catalogPath = "/catalog"
	productList = "products" // the name of the live list
)

var (
	catalogView        = web.NewView[namePage[readmodel.Product]]("catalog")
	productView        = web.NewView[itemPage[readmodel.Product]]("product")
	productRowFragment = web.NewFragment[readmodel.Product]("product-row")
)

func (h *handlers) productPages() catalogPages[readmodel.Product] {
	return catalogPages[readmodel.Product]{
		handlers: h, file: productFile, title: "Catalog", remote: "/products", listView: catalogView,
		empty: web.Empty{Title: "No products yet", Text: "Add what contractors can order, or import a file of it.",
			Action: &web.Link{Label: "Add product", Href: catalogPath + "/new"}},
		emptyArchived: web.Empty{Title: "Nothing archived", Text: "A product that is archived stays on the orders that have it, and is listed here.",
			Action: &web.Link{Label: "Show the others", Href: catalogPath}},
		means:    "It stays on the orders that have it, and cannot be added to new ones. There is no way back but to add it anew.",
		itemView: productView, defaults: map[string]string{"currency": money.Currencies()[0]},
		live: productList, rows: readmodel.Products, sorts: []list.Sort{orderview.BySKU, orderview.ByPrice}, money: orderview.ByPrice,
		heads: func(l web.List) []web.Head {
			return []web.Head{l.Head("Name", "", orderview.ByName.Name), l.Head("SKU", "", orderview.BySKU.Name), l.Head("Price", "amount", orderview.ByPrice.Name)}
		},
		exported: func(p readmodel.Product) []string {
			return []string{text.Harmless(p.SKU), text.Harmless(p.Name), p.Price().Decimal(), p.Currency}
		},
		find: readmodel.FindProducts, values: productValues, fields: productFields, read: readProduct,
	}
}

func productValues(p readmodel.Product) map[string]string {
	return map[string]string{"sku": p.SKU, "name": p.Name, "price": locale.Input(p.Price()), "currency": p.Currency}
}

func productFields(form *web.Form, page *itemPage[readmodel.Product]) {
	currencies := make([]web.Choice, 0, len(money.Currencies()))
	for _, code := range money.Currencies() {
		currencies = append(currencies, web.Choice{Value: code, Label: code})
	}
	page.SKU = form.Field("sku", "SKU").Need().Hint("No two products have the same.")
	page.Price = form.Field("price", "Price").Need().Decimal().Placeholder(locale.Input(money.Amount{Minor: 1250, Currency: "EUR"}))
	page.Currency = form.Field("currency", "Currency").Need().Select(currencies)
}

func readProduct(form *web.Form, id string, sequence int64) (any, string) {
	body, readings := newProductBody(form.Value("sku"), form.Value("name"), form.Value("price"), form.Value("currency"), form.Amount, form.Fail)
	form.OfferAmounts("price", readings)
	body.ProductID, body.Sequence = id, sequence
	return body, body.Name + ", " + locale.Amount(body.Price)
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
