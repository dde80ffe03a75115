package pages

import (
	"strings"
	"time"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/payments-core/paymentview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

// paymentRow is a payment in a list.
type paymentRow struct {
	ID, Reference           string // "" of a payment without a reference
	Whose                   string // the contractor's id
	Contractor, Description string
	Revision                int64
	Sort, ByAmount, ByName  string // what lists are sorted by
	Order                   string // the address of the order that it says it is for; "" for none
	Amount                  money.Amount
	RequestedAt             time.Time
	Seen                    string // what a press in the row carries
	Verdict                 string // the decision alone
	Status                  web.Badge
	DecidedBy               string
	Waits                   bool // for a decision
	OnHold                  bool // for a manager to capture or release
	Undo                    *web.Offer
}

var paymentRowFragment = web.NewFragment[paymentRow]("payment-row")

func paymentRowOf(p readmodel.Payment) paymentRow {
	r := paymentRow{
		ID: p.ID, Reference: p.Called(), Whose: p.ContractorID, Contractor: p.ContractorName, Description: clip(p.Description), Revision: p.Shown(), Sort: sortKey(p.RequestedAt),
		ByAmount: p.Place(readmodel.ByAmount).Key, ByName: p.Place(readmodel.ByContractor).Key,
		Amount: p.Amount(), RequestedAt: p.RequestedAt, DecidedBy: p.DecidedByName, Status: status(p.Payment()),
		Seen: paymentview.Seen(p.UpdatedAt, p.Amount()), Verdict: paymentview.DecisionLabel(p.Decision),
		Waits:  p.Decision == payment.DecisionRequested,
		OnHold: p.Money == payment.MoneyAuthorized && p.CaptureMethod == payment.Manual && p.Stuck == payment.NoOperation,
	}
	if p.Acceptance != nil && canUndo(p.Payment()) {
		r.Undo = undoOf(p.ID, *p.Acceptance)
	}
	if r.OnHold && p.UnderWay != nil {
		r.OnHold, r.Status.Text = false, acceptedAnd(operationOngoing[payment.OperationKind(*p.UnderWay)])
	}
	if p.OrderID != nil {
		r.Order = orderPath(*p.OrderID)
	}
	return r
}

// maxInRow is how much of a description a row shows, in characters; the payment's page has all of it.
const maxInRow = 160

func clip(text string) string {
	if runes := []rune(text); len(runes) > maxInRow {
		return strings.TrimSpace(string(runes[:maxInRow])) + "…"
	}
	return text
}

// sortKey sorts as text the way requested_at does in the database; ties go by id in both.
func sortKey(t time.Time) string { return event.Kept(t).Format("2006-01-02T15:04:05.000000Z") }

// status is both facets of a payment, as one label in one colour.
func status(p payment.Payment) web.Badge {
	switch p.Decision {
	case payment.DecisionRequested:
		return web.Badge{Tone: web.Waiting, Text: paymentview.DecisionLabel(p.Decision)}
	case payment.DecisionRejected:
		return web.Badge{Tone: web.Bad, Text: paymentview.DecisionLabel(p.Decision)}
	case payment.DecisionAccepted:
		return web.Badge{Tone: moneyTone(p), Text: acceptedAnd(moneyWord(p))}
	}
	return web.Badge{Tone: web.Neutral, Text: paymentview.DecisionLabel(p.Decision)}
}

// acceptedAnd is the status of a payment that was accepted, with what became of its money.
func acceptedAnd(word string) string {
	return paymentview.DecisionLabel(payment.DecisionAccepted) + " · " + word
}

// moneyWord is the money's state in a word or two, for a badge.
func moneyWord(p payment.Payment) string {
	switch p.Stuck {
	case payment.Authorize:
		return "hold stuck"
	case payment.NoOperation:
	default:
		return string(p.Stuck) + " stuck"
	}
	switch p.Money {
	case payment.MoneyAuthorized:
		return "on hold"
	case payment.MoneyDeclined:
		if p.Final {
			return "declined"
		}
		return "declined, trying again"
	case payment.MoneyCaptured:
		return "paid out"
	case payment.MoneyReleased:
		return "not paid out"
	case payment.MoneyRefunded:
		return "refunded"
	}
	return "to be authorized"
}

func moneyTone(p payment.Payment) web.Tone {
	if p.Stuck != payment.NoOperation {
		return web.Warning
	}
	switch p.Money {
	case payment.MoneyCaptured:
		return web.Good
	case payment.MoneyDeclined:
		return web.Warning
	case payment.MoneyReleased, payment.MoneyRefunded:
		return web.Neutral
	}
	return web.Info
}
