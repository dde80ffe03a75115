package pages

import (
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/api"
	"countersign.example/pkg/web"
)

// customerPage is the form for a new customer, or for one that there is.
type customerPage struct {
	formState
	ID          string
	Now         *readmodel.Customer // nil: a new one
	Name, Email web.Field
}

// newCustomer shows the form for a new customer: an empty one, or one to add an archived customer again.
func (h *handlers) newCustomer(c echo.Context) error {
	values := map[string]string{}
	if archived := c.QueryParam("from"); archived != "" {
		now, err := h.findCustomer(c, archived)
		if err != nil {
			return err
		}
		values = customerValues(now)
	}
	values["id"] = uuid.NewString()
	return h.renderCustomer(c, nil, web.NewForm(values), newFormState(0))
}

func (h *handlers) showCustomer(c echo.Context) error {
	now, err := h.findCustomer(c, c.Param("id"))
	if err != nil {
		return err
	}
	return h.renderCustomer(c, &now, customerForm(now), newFormState(now.Sequence))
}

func customerForm(c readmodel.Customer) *web.Form { return web.NewForm(customerValues(c)) }

func customerValues(c readmodel.Customer) map[string]string {
	return map[string]string{"id": c.ID, "name": c.Name, "email": c.Email}
}

// renderCustomer shows the form, and the customer as they are now.
func (h *handlers) renderCustomer(c echo.Context, now *readmodel.Customer, form *web.Form, a formState) error {
	page := customerPage{
		formState: a, ID: form.Value("id"), Now: now, Name: form.Field("name", "Name").Need(),
		Email: form.Field("email", "E-mail address").Need().Hint("No two customers have the same."),
	}
	around := web.Page{Title: "Add customer", Nav: "customers"}
	if now != nil {
		around = web.Page{Title: now.Name, Nav: "customers", Subject: catalog.CustomerStream(now.ID), Revision: now.Revision}
	}
	return customerView.Render(c, a.Status, around, page)
}

var errNoCustomer = web.NotFound("There is no such customer.")

func (h *handlers) findCustomer(c echo.Context, id string) (readmodel.Customer, error) {
	if !api.IsID(id) {
		return readmodel.Customer{}, errNoCustomer
	}
	rows, err := readmodel.FindCustomers(c.Request().Context(), h.db, id)
	switch {
	case err != nil:
		return readmodel.Customer{}, err
	case len(rows) == 0:
		return readmodel.Customer{}, errNoCustomer
	}
	return rows[0], nil
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

func (h *handlers) addCustomer(c echo.Context) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	body := newCustomerBody(form.Value("name"), form.Value("email"), form.Fail)
	body.CustomerID = form.Value("id")
	return h.sendToOrdering(c, orderingCommand{
		form: form, path: "/customers", body: body, id: body.CustomerID, stream: catalog.CustomerStream(body.CustomerID),
		verb: "added", done: fmt.Sprintf("Added: %s.", body.Name), next: customersPath,
	}, func(a formState) error { return h.renderCustomer(c, nil, form, a) })
}

func (h *handlers) changeCustomer(c echo.Context) error {
	now, err := h.findCustomer(c, c.Param("id"))
	if err != nil {
		return err
	}
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	body := newCustomerBody(form.Value("name"), form.Value("email"), form.Fail)
	body.Sequence, _ = strconv.ParseInt(form.Value("sequence"), 10, 64)
	return h.sendToOrdering(c, orderingCommand{
		form: form, path: "/customers/" + now.ID, body: body, id: now.ID, stream: catalog.CustomerStream(now.ID),
		verb: "saved", done: fmt.Sprintf("Saved: %s.", body.Name), next: customersPath,
	}, func(a formState) error { return h.renderCustomer(c, &now, form, a) })
}
