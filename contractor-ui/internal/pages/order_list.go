package pages

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/web"
)

// orderList is the list in the page's data-live-list and in pushes.
const orderList = "orders"

// ordersPage is a contractor's list of orders.
type ordersPage struct {
	Tabs   web.Tabs
	Views  web.Views
	Search web.Search
	Filter web.FilterForm
	Heads  []web.Head
	Rows   []orderRow
	Pager  web.Pager
	Empty  web.Empty
	Live   web.LiveList
}

func (h *handlers) listOrders(c echo.Context) error {
	l, q, err := readOrderQuery(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	page, err := readmodel.ListOrders(ctx, h.db, q)
	if err != nil {
		return err
	}
	var found list.Sums
	var counts map[order.State]list.Sums
	if l.IsNarrowed() {
		found, counts, err = readmodel.AddUpOrders(ctx, h.db, q)
	} else {
		counts, err = readmodel.CountOrders(ctx, h.db, q.Contractor)
	}
	if err != nil {
		return err
	}
	total := web.Head{Label: "Total", Class: "amount"}
	if order.State(q.Tab) != order.StateDraft {
		total = l.Head(total.Label, total.Class, readmodel.ByOrderTotal.Name)
	}
	heads := []web.Head{
		{Label: "Order"}, l.Head("Customer", "", orderview.ByCustomer.Name), total, l.Head("Created", "", orderview.Newest.Name), {Label: "State"},
	}
	data := ordersPage{
		Tabs: orderview.TabsOf(l, order.State(q.Tab), counts), Search: l.SearchBox("Search orders"), Filter: l.FilterForm(found, "order", heads),
		Heads: heads, Pager: web.ListPager(l, page), Live: web.LiveOf(l, orderList, q.Tab, page),
	}
	if data.Views, err = l.Views(c); err != nil {
		return err
	}
	data.Empty = data.Pager.EmptyOr(emptyOrders(l, q))
	data.Pager.Export = l.ExportPath("/orders/export")
	for _, o := range page.Rows {
		data.Rows = append(data.Rows, orderRowOf(o))
	}
	return ordersView.Render(c, l.Status(), web.Page{Title: "Orders", Nav: "orders"}, data)
}

// exportOrders answers with a file of what the list has, on all its pages.
func (h *handlers) exportOrders(c echo.Context) error {
	l, q, err := readOrderQuery(c)
	if err != nil {
		return err
	}
	if q.Query, err = l.Whole(); err != nil {
		return err
	}
	name, rows := web.PersonOf(c).Name, readmodel.WholeOrders(c.Request().Context(), h.db, q)
	return web.SendCSV(c, "orders", orderview.ExportColumns, func(yield func([]string, error) bool) {
		for o, err := range rows {
			if !yield(orderview.ExportCells(o.Row, name, o.Minor), err) {
				return
			}
		}
	})
}

// readOrderQuery reads the list's address. A tab that does not exist is 404.
func readOrderQuery(c echo.Context) (l web.List, q readmodel.Query, err error) {
	state, ok := orderview.TabOf(c.QueryParam("tab"))
	if !ok {
		return l, q, web.NotFound("There is no such list of orders.")
	}
	sorts, total := orderview.Sorts(state, readmodel.ByOrderTotal)
	l, err = web.ReadList(c, web.ListOptions{
		Path: "/orders", Before: "newer", After: "older", Default: orderview.Newest, Sorts: sorts, Money: total, Time: "drafted_at",
		Note: orderview.FilterNote(state), Views: "/orders/views",
	})
	return l, readmodel.Query{Query: l.Query, Contractor: web.PersonOf(c).ID, Tab: string(state)}, err
}

// emptyOrders explains what to do where the list has nothing.
func emptyOrders(l web.List, q readmodel.Query) web.Empty {
	begin := &web.Link{Label: "New order", Href: "/orders/new"}
	all := &web.Link{Label: "Show all orders", Href: "/orders"}
	if q.Search != "" {
		return web.Empty{Title: "Nothing found", Text: fmt.Sprintf("No order here has “%s” in it. Search for its number, its customer or what is in it.",
			clip(q.Search, 60)), Action: all}
	}
	if l.IsNarrowed() {
		return web.Empty{Title: "Nothing found", Text: "No order here fits the filter.", Action: &web.Link{Label: "Show everything", Href: l.Everything()}}
	}
	switch order.State(q.Tab) {
	case order.StateDraft:
		return web.Empty{Title: "No drafts", Text: "A new order is kept here from its first product on, until you submit it.", Action: begin}
	case order.StateSubmitted:
		return web.Empty{Title: "Nothing waits to be paid", Text: "Orders that you submit are listed here until they are paid.", Action: all}
	case order.StatePaid:
		return web.Empty{Title: "Nothing paid yet", Text: "Request the payment of a submitted order on its page. Once a manager has accepted it and the money is there, the order is paid.", Action: all}
	case order.StateExpired:
		return web.Empty{Title: "Nothing expired", Text: "Orders that are not paid in time are listed here, with what became of their money.", Action: all}
	case order.StateCancelled:
		return web.Empty{Title: "Nothing cancelled", Text: "You can cancel an order on its page until it is paid.", Action: all}
	}
	return web.Empty{Title: "No orders yet", Text: "Choose products and a customer, submit the order, and request its payment. It is saved as you go.", Action: begin}
}
