package pages

import (
	"strings"
	"time"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

// shownText is how much of a description a row shows, in characters.
const shownText = 90

// paymentRow is a payment in the list, and in pushes to it.
type paymentRow struct {
	ID          string // in HTML
	Sort        string // what lists are sorted by
	ByAmount    string
	ByText      string
	Revision    int64
	Href        string
	Reference   string // "" of a payment without one
	Text, Title string // the description, clipped; Title is more of it, "" if Text is all
	Amount      money.Amount
	RequestedAt time.Time
	Decision    web.Badge
	DecidedBy   string
	DecidedAt   time.Time // zero while it waits
	Money       web.Badge // no text where there is nothing to say
	MoneyDetail string    // "to be captured by a manager"
	Pending     bool
}

func paymentRowOf(p readmodel.Payment) paymentRow {
	r := paymentRow{
		ID: payment.Stream(p.ID), Sort: sortKey(p.RequestedAt, p.ID), Revision: p.Shown(), Href: paymentPath(p.ID),
		Reference: p.Called(), Text: clip(p.Description, shownText), Amount: p.Amount(), RequestedAt: p.RequestedAt,
		ByAmount: p.Place(readmodel.ByAmount).Key, ByText: p.Place(readmodel.ByDescription).Key,
		Decision: decisionBadge(p.Decision, p.Money), DecidedBy: p.DecidedByName,
		Money: moneyBadge(p.Payment()), Pending: p.Pending,
	}
	r.Money.Text, r.MoneyDetail, _ = strings.Cut(r.Money.Text, ", ")
	if r.Text != p.Description {
		r.Title = clip(p.Description, 4*shownText)
	}
	if p.DecidedAt != nil {
		r.DecidedAt = *p.DecidedAt
	}
	return r
}

// decisionBadge is neutral once the hold was released or the money refunded: the money's badge says so.
func decisionBadge(d payment.Decision, m payment.Money) web.Badge {
	tone := map[payment.Decision]web.Tone{
		payment.DecisionRequested: web.Waiting, payment.DecisionAccepted: web.Good, payment.DecisionRejected: web.Bad,
	}[d]
	if tone == "" || m == payment.MoneyReleased || m == payment.MoneyRefunded {
		tone = web.Neutral
	}
	return web.Badge{Tone: tone, Text: paymentview.DecisionLabel(d)}
}

// moneyBadge has no text for money that never moves.
func moneyBadge(p payment.Payment) web.Badge {
	tone := map[payment.Money]web.Tone{
		payment.MoneyCaptured: web.Good, payment.MoneyAuthorized: web.Info, payment.MoneyDeclined: web.Warning,
		payment.MoneyReleased: web.Warning, payment.MoneyRefunded: web.Neutral,
	}[p.Money]
	switch {
	case p.Stuck != payment.NoOperation:
		tone = web.Warning
	case p.Money == payment.MoneyDeclined && p.Final:
		tone = web.Bad
	case tone == "" && p.Decision == payment.DecisionAccepted:
		tone = web.Info
	case tone == "":
		return web.Badge{}
	}
	return web.Badge{Tone: tone, Text: paymentview.MoneyLabel(p)}
}

// sortKey orders rows as the list does when read from the end: by when they began, then by id. As text it
// compares like the pair.
func sortKey(began time.Time, id string) string {
	return event.Kept(began).Format("2006-01-02T15:04:05.000000") + " " + id
}

// clip is a text in one line, cut to so many characters.
func clip(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return text
}

// total is an amount for each currency, under a name.
type total struct {
	Key, Label, Hint string
	Amounts          []money.Amount
}

// Fragment is the total's name for live updates.
func (t total) Fragment() string { return "total-" + t.Key }

func totalsOf(t readmodel.Totals) []total {
	return []total{
		{"waiting", "Waiting", "for a manager's decision", t.Waiting},
		{"accepted", "Accepted", "on its way to you", t.Accepted},
		{"paid-out", "Paid out", "so far", t.PaidOut},
	}
}
