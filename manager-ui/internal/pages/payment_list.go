package pages

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/pkg/web"
)

// Names of the live fragments and of the list.
const (
	paymentList   = "payments"
	waitingCount  = "waiting-count"
	waitingTotals = "waiting-totals"
)

type paymentsPage struct {
	Totals                   readmodel.Totals
	Tabs                     web.Tabs
	Search                   web.Search
	Rows                     []paymentRow
	Empty                    web.Empty
	Pager                    web.Pager
	Tab, Order, PageIs, Text string // what the live client must know of the list
	Size                     int
	More                     bool
}

var (
	paymentsView   = web.NewView[paymentsPage]("payments")
	totalsFragment = web.NewFragment[readmodel.Totals]("waiting-totals")
)

func (h *handlers) listPayments(c echo.Context) error {
	q, err := readPaymentQuery(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	found, err := readmodel.List(ctx, h.db, q)
	if err != nil {
		return err
	}
	totals, err := readmodel.WaitingTotals(ctx, h.db)
	if err != nil {
		return err
	}
	page := paymentsPage{
		Totals: totals, Tabs: paymentTabs(q, totals.Count), Pager: paymentPager(q, found), Empty: emptyPayments(q),
		Search: web.Search{Action: "/payments", Value: q.Search, Keep: map[string]string{"tab": string(q.Tab)}},
		Tab:    string(q.Tab), Order: "desc", PageIs: "first", Text: q.Search, Size: readmodel.PageSize, More: found.Later,
	}
	if q.Tab.OldestFirst() {
		page.Order = "asc"
	}
	if found.Earlier {
		page.PageIs = "other"
	}
	for _, p := range found.Rows {
		page.Rows = append(page.Rows, paymentRowOf(p))
	}
	return paymentsView.Render(c, http.StatusOK, web.Page{Title: "Payments", Nav: "payments"}, page)
}

func readPaymentQuery(c echo.Context) (q readmodel.Query, err error) {
	q.Tab = readmodel.Tab(c.QueryParam("tab"))
	switch q.Tab {
	case "":
		q.Tab = readmodel.Waiting
	case readmodel.Waiting, readmodel.Accepted, readmodel.Rejected, readmodel.All:
	default:
		return q, web.NotFound("There is no such list.")
	}
	if q.Search, err = searched(c); err != nil {
		return q, err
	}
	if q.After, err = position(c.QueryParam("after")); err != nil {
		return q, err
	}
	q.Before, err = position(c.QueryParam("before"))
	return q, err
}

// searched is what somebody typed into the search, without what no text may have.
func searched(c echo.Context) (string, error) { return web.ReadSearch(c.QueryParam("q")) }

// position reads a page's place from its address; nil if there is none.
func position(text string) (*readmodel.Position, error) {
	if text == "" {
		return nil, nil
	}
	p, err := web.DecodeCursor[readmodel.Position](text)
	if err != nil {
		return nil, err
	}
	if _, err := uuid.Parse(p.ID); err != nil || p.At.Year() < 1 || p.At.Year() > 9999 {
		return nil, web.BadRequest("This page's address is not complete. Please start from the first page.")
	}
	return &p, nil
}

func address(q readmodel.Query, tab readmodel.Tab, more ...string) string {
	parameters := map[string]string{"tab": string(tab), "q": q.Search}
	if tab == readmodel.Waiting {
		parameters["tab"] = ""
	}
	for i := 0; i+1 < len(more); i += 2 {
		parameters[more[i]] = more[i+1]
	}
	return web.Address("/payments", parameters)
}

func paymentTabs(q readmodel.Query, waiting int) web.Tabs {
	made := web.Tabs{
		{Label: "Waiting", Fragment: waitingCount, Count: waiting}, {Label: "Accepted"}, {Label: "Rejected"}, {Label: "All"},
	}
	for i, tab := range []readmodel.Tab{readmodel.Waiting, readmodel.Accepted, readmodel.Rejected, readmodel.All} {
		made[i].Href, made[i].Current = address(q, tab), tab == q.Tab
	}
	return made
}

// paymentPager leads to the pages before and after, by the positions of this page's ends.
func paymentPager(q readmodel.Query, page readmodel.Page[readmodel.Payment]) (p web.Pager) {
	if len(page.Rows) == 0 && (q.After != nil || q.Before != nil) { // the rows of this page have gone elsewhere
		p.Previous = address(q, q.Tab)
		return p
	}
	var earlier, later string // none of an empty list, which rows may still come to
	if page.Earlier {
		earlier = address(q, q.Tab, "before", web.EncodeCursor(page.Rows[0].Position()))
	}
	if page.Later {
		later = address(q, q.Tab, "after", web.EncodeCursor(page.Rows[len(page.Rows)-1].Position()))
	}
	if q.Tab.OldestFirst() {
		p.Previous, p.Next, p.Summary = earlier, later, "Oldest first"
		return p
	}
	p.Newer, p.Older, p.Summary = earlier, later, "Newest first"
	return p
}

// emptyPayments explains what an empty list means and what to do.
func emptyPayments(q readmodel.Query) web.Empty {
	if q.Search != "" {
		return web.Empty{Title: "Nothing found", Text: fmt.Sprintf("No payment here has “%s” in its contractor's name, description or amount. "+
			"Words may be cut short, and an id may be given instead.", q.Search), Action: &web.Link{Label: "Show all payments", Href: "/payments?tab=all"}}
	}
	switch q.Tab {
	case readmodel.Waiting:
		return web.Empty{Title: "Nothing waits for you", Text: "New requests of the contractors appear here by themselves, the oldest first.",
			Action: &web.Link{Label: "See what was accepted", Href: "/payments?tab=accepted"}}
	case readmodel.Accepted:
		return web.Empty{Title: "Nothing accepted yet", Text: "What you accept appears here, with what becomes of the money.",
			Action: &web.Link{Label: "See what waits", Href: "/payments"}}
	case readmodel.Rejected:
		return web.Empty{Title: "Nothing rejected", Text: "What you reject appears here, with your reason.",
			Action: &web.Link{Label: "See what waits", Href: "/payments"}}
	}
	return web.Empty{Title: "No payments yet", Text: "As soon as a contractor requests a payment, it appears here by itself."}
}
