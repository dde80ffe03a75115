package pages

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/api"
	"countersign.example/pkg/web"
)

const (
	ordersPath = "/orders"
	orderList  = "orders" // the name of the live list
)

var orderPaging = web.Paging{Sort: orderview.Newest, Before: "before", After: "after"}

// ordersPage is the list of everybody's orders.
type ordersPage struct {
	Tabs        web.Tabs
	Filter      orderFilter
	Rows        []orderRow
	Empty       web.Empty
	Pager       web.Pager
	Tab, PageIs string // what the live client must know of the list
	Narrowed    string // by what; only the server knows which rows belong to such a list
	Size        int
	More        bool
}

var (
	ordersView       = web.NewView[ordersPage]("orders")
	orderRowFragment = web.NewFragment[orderRow]("order-row")
)

func (h *handlers) listOrders(c echo.Context) error {
	q, err := readOrderQuery(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	found, err := readmodel.ListOrders(ctx, h.db, q)
	if err != nil {
		return err
	}
	counts, err := readmodel.CountOrders(ctx, h.db, q)
	if err != nil {
		return err
	}
	filter, err := h.orderFilter(c, q)
	if err != nil {
		return err
	}
	page := ordersPage{
		Tabs:   orderview.TabsOf(q.State, counts, q.Narrowed(), func(tab string) string { return ordersAddress(q, "tab", tab) }),
		Filter: filter, Empty: emptyOrders(q), Tab: string(q.State), PageIs: pageIs(found.First),
		Pager:    web.PagerOf(orderPaging, found, func(parameter, value string) string { return ordersAddress(q, parameter, value) }),
		Narrowed: q.Search + q.Contractor + q.Customer, Size: readmodel.PageSize, More: found.After != nil,
	}
	page.Pager.Summary = "Newest first" // of an empty list too, which rows may still come to
	for _, o := range found.Rows {
		page.Rows = append(page.Rows, orderRowOf(o))
	}
	return ordersView.Render(c, http.StatusOK, web.Page{Title: "Orders", Nav: "orders"}, page)
}

// readOrderQuery reads the list's address.
func readOrderQuery(c echo.Context) (q readmodel.OrderQuery, err error) {
	var known bool
	if q.State, known = orderview.TabOf(c.QueryParam("tab")); !known {
		return q, web.NotFound("There is no such list.")
	}
	if q.Contractor, err = web.ReadSearch(c.QueryParam("contractor")); err != nil {
		return q, err
	}
	if q.Customer = c.QueryParam("customer"); q.Customer != "" && !api.IsID(q.Customer) {
		return q, web.NotFound("There is no such customer.")
	}
	text := c.QueryParam("q")
	if q.Customer == "" {
		text += " " + c.QueryParam("name") // typed for a customer, and nobody chosen
	}
	if q.Search, err = web.ReadSearch(text); err != nil {
		return q, err
	}
	return q, orderPaging.Read(c, &q.Query)
}

// ordersAddress is the list's as it is filtered, with other parameters in place of some: name, value, name,
// value.
func ordersAddress(q readmodel.OrderQuery, other ...string) string {
	parameters := map[string]string{"tab": string(q.State), "q": q.Search, "contractor": q.Contractor, "customer": q.Customer}
	for i := 0; i+1 < len(other); i += 2 {
		parameters[other[i]] = other[i+1]
	}
	return web.Address(ordersPath, parameters)
}

// emptyOrders explains what an empty list means and what to do.
func emptyOrders(q readmodel.OrderQuery) web.Empty {
	all := &web.Link{Label: "Show all orders", Href: ordersPath}
	switch {
	case q.Search != "":
		return web.Empty{Title: "Nothing found", Action: all, Text: fmt.Sprintf("No order here has “%s” in its number, contractor, customer or products. "+
			"Words may be cut short, and an id may be given instead.", clip(q.Search))}
	case q.Contractor != "" || q.Customer != "":
		return web.Empty{Title: "Nothing here", Text: "There is no such order of this contractor or for this customer.", Action: all}
	}
	switch q.State {
	case order.StateDraft:
		return web.Empty{Title: "No drafts", Text: "Orders that contractors have begun are listed here until they submit them.", Action: all}
	case order.StateSubmitted:
		return web.Empty{Title: "Nothing waits to be paid", Text: "Orders that contractors submit are listed here until they are paid.", Action: all}
	case order.StatePaid:
		return web.Empty{Title: "Nothing paid yet", Text: "An order is paid once the money of its payment is captured.", Action: all}
	case order.StateExpired:
		return web.Empty{Title: "Nothing expired", Text: "Orders that are not paid in time are listed here, with what became of their money.", Action: all}
	case order.StateCancelled:
		return web.Empty{Title: "Nothing cancelled", Text: "Orders that a contractor or a manager cancels are listed here, with what became of their money.", Action: all}
	}
	return web.Empty{Title: "No orders yet", Text: "As soon as a contractor begins an order, it appears here by itself."}
}

// orderID is the path's id, in its one canonical spelling.
func orderID(c echo.Context) (string, error) {
	if !api.IsID(c.Param("id")) {
		return "", errNoOrder
	}
	return c.Param("id"), nil
}

func orderPath(id string) string { return ordersPath + "/" + id }

var errNoOrder = web.NotFound("There is no such order.")
