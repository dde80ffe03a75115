package pages

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	list "countersign.example/pkg/readmodel"
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
	found, err := readmodel.List(ctx, h.db, q.Tab, q.Query)
	if err != nil {
		return err
	}
	totals, err := readmodel.WaitingTotals(ctx, h.db)
	if err != nil {
		return err
	}
	waiting := totals.Count
	if q.Search != "" {
		if waiting, err = readmodel.CountFound(ctx, h.db, readmodel.Waiting, q.Search); err != nil {
			return err
		}
	}
	page := paymentsPage{
		Totals: totals, Tabs: paymentTabs(q, waiting), Empty: emptyPayments(q),
		Pager:  web.PagerOf(q.paging(), found, func(parameter, value string) string { return address(q, q.Tab, parameter, value) }),
		Search: web.Search{Action: "/payments", Value: q.Search, Keep: map[string]string{"tab": string(q.Tab)}},
		Tab:    string(q.Tab), Order: "desc", PageIs: pageIs(found.First), Text: q.Search, Size: readmodel.PageSize, More: found.After != nil,
	}
	page.Pager.Summary = "Newest first" // of an empty list too, which rows may still come to
	if !q.Tab.Sort().Desc {
		page.Order, page.Pager.Summary = "asc", "Oldest first"
	}
	for _, p := range found.Rows {
		page.Rows = append(page.Rows, paymentRowOf(p))
	}
	return paymentsView.Render(c, http.StatusOK, web.Page{Title: "Payments", Nav: "payments"}, page)
}

// paymentQuery is what an address asks for.
type paymentQuery struct {
	list.Query
	Tab readmodel.Tab
}

func (q paymentQuery) paging() web.Paging {
	return web.Paging{Sort: q.Tab.Sort(), Before: "before", After: "after"}
}

func readPaymentQuery(c echo.Context) (q paymentQuery, err error) {
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
	return q, q.paging().Read(c, &q.Query)
}

// searched is what somebody typed into the search, without what no text may have.
func searched(c echo.Context) (string, error) { return web.ReadSearch(c.QueryParam("q")) }

func address(q paymentQuery, tab readmodel.Tab, more ...string) string {
	parameters := map[string]string{"tab": string(tab), "q": q.Search}
	if tab == readmodel.Waiting {
		parameters["tab"] = ""
	}
	for i := 0; i+1 < len(more); i += 2 {
		parameters[more[i]] = more[i+1]
	}
	return web.Address("/payments", parameters)
}

func paymentTabs(q paymentQuery, waiting int) web.Tabs {
	made := web.Tabs{
		{Label: "Waiting", Fragment: waitingCount, Count: waiting, Narrowed: q.Search != ""}, {Label: "Accepted"}, {Label: "Rejected"}, {Label: "All"},
	}
	for i, tab := range []readmodel.Tab{readmodel.Waiting, readmodel.Accepted, readmodel.Rejected, readmodel.All} {
		made[i].Href, made[i].Current = address(q, tab), tab == q.Tab
	}
	return made
}

// emptyPayments explains what an empty list means and what to do.
func emptyPayments(q paymentQuery) web.Empty {
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
