package pages

import (
	"fmt"
	"strconv"

	"github.com/labstack/echo/v4"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// The fields, by the names that ordering-core has for them in what it refuses.
const (
	fieldReason   = "reason"
	fieldDiscount = "basis_points"
)

// addForms fills the page's forms in, as they were sent or as the order stands.
func (p *orderPage) addForms(forms orderForms) {
	p.Typed = forms
	if forms.cancel == nil {
		forms.cancel = web.NewForm(nil)
	}
	if forms.discount == nil {
		forms.discount = web.NewForm(map[string]string{fieldDiscount: locale.Percent(p.Percent)})
	}
	p.CancelReason = forms.cancel.Field(fieldReason, "Reason").Need().Area(2).Hint("The contractor reads it.")
	p.SetDiscount = forms.discount.Field(fieldDiscount, "Discount").Need().Decimal().Placeholder(locale.Percent("12.5")).Hint("In percent, above 0 and below 100.")
}

// orderBody is what people ask of an order that they have seen so.
type orderBody struct {
	Sequence    int64         `json:"sequence,omitempty"`
	Total       *money.Amount `json:"total,omitempty"` // of a draft
	Reason      string        `json:"reason,omitempty"`
	BasisPoints int64         `json:"basis_points,omitempty"`
}

// orderCommand sends what a form of an order's page asks for; done says of which order it was done, and fill
// takes it from the form, or says what is wrong with that.
func (h *handlers) orderCommand(c echo.Context, path, what, done string, forms func(*web.Form) orderForms, fill func(*web.Form, *orderBody)) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	seen, err := h.readOrder(c.Request().Context(), id)
	if err != nil {
		return err
	}
	body := seenIn(form)
	fill(form, &body)
	return h.sendToOrdering(c, orderingCommand{
		form: form, path: ordersPath + "/" + id + path, body: body, id: id, stream: order.Stream(id),
		verb: what, done: text.Capital(fmt.Sprintf(done, orderLabel(seen.Order))), next: orderPath(id),
	}, func(a formState) error { return h.renderOrder(c, forms(form), a) })
}

// orderLabel names an order within a sentence.
func orderLabel(o order.Order) string {
	if o.Number != "" {
		return "order " + o.Number
	}
	return "the draft of " + nameOr(o.ContractorName, o.ContractorID)
}

func noForm(*web.Form) orderForms { return orderForms{} }

func nothing(*web.Form, *orderBody) {}

// seenIn is how the person saw the order, as the form carries it.
func seenIn(form *web.Form) (body orderBody) {
	body.Sequence, _ = strconv.ParseInt(form.Value("sequence"), 10, 64)
	minor, err := strconv.ParseInt(form.Value("total"), 10, 64)
	if currency := form.Value("currency"); err == nil && money.IsKnown(currency) {
		body.Total = &money.Amount{Minor: minor, Currency: currency}
	}
	return body
}

// backToOrder is for where a browser without scripts is after such a form was answered with a page.
func backToOrder(c echo.Context) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	return web.Redirect(c, orderPath(id))
}
