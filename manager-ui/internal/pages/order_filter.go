package pages

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/web"
)

// orderFilter is what the list can be narrowed to, beside the tab.
type orderFilter struct {
	Keep            map[string]string // the other parameters of the list's address
	Search          string
	Contractor      string // the id; "" for everybody
	Who             string // their name
	Contractors     []readmodel.Buyer
	MoreContractors bool                 // perhaps: they are found by search
	Customer        string               // the id; "" for everybody
	Customers       []readmodel.Customer // the first by name, and the one chosen
	MoreCustomers   bool
	Whom            string // the customer's name
	Everybody       string // the address without the two
}

// orderFilter has the contractors and the customers to choose from.
func (h *handlers) orderFilter(c echo.Context, q orderQuery) (f orderFilter, err error) {
	ctx := c.Request().Context()
	f = orderFilter{Keep: q.Without("q", "contractor", "customer"), Search: q.Search, Contractor: q.Contractor, Customer: q.Customer}
	if f.Contractors, err = readmodel.Contractors(ctx, h.db, q.Contractor); err != nil {
		return f, err
	}
	f.MoreContractors = len(f.Contractors) >= readmodel.MaxContractors
	f.Everybody = q.Address("customer", "", "contractor", "")
	if q.Contractor != "" {
		i := slices.IndexFunc(f.Contractors, func(b readmodel.Buyer) bool { return b.ID == q.Contractor })
		if i < 0 {
			return f, web.NotFound("There is no such contractor.")
		}
		f.Who = nameOr(f.Contractors[i].Name, q.Contractor)
	}
	if f.Customers, f.MoreCustomers, err = readmodel.FirstCustomers(ctx, h.db, ""); err != nil { // an archived one stays on orders
		return f, err
	}
	if q.Customer == "" {
		return f, nil
	}
	chosen := readmodel.Customer{Customer: orderview.Customer{Item: orderview.Item{ID: q.Customer, Name: "a customer"}}}
	if known, err := readmodel.FindCustomers(ctx, h.db, q.Customer); err != nil {
		return f, err
	} else if len(known) > 0 {
		chosen = known[0]
	}
	f.Whom = chosen.Name
	if !slices.ContainsFunc(f.Customers, func(c readmodel.Customer) bool { return c.ID == chosen.ID }) {
		f.Customers = append([]readmodel.Customer{chosen}, f.Customers...)
	}
	return f, nil
}

// customersToFilterBy answers the search while one types.
func (h *handlers) customersToFilterBy(c echo.Context) error {
	search, err := searched(c)
	if err != nil {
		return err
	}
	found, _, err := readmodel.FirstCustomers(c.Request().Context(), h.db, search)
	if err != nil {
		return err
	}
	type choice struct {
		Value  string `json:"value"`
		Text   string `json:"text"`
		Detail string `json:"detail"`
	}
	choices := make([]choice, 0, len(found))
	for _, customer := range found {
		choices = append(choices, choice{customer.ID, customer.Name, customer.Email})
	}
	return c.JSON(http.StatusOK, choices)
}
