package pages

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/web"
)

// paymentList is the list in the page's data-live-list and in pushes.
const paymentList = "payments"

var paymentPaging = web.Paging{Sort: paymentview.Newest, Before: "newer", After: "older"}

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
	Totals   []total
	Tabs     web.Tabs
	Search   web.Search
	Rows     []paymentRow
	Pager    web.Pager
	Empty    web.Empty
	Tab      string
	First    bool // the page to which new payments come
	PageSize int
}

func (h *handlers) listPayments(c echo.Context) error {
	q, err := readPaymentQuery(c)
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
	waiting := int(sums.Count[payment.DecisionRequested])
	if q.Search != "" {
		if waiting, err = readmodel.CountFound(ctx, h.db, q.Contractor, payment.DecisionRequested, q.Search); err != nil {
			return err
		}
	}
	tab := tabKey(payment.Decision(q.Tab))
	data := paymentsPage{
		Totals:   totalsOf(sums),
		Search:   web.Search{Action: "/", Value: q.Search, Label: "Search payments", Keep: map[string]string{"tab": tab}},
		Pager:    web.PagerOf(paymentPaging, page, addressIn("/", tab, q.Search)),
		Empty:    emptyPayments(q),
		Tab:      tab,
		First:    page.First,
		PageSize: readmodel.PageSize,
	}
	for _, t := range paymentTabs {
		shown := web.Tab{
			Label: t.label, Current: string(t.decision) == q.Tab,
			Href: web.Address("/", map[string]string{"tab": tabKey(t.decision), "q": q.Search}),
		}
		if t.decision == payment.DecisionRequested {
			shown.Fragment, shown.Count, shown.Narrowed = waitingCount, waiting, q.Search != ""
		}
		data.Tabs = append(data.Tabs, shown)
	}
	for _, p := range page.Rows {
		data.Rows = append(data.Rows, paymentRowOf(p))
	}
	return paymentsView.Render(c, http.StatusOK, web.Page{Title: "Payments", Nav: "payments"}, data)
}

// readPaymentQuery reads the list's address. A tab that does not exist is 404.
func readPaymentQuery(c echo.Context) (readmodel.Query, error) {
	for _, t := range paymentTabs {
		if tabKey(t.decision) == c.QueryParam("tab") {
			return readQuery(c, paymentPaging, string(t.decision))
		}
	}
	return readmodel.Query{}, web.NotFound("There is no such list of payments.")
}

// readQuery reads what of a list of the person's an address asks for.
func readQuery(c echo.Context, paging web.Paging, tab string) (q readmodel.Query, err error) {
	q.Contractor, q.Tab = web.PersonOf(c).ID, tab
	if q.Search, err = web.ReadSearch(c.QueryParam("q")); err != nil {
		return q, err
	}
	return q, paging.Read(c, &q.Query)
}

// addressIn makes addresses of pages of a list.
func addressIn(path, tab, search string) func(parameter, value string) string {
	return func(parameter, value string) string {
		return web.Address(path, map[string]string{"tab": tab, "q": search, parameter: value})
	}
}

// emptyPayments explains what to do where the list has nothing.
func emptyPayments(q readmodel.Query) web.Empty {
	request := &web.Link{Label: "Request new payment", Href: "/payments/new"}
	if q.Search != "" {
		all := &web.Link{Label: "Show all payments", Href: "/"}
		return web.Empty{Title: "Nothing found", Text: fmt.Sprintf("No payment here has “%s” in it. Search for the beginnings of words of its description, or for its number.",
			clip(q.Search, 60)), Action: all}
	}
	switch payment.Decision(q.Tab) {
	case payment.DecisionRequested:
		return web.Empty{Title: "Nothing waits", Text: "Every payment you asked for has been decided.", Action: request}
	case payment.DecisionAccepted:
		return web.Empty{Title: "Nothing accepted yet", Text: "Payments that a manager accepts are listed here, with what became of the money."}
	case payment.DecisionRejected:
		return web.Empty{Title: "Nothing rejected", Text: "If a manager rejects a payment, it is listed here with the reason, and you can ask again."}
	case payment.DecisionWithdrawn:
		return web.Empty{Title: "Nothing withdrawn", Text: "While a payment waits you can withdraw it on its page."}
	}
	return web.Empty{Title: "No payments yet", Text: "Ask to be paid: say how much and what for. A manager decides, and you see that here at once.", Action: request}
}
