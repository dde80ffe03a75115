package pages

import (
	"context"
	"strings"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
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

// NewLive returns the renderer of the pusher.
func NewLive(db *pg.DB, renderer *web.Renderer) live.Renderer {
	return Live{DB: db, Renderer: renderer}
}

// Rows renders payments and orders, each for its contractor. An order shows its payments, so a payment that
// changed changes its order's row too. A product changes the drafts that have it, and so does a customer.
func (l Live) Rows(ctx context.Context, streams []string) ([]live.Row, error) {
	drafted, err := readmodel.FindDrafted(ctx, l.DB, live.IDs(streams, catalog.ProductStream("")))
	if err != nil {
		return nil, err
	}
	rows, err := live.AddRows(nil, drafted, drafter)
	if err != nil {
		return nil, err
	}
	chosen, err := readmodel.FindChosen(ctx, l.DB, live.IDs(streams, catalog.CustomerStream("")))
	if err != nil {
		return nil, err
	}
	if rows, err = live.AddRows(rows, chosen, drafter); err != nil {
		return nil, err
	}
	payments, err := readmodel.Find(ctx, l.DB, live.IDs(streams, payment.Stream(""))...)
	if err != nil {
		return nil, err
	}
	if rows, err = live.AddRows(rows, payments, l.payment); err != nil {
		return nil, err
	}
	ids := live.IDs(streams, order.Stream(""))
	for _, p := range payments {
		if p.OrderID != nil {
			ids = append(ids, *p.OrderID)
		}
	}
	orders, err := readmodel.FindOrders(ctx, l.DB, ids...)
	if err != nil {
		return nil, err
	}
	return live.AddRows(rows, orders, l.order)
}

// drafter is a change for a contractor who has a product or a customer in a draft: pages that are open show
// what it costs now, or that another customer is to be chosen.
func drafter(d readmodel.Drafted) (live.Row, error) {
	return live.Row{Audience: audience(d.ContractorID), ID: d.Stream, Revision: d.Revision}, nil
}

func (l Live) payment(p readmodel.Payment) (live.Row, error) {
	r := paymentRowOf(p)
	html, err := paymentRowFragment.HTML(l.Renderer, r)
	return live.Row{
		Audience: audience(p.ContractorID), List: paymentList, ID: r.ID, Revision: r.Revision,
		Tabs: []string{tabKey(p.Decision)}, Sort: r.Sort, HTML: html,
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
	fragments := []live.Fragment{number(to, waitingCount, sums.Waits)}
	for _, t := range orderview.Tabs {
		if t.Counted {
			fragments = append(fragments, number(to, t.Fragment(), counts[t.State].Count))
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
