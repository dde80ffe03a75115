package pages

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/web"
)

// paymentList is the list in the page's data-live-list and in pushes.
const paymentList = "payments"

// waitingCount is the live fragment beside the tab "Waiting".
const waitingCount = "waiting-count"

// paymentTabs are the parts of the list, by decision. See tabKey for a tab's key.
var paymentTabs = []struct {
	label    string
	decision payment.Decision
}{
	{"All", payment.DecisionNone},
	{"Waiting", payment.DecisionRequested},
	{"Accepted", payment.DecisionAccepted},
	{"Rejected", payment.DecisionRejected},
	{"Withdrawn", payment.DecisionWithdrawn},
}

// tabKey is a decision as it stands in addresses and in data-live-tab.
func tabKey(d payment.Decision) string {
	if d == payment.DecisionRequested {
		return "waiting"
	}
	return string(d)
}

// paymentsPage is a contractor's list.
type paymentsPage struct {
	Totals []total
	Tabs   web.Tabs
	Views  web.Views
	Search web.Search
	Filter web.FilterForm
	Heads  []web.Head
	Rows   []paymentRow
	Pager  web.Pager
	Empty  web.Empty
	Live   web.LiveList
}

func (h *handlers) listPayments(c echo.Context) error {
	l, q, err := readPaymentQuery(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	page, err := readmodel.List(ctx, h.db, q)
	if err != nil {
		return err
	}
	sums, err := readmodel.ReadTotals(ctx, h.db, q.Contractor)
	if err != nil {
		return err
	}
	found, waiting := list.Sums{}, list.Sums{Count: sums.Waits}
	if l.IsNarrowed() {
		if found, waiting, err = readmodel.AddUp(ctx, h.db, q); err != nil {
			return err
		}
	}
	heads := []web.Head{
		l.Head("For", "", readmodel.ByDescription.Name), l.Head("Amount", "amount", readmodel.ByAmount.Name),
		l.Head("Asked", "", paymentview.Oldest.Name), {Label: "Decision"}, {Label: "Money"},
	}
	data := paymentsPage{
		Totals: totalsOf(sums), Search: l.SearchBox("Search payments"), Filter: l.FilterForm(found, "payment", heads),
		Heads: heads,
		Pager: web.ListPager(l, page), Live: web.LiveOf(l, paymentList, tabKey(payment.Decision(q.Tab)), page),
	}
	if data.Views, err = l.Views(c); err != nil {
		return err
	}
	data.Empty = data.Pager.EmptyOr(emptyPayments(l, q))
	data.Pager.Export = l.ExportPath("/payments/export")
	for _, t := range paymentTabs {
		shown := web.Tab{Label: t.label, Current: string(t.decision) == q.Tab, Href: l.Address("tab", tabKey(t.decision))}
		if t.decision == payment.DecisionRequested {
			shown.Fragment, shown.Count, shown.More, shown.Narrowed = waitingCount, waiting.Count, waiting.More, l.IsNarrowed()
		}
		data.Tabs = append(data.Tabs, shown)
	}
	for _, p := range page.Rows {
		data.Rows = append(data.Rows, paymentRowOf(p))
	}
	return paymentsView.Render(c, l.Status(), web.Page{Title: "Payments", Nav: "payments"}, data)
}

// exportPayments answers with a file of what the list has, on all its pages.
func (h *handlers) exportPayments(c echo.Context) error {
	l, q, err := readPaymentQuery(c)
	if err != nil {
		return err
	}
	if q.Query, err = l.Whole(); err != nil {
		return err
	}
	rows := readmodel.ListWhole(c.Request().Context(), h.db, q)
	return web.SendCSV(c, "payments", paymentview.ExportColumns, func(yield func([]string, error) bool) {
		for p, err := range rows {
			if !yield(paymentview.ExportCells(p.Row, p.Amount()), err) {
				return
			}
		}
	})
}

// readPaymentQuery reads the list's address. A tab that does not exist is 404.
func readPaymentQuery(c echo.Context) (l web.List, q readmodel.Query, err error) {
	for _, t := range paymentTabs {
		if tabKey(t.decision) != c.QueryParam("tab") {
			continue
		}
		l, err = web.ReadList(c, web.ListOptions{
			Path: "/", Before: "newer", After: "older", Default: paymentview.Newest,
			Sorts: []list.Sort{paymentview.Oldest, readmodel.ByAmount, readmodel.ByDescription}, Money: readmodel.ByAmount, Time: "requested_at",
			Views: "/payments/views",
		})
		return l, readmodel.Query{Query: l.Query, Contractor: web.PersonOf(c).ID, Tab: string(t.decision)}, err
	}
	return l, q, web.NotFound("There is no such list of payments.")
}

// emptyPayments explains what to do where the list has nothing.
func emptyPayments(l web.List, q readmodel.Query) web.Empty {
	request := &web.Link{Label: "Request new payment", Href: "/payments/new"}
	all := &web.Link{Label: "Show all payments", Href: "/"}
	if q.Search != "" {
		return web.Empty{Title: "Nothing found", Text: fmt.Sprintf("No payment here has “%s” in it. Search for any part of its description, its amount or its number, such as P-2026-004217.",
			clip(q.Search, 60)), Action: all}
	}
	if l.IsNarrowed() {
		return web.Empty{Title: "Nothing found", Text: "No payment here fits the filter.", Action: &web.Link{Label: "Show everything", Href: l.Everything()}}
	}
	switch payment.Decision(q.Tab) {
	case payment.DecisionRequested:
		return web.Empty{Title: "Nothing waits", Text: "Every payment you asked for has been decided.", Action: request}
	case payment.DecisionAccepted:
		return web.Empty{Title: "Nothing accepted yet", Text: "Payments that a manager accepts are listed here, with what became of the money.", Action: all}
	case payment.DecisionRejected:
		return web.Empty{Title: "Nothing rejected", Text: "If a manager rejects a payment, it is listed here with the reason, and you can ask again.", Action: all}
	case payment.DecisionWithdrawn:
		return web.Empty{Title: "Nothing withdrawn", Text: "While a payment waits you can withdraw it on its page.", Action: all}
	}
	return web.Empty{Title: "No payments yet", Text: "Ask to be paid: say how much and what for. A manager decides, and you see that here at once.", Action: request}
}
