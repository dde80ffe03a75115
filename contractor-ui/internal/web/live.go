package web

import (
	"context"
	"strconv"
	"strings"

	"countersign.example/contractor-ui/internal/copy"
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

// Rows renders payments, each for its contractor.
func (l Live) Rows(ctx context.Context, streams []string) ([]live.Row, error) {
	payments, err := copy.Find(ctx, l.DB, uuids(streams))
	if err != nil {
		return nil, err
	}
	rows := make([]live.Row, 0, len(payments))
	for _, p := range payments {
		r := rowOf(p)
		html, err := paymentRow.HTML(l.Renderer, r)
		if err != nil {
			return nil, err
		}
		rows = append(rows, live.Row{
			Audience: audience(p.ContractorID), List: listName, ID: r.ID, Revision: r.Revision,
			Tabs: []string{tabOf(p.Decision)}, Sort: r.Sort, HTML: html,
		})
	}
	return rows, nil
}

// tabOf is the tab beside "All" that a payment is in. A cancelled one has a name without a tab, and
// so is in "All" only.
func tabOf(d payment.Decision) string { return tabKey(d) }

// Fragments renders a contractor's totals and the number of those that wait.
func (l Live) Fragments(ctx context.Context, to string) ([]live.Fragment, error) {
	contractor, ok := strings.CutPrefix(to, audience(""))
	if !ok {
		return nil, nil
	}
	sums, err := copy.ReadTotals(ctx, l.DB, contractor)
	if err != nil {
		return nil, err
	}
	fragments := []live.Fragment{{Audience: to, Name: waitingCount, HTML: strconv.FormatInt(sums.Count[payment.DecisionRequested], 10)}}
	for _, t := range totalsOf(sums) {
		html, err := totalFragment.HTML(l.Renderer, t)
		if err != nil {
			return nil, err
		}
		fragments = append(fragments, live.Fragment{Audience: to, Name: t.Fragment(), HTML: html})
	}
	return fragments, nil
}
