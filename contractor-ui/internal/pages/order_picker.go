package pages

import (
	"context"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/pkg/api"
	"countersign.example/pkg/locale"
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
	return choice{Value: p.ID, Text: p.Name, Detail: p.SKU + " · " + locale.Amount(p.Price())}
}

func customerChoice(c readmodel.Customer) choice {
	return choice{Value: c.ID, Text: c.Name, Detail: c.Email}
}

func choicesOf[T any](rows []T, of func(T) choice) []choice {
	choices := make([]choice, 0, len(rows))
	for _, row := range rows {
		choices = append(choices, of(row))
	}
	return choices
}

// products answers the search while typing.
func (h *handlers) products(c echo.Context) error { return answerChoices(c, h.productChoices) }

func (h *handlers) customers(c echo.Context) error { return answerChoices(c, h.customerChoices) }

// choices reads some of what has a text in it, by name; more reports whether there are others.
type choices func(ctx context.Context, search string, limit int) (some []choice, more bool, err error)

func (h *handlers) productChoices(ctx context.Context, search string, limit int) ([]choice, bool, error) {
	found, err := readmodel.Products(ctx, h.db, readmodel.Choice{Search: search, Limit: limit})
	return choicesOf(found.Rows, productChoice), found.After != nil, err
}

func (h *handlers) customerChoices(ctx context.Context, search string, limit int) ([]choice, bool, error) {
	found, err := readmodel.Customers(ctx, h.db, readmodel.Choice{Search: search, Limit: limit})
	return choicesOf(found.Rows, customerChoice), found.After != nil, err
}

func answerChoices(c echo.Context, read choices) error {
	search, err := web.ReadSearch(c.QueryParam("q"))
	if err != nil {
		return err
	}
	some, _, err := read(c.Request().Context(), search, choicesInSearch)
	if err != nil {
		return err
	}
	return web.JSON(c, some)
}

func (h *handlers) productPicker(ctx context.Context, form *web.Form, find string) (picker, error) {
	return pickerOf(ctx, h.productChoices, find, newPicker(form, fieldProduct, "Product", "/orders/products"))
}

func (h *handlers) customerPicker(ctx context.Context, form *web.Form, find string) (picker, error) {
	return pickerOf(ctx, h.customerChoices, find, newPicker(form, fieldCustomer, "Customer", "/orders/customers"))
}

// pickerOf fills a picker with what has find in it.
func pickerOf(ctx context.Context, read choices, find string, p picker) (picker, error) {
	find, err := web.ReadSearch(find)
	if err != nil {
		return p.with(nil), nil
	}
	some, more, err := read(ctx, find, choicesInSelect)
	p.More, p.Find = more || find != "", find
	return p.with(some), err
}

// newPicker keeps what was chosen or typed.
func newPicker(form *web.Form, name, label, source string) picker {
	return picker{Name: name, ID: strings.TrimSuffix(name, "_id"), Label: label, Source: source, Value: form.Value(name),
		Text: form.Value(fieldTypedName), Error: form.Error(name)}
}

// with has the picker offer choices, and what was chosen also if it is not among them.
func (p picker) with(choices []choice) picker {
	p.Choices = choices
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
			some, _, err := h.productChoices(ctx, typed, enoughToTell)
			return some, err
		}
		return choicesOf(rows, productChoice), err
	})
}

func (h *handlers) chosenCustomer(ctx context.Context, form *web.Form) (string, error) {
	return chosen(form, fieldCustomer, "Choose a customer from the list.", func(typed string) ([]choice, error) {
		rows, err := readmodel.CustomersNamed(ctx, h.db, typed)
		if err == nil && len(rows) == 0 {
			some, _, err := h.customerChoices(ctx, typed, enoughToTell)
			return some, err
		}
		return choicesOf(rows, customerChoice), err
	})
}

// chosen reads a picker's field. What was typed is looked for by find: what is called exactly that, or else
// whatever has it in it.
func chosen(form *web.Form, field, missing string, find func(typed string) ([]choice, error)) (string, error) {
	if value := form.Value(field); value != "" {
		if !api.IsID(value) {
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
