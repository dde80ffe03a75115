package web

import (
	"context"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/copy"
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

// Rows renders the streams' payments. A stream whose payment nobody has requested yet has none.
func (l *Live) Rows(ctx context.Context, streams []string) ([]live.Row, error) {
	var ids []string
	for _, s := range streams {
		if id, ok := strings.CutPrefix(s, payment.Stream("")); ok && uuid.Validate(id) == nil {
			ids = append(ids, id)
		}
	}
	payments, err := copy.Find(ctx, l.db, ids...)
	if err != nil {
		return nil, err
	}
	rows := make([]live.Row, 0, len(payments))
	for _, p := range payments {
		row := rowOf(p)
		html, err := rowFragment.HTML(l.renderer, row)
		if err != nil {
			return nil, err
		}
		rows = append(rows, live.Row{
			Audience: audience, List: listName, ID: payment.Stream(p.ID), Revision: p.Revision,
			Tabs: copy.TabsOf(p.Decision), Sort: row.Sort, HTML: html,
		})
	}
	return rows, nil
}

// Fragments renders the badge with how many wait, and the line with what they add up to.
func (l *Live) Fragments(ctx context.Context, _ string) ([]live.Fragment, error) {
	totals, err := copy.WaitingTotals(ctx, l.db)
	if err != nil {
		return nil, err
	}
	sentence, err := totalsFragment.HTML(l.renderer, totals)
	if err != nil {
		return nil, err
	}
	return []live.Fragment{
		{Audience: audience, Name: waitingCount, HTML: strconv.Itoa(totals.Count)},
		{Audience: audience, Name: waitingTotals, HTML: sentence},
	}, nil
}
