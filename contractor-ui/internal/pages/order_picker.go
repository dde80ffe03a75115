package pages

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/web"
)

const (
	choicesInSelect = 100 // of the plain select; a search narrows it
	choicesInSearch = 12  // while typing
	enoughToTell    = 2   // whether only one fits
)

// picker is a field to choose one of many from: a plain select, out of which the browser makes a search as
// one types.
type picker struct {
	Name, ID, Label, Source string
	Value, Text             string // what is chosen
	Error                   string
	Choices                 []choice
	More                    bool // than the select holds
	Focus                   bool // when the page opens
	Find                    string
}

// choice is one of the many, as the page and the search while typing know it.
type choice struct {
	Value  string `json:"value"`
	Text   string `json:"text"`
	Detail string `json:"detail,omitempty"`
}

func productChoice(p readmodel.Product) choice {
	return choice{Value: p.ID.String(), Text: p.Name, Detail: p.SKU + " · " + p.Price().String()}
}

func customerChoice(c readmodel.Customer) choice {
	return choice{Value: c.ID.String(), Text: c.Name, Detail: c.Email}
}

func choicesOf[T any](rows []T, of func(T) choice) []choice {
	choices := make([]choice, 0, len(rows))
	for _, row := range rows {
		choices = append(choices, of(row))
	}
	return choices
}

// products answers the search while typing.
func (h *handlers) products(c echo.Context) error {
	search, err := web.ReadSearch(c.QueryParam("q"))
	if err != nil {
		return err
	}
	rows, _, err := readmodel.Products(c.Request().Context(), h.db, readmodel.Choice{Search: search, Limit: choicesInSearch})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, choicesOf(rows, productChoice))
}

func (h *handlers) customers(c echo.Context) error {
	search, err := web.ReadSearch(c.QueryParam("q"))
	if err != nil {
		return err
	}
	rows, _, err := readmodel.Customers(c.Request().Context(), h.db, readmodel.Choice{Search: search, Limit: choicesInSearch})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, choicesOf(rows, customerChoice))
}

func (h *handlers) productPicker(ctx context.Context, form *web.Form, find string) (picker, error) {
	if find, err := web.ReadSearch(find); err == nil {
		rows, more, err := readmodel.Products(ctx, h.db, readmodel.Choice{Search: find, Limit: choicesInSelect})
		p := newPicker(form, fieldProduct, "Product", "/orders/products", choicesOf(rows, productChoice))
		p.More, p.Find = more || find != "", find
		return p, err
	}
	return newPicker(form, fieldProduct, "Product", "/orders/products", nil), nil
}

func (h *handlers) customerPicker(ctx context.Context, form *web.Form, find string) (picker, error) {
	if find, err := web.ReadSearch(find); err == nil {
		rows, more, err := readmodel.Customers(ctx, h.db, readmodel.Choice{Search: find, Limit: choicesInSelect})
		p := newPicker(form, fieldCustomer, "Customer", "/orders/customers", choicesOf(rows, customerChoice))
		p.More, p.Find = more || find != "", find
		return p, err
	}
	return newPicker(form, fieldCustomer, "Customer", "/orders/customers", nil), nil
}

// newPicker keeps what was chosen or typed, also if the select does not hold it.
func newPicker(form *web.Form, name, label, source string, choices []choice) picker {
	p := picker{Name: name, ID: strings.TrimSuffix(name, "_id"), Label: label, Source: source, Value: form.Value(name),
		Text: form.Value(fieldTypedName), Error: form.Error(name), Choices: choices}
	if p.Value == "" {
		return p
	}
	for i, c := range choices {
		if c.Value == p.Value {
			if p.Text == "" {
				p.Text = c.Text
			}
			choices[i].Text = p.Text // as it was called when it was chosen
			return p
		}
	}
	if p.Text == "" {
		p.Value = ""
		return p
	}
	p.Choices = append([]choice{{Value: p.Value, Text: p.Text}}, choices...)
	return p
}

// chosenProduct reads which product a form names: the one chosen, or the only one that fits what was typed.
func (h *handlers) chosenProduct(ctx context.Context, form *web.Form) (string, error) {
	return chosen(form, fieldProduct, "Choose a product from the list.", func(typed string) ([]choice, error) {
		rows, err := readmodel.ProductsNamed(ctx, h.db, typed)
		if err == nil && len(rows) == 0 {
			rows, _, err = readmodel.Products(ctx, h.db, readmodel.Choice{Search: typed, Limit: enoughToTell})
		}
		return choicesOf(rows, productChoice), err
	})
}

func (h *handlers) chosenCustomer(ctx context.Context, form *web.Form) (string, error) {
	return chosen(form, fieldCustomer, "Choose a customer from the list.", func(typed string) ([]choice, error) {
		rows, err := readmodel.CustomersNamed(ctx, h.db, typed)
		if err == nil && len(rows) == 0 {
			rows, _, err = readmodel.Customers(ctx, h.db, readmodel.Choice{Search: typed, Limit: enoughToTell})
		}
		return choicesOf(rows, customerChoice), err
	})
}

// chosen reads a picker's field. What was typed is looked for by find: what is called exactly that, or else
// whatever has it in it.
func chosen(form *web.Form, field, missing string, find func(typed string) ([]choice, error)) (string, error) {
	if value := form.Value(field); value != "" {
		if id, err := uuid.Parse(value); err != nil || id.String() != value {
			form.Fail(field, missing)
		}
		return value, nil
	}
	typed, err := web.ReadSearch(form.Value(fieldTypedName))
	if err != nil || typed == "" {
		form.Fail(field, missing)
		return "", nil
	}
	found, err := find(typed)
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 1:
		return found[0].Value, nil
	case 0:
		form.Fail(field, "Nothing in the list has “"+clip(typed, 60)+"” in it.")
	default:
		form.Fail(field, "Several have “"+clip(typed, 60)+"” in them. "+missing)
	}
	return "", nil
}

// currentProducts are the products of lines as the catalog has them now, and their revisions. One that is not
// in this read model yet counts as it was.
func (h *handlers) currentProducts(ctx context.Context, lines []order.Line) (map[string]order.Product, map[string]int64, error) {
	ids := make([]uuid.UUID, 0, len(lines))
	current := make(map[string]order.Product, len(lines))
	for _, line := range lines {
		current[line.ProductID] = order.Product{ID: line.ProductID, SKU: line.SKU, Name: line.Name, Price: line.Price}
		if id, err := uuid.Parse(line.ProductID); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return current, nil, nil
	}
	found, err := readmodel.FindProducts(ctx, h.db, ids...)
	if err != nil {
		return nil, nil, err
	}
	revisions := make(map[string]int64, len(found))
	for id, p := range found {
		revisions[id.String()] = p.Revision
		current[id.String()] = order.Product{ID: id.String(), SKU: p.SKU, Name: p.Name, Price: p.Price(), Archived: p.Archived}
	}
	return current, revisions, nil
}
