package pages

import (
	"fmt"
	"slices"
	"strings"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

// was is what the names of hidden fields begin with that say what a field had when somebody began.
const was = "was_"

// itemFields are the fields of products and customers. Those that belong together are one value: a price is
// none without its currency.
var itemFields = [][]string{{"name"}, {"sku"}, {"price", "currency"}, {"email"}}

// wasIn is what a form says that its fields had.
func wasIn(form *web.Form) map[string]string {
	before := map[string]string{}
	for _, fields := range itemFields {
		for _, name := range fields {
			if value := form.Value(was + name); value != "" {
				before[name] = value
			}
		}
	}
	return before
}

// itemNow is a product or a customer as ordering-core has it now.
type itemNow struct {
	Sequence         int64
	Name, SKU, Email string
	Price            *money.Amount
	ProductID        string `json:"product_id"`
	CustomerID       string `json:"customer_id"`
	ChangedBy        string `json:"changed_by"`
	Archived         bool
}

func (n itemNow) id() string { return n.ProductID + n.CustomerID } // it has one

func (n itemNow) values() map[string]string {
	if n.Price == nil {
		return map[string]string{"name": n.Name, "email": n.Email}
	}
	return map[string]string{"name": n.Name, "sku": n.SKU, "price": n.Price.Decimal(), "currency": n.Price.Currency}
}

// mergeItem brings a form to what is there now, since somebody else was first. What only they have changed is
// as they have it, so that saving again takes nothing back; what this person has typed is kept, beside the
// other's. It returns what to do, to end the message with.
func mergeItem(form *web.Form, now itemNow) (todo string) {
	before, theirs := wasIn(form), now.values()
	mine := map[string]string{}
	for _, name := range slices.Concat(itemFields...) {
		mine[name] = form.Value(name)
	}
	todo = ". What you did not change is as it is now: look at it, and save again"
	for _, fields := range itemFields {
		first := fields[0]
		base, other, own := shownOf(form, fields, before), now.shownOf(fields), shownOf(form, fields, mine)
		switch {
		case base == "" || base == other || own == other:
		case own == base:
			for _, name := range fields {
				form.Set(name, now.typed(name))
			}
			form.Note(first, fmt.Sprintf("It was “%s” when you began.", clip(base)))
		default:
			form.Fail(first, fmt.Sprintf("It is “%s” now, and was “%s” when you began. Yours is kept: save again to have it.", clip(other), clip(base)))
			todo = ". What you typed is kept beside it, and what you did not change is as it is now"
		}
	}
	for name := range theirs {
		form.Set(was+name, now.typed(name))
	}
	if len(before) == 0 { // a page of the version before
		return ""
	}
	return todo
}

// shownOf is what fields have, as people read it.
func shownOf(form *web.Form, fields []string, of map[string]string) string {
	if fields[0] != "price" {
		return of[fields[0]]
	}
	if amount, err := form.Amount(of["price"], of["currency"]); err == nil {
		return locale.Amount(amount)
	}
	return strings.TrimSpace(of["price"] + " " + of["currency"])
}

func (n itemNow) shownOf(fields []string) string {
	if fields[0] == "price" && n.Price != nil {
		return locale.Amount(*n.Price)
	}
	return n.values()[fields[0]]
}

// typed is what a field would have been filled in with.
func (n itemNow) typed(name string) string {
	if name == "price" {
		return locale.Input(*n.Price)
	}
	return n.values()[name]
}
