package pages

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/payments-core/paymentview"
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
	Totals readmodel.Totals
	Tabs   web.Tabs
	Views  web.Views
	Search web.Search
	Filter web.FilterForm
	Heads  []web.Head
	Rows   []paymentRow
	Empty  web.Empty
	Pager  web.Pager
	Live   web.LiveList
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
	contractors, err := h.paymentContractors(c, &q)
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
	sums, waiting := list.Sums{}, list.Sums{Count: totals.Count}
	if q.IsNarrowed() {
		if sums, waiting, err = readmodel.AddUp(ctx, h.db, q.Tab, q.Query); err != nil {
			return err
		}
	}
	heads := []web.Head{
		q.Head("Contractor", "", readmodel.ByContractor.Name), {Label: "For"}, q.Head("Amount", "amount", readmodel.ByAmount.Name),
		q.Head("Asked", "", paymentview.Oldest.Name), {Label: "Status"},
	}
	page := paymentsPage{
		Totals: totals, Tabs: paymentTabs(q, waiting), Search: q.SearchBox(""), Filter: q.FilterForm(sums, "payment", heads, contractors),
		Heads: heads,
		Pager: web.ListPager(q.List, found), Live: web.LiveOf(q.List, paymentList, string(q.Tab), found),
	}
	if page.Views, err = q.Views(c); err != nil {
		return err
	}
	page.Empty = page.Pager.EmptyOr(emptyPayments(q))
	page.Pager.Export = q.ExportPath(paymentsPath + "/export")
	switch q.Sort { // of an empty list too, which rows may still come to
	case paymentview.Newest:
		page.Pager.Summary = "Newest first"
	case paymentview.Oldest:
		page.Pager.Summary = "Oldest first"
	}
	for _, p := range found.Rows {
		page.Rows = append(page.Rows, paymentRowOf(p))
	}
	return paymentsView.Render(c, q.Status(), web.Page{Title: "Payments", Nav: "payments"}, page)
}

// exportPayments answers with a file of what the list has, on all its pages.
func (h *handlers) exportPayments(c echo.Context) error {
	q, err := readPaymentQuery(c)
	if err != nil {
		return err
	}
	if _, err := h.paymentContractors(c, &q); err != nil {
		return err
	}
	whole, err := q.Whole()
	if err != nil {
		return err
	}
	rows := readmodel.ListWhole(c.Request().Context(), h.db, q.Tab, whole)
	return web.SendCSV(c, "payments", paymentview.ExportColumns, func(yield func([]string, error) bool) {
		for p, err := range rows {
			if !yield(paymentview.ExportCells(p.Row, p.Amount()), err) {
				return
			}
		}
	})
}

// paymentQuery is what an address asks for.
type paymentQuery struct {
	web.List
	Tab readmodel.Tab
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
	q.List, err = web.ReadList(c, web.ListOptions{
		Path: paymentsPath, Before: "before", After: "after", Default: q.Tab.Sort(),
		Sorts: []list.Sort{paymentview.Oldest, readmodel.ByAmount, readmodel.ByContractor},
		Money: readmodel.ByAmount, Time: "requested_at", Kept: []string{"contractor"}, Views: paymentsPath + "/views",
	})
	return q, err
}

// paymentContractors is the field of whose payments are listed, which narrows the list to those.
func (h *handlers) paymentContractors(c echo.Context, q *paymentQuery) (web.Field, error) {
	chosen, err := web.ReadSearch(c.QueryParam("contractor"))
	if err != nil {
		return web.Field{}, err
	}
	some, err := readmodel.PaymentContractors(c.Request().Context(), h.db, chosen)
	if err != nil {
		return web.Field{}, err
	}
	choices, name := []web.Choice{{Label: "Everybody"}}, chosen
	for _, b := range some {
		choices = append(choices, web.Choice{Value: b.ID, Label: nameOr(b.Name, b.ID)})
		if b.ID == chosen {
			name = nameOr(b.Name, b.ID)
		}
	}
	if chosen != "" {
		q.Narrow(readmodel.OfContractor(chosen), "Of "+name, "contractor")
	}
	return web.NewForm(map[string]string{"contractor": chosen}).Field("contractor", "Contractor").Select(choices), nil
}

// searched is what somebody typed into the search, without what no text may have.
func searched(c echo.Context) (string, error) { return web.ReadSearch(c.QueryParam("q")) }

func paymentTabs(q paymentQuery, waiting list.Sums) web.Tabs {
	made := web.Tabs{
		{Label: "Waiting", Fragment: waitingCount, Count: waiting.Count, More: waiting.More, Narrowed: q.IsNarrowed()}, {Label: "Accepted"}, {Label: "Rejected"}, {Label: "All"},
	}
	for i, tab := range []readmodel.Tab{readmodel.Waiting, readmodel.Accepted, readmodel.Rejected, readmodel.All} {
		made[i].Href, made[i].Current = q.Address("tab", string(tab), "sort", ""), tab == q.Tab
		if tab == readmodel.Waiting {
			made[i].Href = q.Address("tab", "", "sort", "")
		}
	}
	return made
}

// emptyPayments explains what an empty list means and what to do.
func emptyPayments(q paymentQuery) web.Empty {
	if q.Search != "" {
		return web.Empty{Title: "Nothing found", Text: fmt.Sprintf("No payment here has “%s” in its contractor's name, description or amount. "+
			"Words may be cut short, and an id may be given instead.", q.Search), Action: &web.Link{Label: "Show all payments", Href: "/payments?tab=all"}}
	}
	if q.IsNarrowed() {
		return web.Empty{Title: "Nothing found", Text: "No payment here fits the filter.", Action: &web.Link{Label: "Show everything", Href: q.Everything()}}
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
	return web.Empty{Title: "No payments yet", Text: "As soon as a contractor requests a payment, it appears here by itself.",
		Action: &web.Link{Label: "See the orders", Href: ordersPath}}
}
