package pages

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/web"
)

// orderList is the list in the page's data-live-list and in pushes.
const orderList = "orders"

var orderPaging = web.Paging{Sort: orderview.Newest, Before: "newer", After: "older"}

// ordersPage is a contractor's list of orders.
type ordersPage struct {
	Tabs     web.Tabs
	Search   web.Search
	Rows     []orderRow
	Pager    web.Pager
	Empty    web.Empty
	Tab      string
	First    bool // the page to which new orders come
	PageSize int
}

func (h *handlers) listOrders(c echo.Context) error {
	q, err := readOrderQuery(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	page, err := readmodel.ListOrders(ctx, h.db, q)
	if err != nil {
		return err
	}
	counts, err := readmodel.CountOrders(ctx, h.db, q.Contractor, q.Search)
	if err != nil {
		return err
	}
	data := ordersPage{
		Tabs: orderview.TabsOf(order.State(q.Tab), counts, q.Search != "", func(tab string) string {
			return web.Address("/orders", map[string]string{"tab": tab, "q": q.Search})
		}),
		Search:   web.Search{Action: "/orders", Value: q.Search, Label: "Search orders", Keep: map[string]string{"tab": q.Tab}},
		Pager:    web.PagerOf(orderPaging, page, addressIn("/orders", q.Tab, q.Search)),
		Empty:    emptyOrders(q),
		Tab:      q.Tab,
		First:    page.First,
		PageSize: readmodel.PageSize,
	}
	for _, o := range page.Rows {
		data.Rows = append(data.Rows, orderRowOf(o))
	}
	return ordersView.Render(c, http.StatusOK, web.Page{Title: "Orders", Nav: "orders"}, data)
}

// readOrderQuery reads the list's address. A tab that does not exist is 404.
func readOrderQuery(c echo.Context) (readmodel.Query, error) {
	state, ok := orderview.TabOf(c.QueryParam("tab"))
	if !ok {
		return readmodel.Query{}, web.NotFound("There is no such list of orders.")
	}
	return readQuery(c, orderPaging, string(state))
}

// emptyOrders explains what to do where the list has nothing.
func emptyOrders(q readmodel.Query) web.Empty {
	begin := &web.Link{Label: "New order", Href: "/orders/new"}
	all := &web.Link{Label: "Show all orders", Href: "/orders"}
	if q.Search != "" {
		return web.Empty{Title: "Nothing found", Text: fmt.Sprintf("No order here has “%s” in it. Search for its number, its customer or what is in it.",
			clip(q.Search, 60)), Action: all}
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
