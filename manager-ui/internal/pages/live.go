package pages

import (
	"context"
	"errors"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/web"
)

// audience is everybody here: all managers see the same.
const audience = "managers"

// Live renders what changed, for the pusher.
type Live struct {
	db       *pg.DB
	renderer *web.Renderer
}

// NewLive returns the pusher's renderer.
func NewLive(db *pg.DB, renderer *web.Renderer) live.Renderer {
	return &Live{db: db, renderer: renderer}
}

// Rows renders the streams' payments, orders, products and customers. A payment that changed changes its
// order's row too. A stream whose payment nobody has requested yet has none.
func (l *Live) Rows(ctx context.Context, streams []string) ([]live.Row, error) {
	payments, err := readmodel.Find(ctx, l.db, live.IDs(streams, payment.Stream(""))...)
	if err != nil {
		return nil, err
	}
	ids := live.IDs(streams, order.Stream(""))
	for _, p := range payments {
		if p.OrderID != nil {
			ids = append(ids, *p.OrderID)
		}
	}
	orders, err := readmodel.FindOrders(ctx, l.db, ids...)
	if err != nil {
		return nil, err
	}
	products, err := readmodel.FindProducts(ctx, l.db, live.IDs(streams, catalog.ProductStream(""))...)
	if err != nil {
		return nil, err
	}
	customers, err := readmodel.FindCustomers(ctx, l.db, live.IDs(streams, catalog.CustomerStream(""))...)
	if err != nil {
		return nil, err
	}
	persons, err := readmodel.FindPeople(ctx, l.db, live.IDs(streams, people.Stream(""))...)
	if err != nil {
		return nil, err
	}
	rows, errPayments := live.AddRows(nil, payments, func(p readmodel.Payment) (live.Row, error) {
		html, err := paymentRowFragment.HTML(l.renderer, paymentRowOf(p))
		return live.Row{Audience: audience, List: paymentList, ID: payment.Stream(p.ID), Revision: p.Shown(),
			Tabs: readmodel.TabsOf(p.Decision), Sort: sortKey(p.RequestedAt), HTML: html}, err
	})
	rows, errOrders := live.AddRows(rows, orders, func(o readmodel.Order) (live.Row, error) {
		html, err := orderRowFragment.HTML(l.renderer, orderRowOf(o))
		return live.Row{Audience: audience, List: orderList, ID: order.Stream(o.ID), Revision: o.Shown(),
			Tabs: []string{string(o.State)}, Sort: sortKey(o.DraftedAt), HTML: html}, err
	})
	rows, errProducts := live.AddRows(rows, products, func(p readmodel.Product) (live.Row, error) {
		html, err := productRowFragment.HTML(l.renderer, p)
		return live.Row{Audience: audience, List: productList, ID: catalog.ProductStream(p.ID), Revision: p.Revision,
			Tabs: []string{tabOf(p.Archived)}, Sort: p.Sort, HTML: html}, err
	})
	rows, errCustomers := live.AddRows(rows, customers, func(c readmodel.Customer) (live.Row, error) {
		html, err := customerRowFragment.HTML(l.renderer, c)
		return live.Row{Audience: audience, List: customerList, ID: catalog.CustomerStream(c.ID), Revision: c.Revision,
			Tabs: []string{tabOf(c.Archived)}, Sort: c.Sort, HTML: html}, err
	})
	rows, errPeople := live.AddRows(rows, persons, func(p readmodel.Person) (live.Row, error) {
		html, err := personRowFragment.HTML(l.renderer, p)
		return live.Row{Audience: audience, List: peopleList, ID: people.Stream(p.ID), Revision: p.Revision,
			Tabs: personTabs(p), HTML: html}, err // without Sort: a name is for those alone who may look at people
	})
	return rows, errors.Join(errPayments, errOrders, errProducts, errCustomers, errPeople)
}

// Fragments renders the badges with how many wait, and the line with what the payments among them add up to.
func (l *Live) Fragments(ctx context.Context, _ string) ([]live.Fragment, error) {
	totals, err := readmodel.WaitingTotals(ctx, l.db)
	if err != nil {
		return nil, err
	}
	sentence, err := totalsFragment.HTML(l.renderer, totals)
	if err != nil {
		return nil, err
	}
	counts, err := readmodel.CountOrders(ctx, l.db)
	if err != nil {
		return nil, err
	}
	fragments := []live.Fragment{
		{Audience: audience, Name: waitingCount, HTML: web.CountText(totals.Count)},
		{Audience: audience, Name: waitingTotals, HTML: sentence},
	}
	for _, t := range orderview.Tabs {
		if t.Counted {
			fragments = append(fragments, live.Fragment{Audience: audience, Name: t.Fragment(), HTML: web.CountText(counts[t.State].Count)})
		}
	}
	return fragments, nil
}
