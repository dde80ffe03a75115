package pages

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/api"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/web"
)

const (
	ordersPath = "/orders"
	orderList  = "orders" // the name of the live list
)

// ordersPage is the list of everybody's orders.
type ordersPage struct {
	Tabs   web.Tabs
	Views  web.Views
	Whose  orderFilter
	Filter web.FilterForm
	Heads  []web.Head
	Rows   []orderRow
	Empty  web.Empty
	Pager  web.Pager
	Live   web.LiveList
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
	whose, err := h.orderFilter(c, q)
	if err != nil {
		return err
	}
	found, err := readmodel.ListOrders(ctx, h.db, q.query())
	if err != nil {
		return err
	}
	var sums list.Sums
	var counts map[order.State]list.Sums
	if q.IsNarrowed() {
		sums, counts, err = readmodel.AddUpOrders(ctx, h.db, q.query())
	} else {
		counts, err = readmodel.CountOrders(ctx, h.db)
	}
	if err != nil {
		return err
	}
	total := web.Head{Label: "Total", Class: "amount"}
	if q.State != order.StateDraft {
		total = q.Head(total.Label, total.Class, readmodel.ByOrderTotal.Name)
	}
	heads := []web.Head{
		{Label: "Order"}, q.Head("Contractor", "", readmodel.ByOrderContractor.Name), q.Head("Customer", "", orderview.ByCustomer.Name), total,
		q.Head("Created", "", orderview.Newest.Name), {Label: "State"},
	}
	page := ordersPage{
		Tabs: orderview.TabsOf(q.List, q.State, counts), Whose: whose, Filter: q.FilterForm(sums, "order", heads), Heads: heads,
		Pager: web.ListPager(q.List, found), Live: web.LiveOf(q.List, orderList, string(q.State), found),
	}
	if page.Views, err = q.Views(c); err != nil {
		return err
	}
	page.Empty = page.Pager.EmptyOr(emptyOrders(q))
	page.Pager.Export = q.ExportPath(ordersPath + "/export")
	if q.Sort == orderview.Newest {
		page.Pager.Summary = "Newest first" // of an empty list too, which rows may still come to
	}
	for _, o := range found.Rows {
		page.Rows = append(page.Rows, orderRowOf(o))
	}
	return ordersView.Render(c, q.Status(), web.Page{Title: "Orders", Nav: "orders"}, page)
}

// exportOrders answers with a file of what the list has, on all its pages.
func (h *handlers) exportOrders(c echo.Context) error {
	q, err := readOrderQuery(c)
	if err != nil {
		return err
	}
	asked := q.query()
	if asked.Query, err = q.Whole(); err != nil {
		return err
	}
	rows := readmodel.WholeOrders(c.Request().Context(), h.db, asked)
	return web.SendCSV(c, "orders", orderview.ExportColumns, func(yield func([]string, error) bool) {
		for o, err := range rows {
			if !yield(orderview.ExportCells(o.Row, o.ContractorName, o.Minor), err) {
				return
			}
		}
	})
}

// orderQuery is what an address asks for.
type orderQuery struct {
	web.List
	State                order.State
	Contractor, Customer string // their ids; "" for everybody
}

func (q orderQuery) query() readmodel.OrderQuery {
	return readmodel.OrderQuery{Query: q.Query, State: q.State}
}

// readOrderQuery reads the list's address.
func readOrderQuery(c echo.Context) (q orderQuery, err error) {
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
	if name := c.QueryParam("name"); q.Customer == "" && name != "" { // typed for a customer, and nobody chosen
		c.QueryParams().Set("q", c.QueryParam("q")+" "+name)
	}
	sorts, total := orderview.Sorts(q.State, readmodel.ByOrderTotal)
	q.List, err = web.ReadList(c, web.ListOptions{
		Path: ordersPath, Before: "before", After: "after", Default: orderview.Newest, Sorts: append(sorts, readmodel.ByOrderContractor),
		Money: total, Time: "drafted_at", Note: orderview.FilterNote(q.State), Kept: []string{"contractor", "customer"}, Views: ordersPath + "/views",
	})
	if q.Contractor != "" {
		q.Narrow(readmodel.OfContractor(q.Contractor), "", "contractor")
	}
	if q.Customer != "" {
		q.Narrow(readmodel.ForCustomer(q.Customer), "", "customer")
	}
	return q, err
}

// customersOrders is the address of a customer's orders.
func customersOrders(id string) string {
	return web.Address(ordersPath, map[string]string{"customer": id})
}

// emptyOrders explains what an empty list means and what to do.
func emptyOrders(q orderQuery) web.Empty {
	all := &web.Link{Label: "Show all orders", Href: ordersPath}
	switch {
	case q.Search != "":
		return web.Empty{Title: "Nothing found", Action: all, Text: fmt.Sprintf("No order here has “%s” in its number, contractor, customer or products. "+
			"Words may be cut short, and an id may be given instead.", clip(q.Search))}
	case len(q.Chips) == 0 && q.IsNarrowed():
		return web.Empty{Title: "Nothing here", Text: "There is no such order of this contractor or for this customer.", Action: all}
	case q.IsNarrowed():
		return web.Empty{Title: "Nothing found", Text: "No order here fits the filter.", Action: &web.Link{Label: "Show everything", Href: q.Everything()}}
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
