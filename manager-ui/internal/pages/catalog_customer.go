package pages

import (
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/orderview"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

const (
	customersPath = "/customers"
	customerList  = "customers" // the name of the live list
)

var (
	customersView       = web.NewView[namePage[readmodel.Customer]]("customers")
	customerView        = web.NewView[itemPage[readmodel.Customer]]("customer")
	customerRowFragment = web.NewFragment[readmodel.Customer]("customer-row")
)

func (h *handlers) customerPages() catalogPages[readmodel.Customer] {
	return catalogPages[readmodel.Customer]{
		handlers: h, file: customerFile, title: "Customers", remote: "/customers", listView: customersView,
		empty: web.Empty{Title: "No customers yet", Text: "Add for whom contractors can order, or import a file of them.",
			Action: &web.Link{Label: "Add customer", Href: customersPath + "/new"}},
		emptyArchived: web.Empty{Title: "Nobody archived", Text: "A customer who is archived stays on the orders they have, and is listed here.",
			Action: &web.Link{Label: "Show the others", Href: customersPath}},
		means: "They stay on the orders that they have, and cannot be chosen for new ones. There is no way back but to add them anew.",
		live:  customerList, rows: readmodel.Customers, sorts: []list.Sort{orderview.ByEmail},
		heads: func(l web.List) []web.Head {
			return []web.Head{l.Head("Name", "", orderview.ByName.Name), l.Head("E-mail", "", orderview.ByEmail.Name)}
		},
		exported: func(c readmodel.Customer) []string { return []string{text.Harmless(c.Name), text.Harmless(c.Email)} },
		itemView: customerView, find: readmodel.FindCustomers, values: customerValues,
		fields: func(form *web.Form, page *itemPage[readmodel.Customer]) {
			page.Email = form.Field("email", "E-mail address").Need().Hint("No two customers have the same.")
		},
		read: readCustomer,
	}
}

func customerValues(c readmodel.Customer) map[string]string {
	return map[string]string{"name": c.Name, "email": c.Email}
}

func readCustomer(form *web.Form, id string, sequence int64) (any, string) {
	body := newCustomerBody(form.Value("name"), form.Value("email"), form.Fail)
	body.CustomerID, body.Sequence = id, sequence
	return body, body.Name
}

// customerBody is a customer as ordering-core takes them.
type customerBody struct {
	CustomerID string `json:"customer_id,omitempty"` // of a new one
	Name       string `json:"name"`
	Email      string `json:"email"`
	Sequence   int64  `json:"sequence,omitempty"` // that a change expects
}

// newCustomerBody reads a customer from texts; fail gets what is wrong, by field.
func newCustomerBody(name, email string, fail func(field, message string)) customerBody {
	name, email = catalog.CleanCustomer(name, email)
	for _, wrong := range catalog.CheckCustomer(name, email) {
		fail(wrong.Field, wrong.Message)
	}
	return customerBody{Name: name, Email: email}
}
