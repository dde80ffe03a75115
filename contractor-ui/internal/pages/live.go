package pages

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// Live renders what is pushed to open pages, with the templates of the pages themselves.
type Live struct {
	DB       *pg.DB
	Renderer *web.Renderer
}

var _ live.Renderer = Live{}

// Rows renders payments and orders, each for its contractor. An order shows its payments, so a payment
// that changed changes its order's row too. A product changes the drafts that have it.
func (l Live) Rows(ctx context.Context, streams []string) ([]live.Row, error) {
	payments, err := readmodel.Find(ctx, l.DB, idsOf(payment.Stream(""), streams))
	if err != nil {
		return nil, err
	}
	wanted := map[uuid.UUID]bool{}
	for _, id := range idsOf(order.Stream(""), streams) {
		wanted[id] = true
	}
	rows, err := l.products(ctx, idsOf(catalog.ProductStream(""), streams))
	if err != nil {
		return nil, err
	}
	for _, p := range payments {
		row, err := l.payment(p)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		if p.OrderID != nil {
			wanted[*p.OrderID] = true
		}
	}
	ids := make([]uuid.UUID, 0, len(wanted))
	for id := range wanted {
		ids = append(ids, id)
	}
	orders, err := readmodel.FindOrders(ctx, l.DB, ids)
	if err != nil {
		return nil, err
	}
	for _, o := range orders {
		row, err := l.order(o)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// products renders a change for contractors who have the product in a draft: one that is open shows what
// its order costs now.
func (l Live) products(ctx context.Context, ids []uuid.UUID) ([]live.Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	drafted, err := readmodel.FindDrafted(ctx, l.DB, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]live.Row, len(drafted))
	for i, d := range drafted {
		rows[i] = live.Row{Audience: audience(d.ContractorID), ID: catalog.ProductStream(d.ProductID.String()), Revision: d.Revision}
	}
	return rows, nil
}

func (l Live) payment(p readmodel.Payment) (live.Row, error) {
	r := paymentRowOf(p)
	html, err := paymentRowFragment.HTML(l.Renderer, r)
	return live.Row{
		Audience: audience(p.ContractorID), List: paymentList, ID: r.ID, Revision: r.Revision,
		Tabs: []string{tabOf(p.Decision)}, Sort: r.Sort, HTML: html,
	}, err
}

func (l Live) order(o readmodel.Order) (live.Row, error) {
	r := orderRowOf(o)
	html, err := orderRowFragment.HTML(l.Renderer, r)
	return live.Row{
		Audience: audience(o.ContractorID), List: orderList, ID: r.ID, Revision: r.Revision,
		Tabs: []string{string(o.State)}, Sort: r.Sort, HTML: html,
	}, err
}

// tabOf is the tab beside "All" that a payment is in. A cancelled one has a name without a tab, and
// so is in "All" only.
func tabOf(d payment.Decision) string { return tabKey(d) }

// Fragments renders a contractor's totals, and how many payments and orders wait.
func (l Live) Fragments(ctx context.Context, to string) ([]live.Fragment, error) {
	contractor, ok := strings.CutPrefix(to, audience(""))
	if !ok {
		return nil, nil
	}
	sums, err := readmodel.ReadTotals(ctx, l.DB, contractor)
	if err != nil {
		return nil, err
	}
	counts, err := readmodel.CountOrders(ctx, l.DB, contractor)
	if err != nil {
		return nil, err
	}
	fragments := []live.Fragment{number(to, waitingCount, int(sums.Count[payment.DecisionRequested]))}
	for _, t := range orderTabs {
		if t.counted {
			fragments = append(fragments, number(to, countFragment(t.state), int(counts[t.state])))
		}
	}
	for _, t := range totalsOf(sums) {
		html, err := totalFragment.HTML(l.Renderer, t)
		if err != nil {
			return nil, err
		}
		fragments = append(fragments, live.Fragment{Audience: to, Name: t.Fragment(), HTML: html})
	}
	return fragments, nil
}

func number(to, name string, n int) live.Fragment {
	return live.Fragment{Audience: to, Name: name, HTML: web.CountText(n)}
}
