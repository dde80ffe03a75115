package pages

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

// orderRow is an order in the list, and in pushes to it.
type orderRow struct {
	ID, Sort  string // HTML id and data-sort
	Revision  int64
	Href      string
	Name      string // its number, or what a draft is called
	Lines     string // "3 products"
	Customer  string // "" while none is chosen
	Total     *money.Amount
	DraftedAt time.Time
	State     web.Badge
	Payment   web.Badge // of the payment that counts; no text without one
	Stuck     string    // why that payment's money does not move: "the release is stuck at the gateway"
	PayBy     time.Time // until when a submitted order must be paid; zero for others
}

func orderRowOf(o readmodel.Order) orderRow {
	r := orderRow{
		ID: order.Stream(o.ID.String()), Sort: o.SortKey(), Revision: o.Shown(), Href: orderPath(o.ID.String()),
		Name: o.Number, Lines: count(o.Lines, "product"), Customer: clip(o.CustomerName, shownText),
		DraftedAt: o.DraftedAt, State: stateBadge(o.State),
	}
	if r.Name == "" {
		r.Name = "Draft"
	}
	if o.Currency != "" {
		total := o.Total()
		r.Total = &total
	}
	if o.State == order.StateSubmitted && o.ExpiresAt != nil {
		r.PayBy = *o.ExpiresAt
	}
	if n := len(o.Payments); n > 0 && o.State != order.StatePaid {
		r.Payment, r.Stuck = paymentBadge(o.Payments[n-1])
	}
	return r
}

// paymentBadge is a payment in one badge: what became of the money, or else the decision. Where the money is
// stuck, stuck says so, in the words of the payment's own row.
func paymentBadge(p readmodel.Payment) (badge web.Badge, stuck string) {
	badge = moneyBadge(p.Decision, p.Money, p.Final, p.Stuck, p.MoneyLabel())
	if badge.Text == "" {
		badge = decisionBadge(p.Decision, p.Money)
	}
	short, detail, _ := strings.Cut(badge.Text, ", ")
	if p.Stuck != payment.NoOperation {
		stuck = detail
	}
	return web.Badge{Tone: badge.Tone, Text: "Payment " + lower(short)}, stuck
}

func stateBadge(s order.State) web.Badge {
	tone := map[order.State]web.Tone{
		order.StateDraft: web.Neutral, order.StateSubmitted: web.Waiting, order.StatePaid: web.Good, order.StateExpired: web.Warning, order.StateCancelled: web.Bad,
	}[s]
	if tone == "" {
		tone = web.Neutral
	}
	return web.Badge{Tone: tone, Text: s.Label()}
}

// orderPath is an order's page.
func orderPath(id string) string { return "/orders/" + id }

// idsOf reads ids from the streams' names that begin with prefix.
func idsOf(prefix string, streams []string) []uuid.UUID {
	ids := make([]uuid.UUID, 0, len(streams))
	for _, s := range streams {
		text, ok := strings.CutPrefix(s, prefix)
		if id, err := uuid.Parse(text); ok && err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}
