package pages

import (
	"context"

	"countersign.example/manager-ui/internal/readmodel"
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
func NewLive(db *pg.DB, renderer *web.Renderer) *Live { return &Live{db: db, renderer: renderer} }

// Rows renders the streams' payments, orders, products and customers. A stream whose payment nobody has
// requested yet has none.
func (l *Live) Rows(ctx context.Context, streams []string) ([]live.Row, error) {
	payments, err := readmodel.Find(ctx, l.db, idsOf(streams, payment.Stream(""))...)
	if err != nil {
		return nil, err
	}
	rows := make([]live.Row, 0, len(payments))
	for _, p := range payments {
		row := paymentRowOf(p)
		html, err := paymentRowFragment.HTML(l.renderer, row)
		if err != nil {
			return nil, err
		}
		rows = append(rows, live.Row{
			Audience: audience, List: paymentList, ID: payment.Stream(p.ID), Revision: row.Revision,
			Tabs: readmodel.TabsOf(p.Decision), Sort: row.Sort, HTML: html,
		})
	}
	orders, err := l.orderRows(ctx, streams, payments)
	if err != nil {
		return nil, err
	}
	others, err := l.catalogRows(ctx, streams)
	return append(append(rows, orders...), others...), err
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
	for _, t := range orderTabs {
		if t.counted {
			fragments = append(fragments, live.Fragment{Audience: audience, Name: countFragment(t.state), HTML: web.CountText(counts[t.state])})
		}
	}
	return fragments, nil
}
