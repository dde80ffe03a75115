// Package readmodel is the managers' read model of the payments: what their lists show, folded from the
// journal.
//
// Invariants:
//   - A row equals the fold of its stream, written in the transaction that changed the stream and
//     under the stream's lock.
//   - Every list is read by keyset, so that a page costs the same wherever it is.
package readmodel

import (
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/search"
)

// Payment is a row of the table payments. The JSON names are the columns', for Project.
type Payment struct {
	ID             string     `gorm:"primaryKey" json:"id"`
	Revision       int64      `json:"revision"`
	ContractorID   string     `json:"contractor_id"`
	ContractorName string     `json:"contractor_name"`
	Amount         int64      `json:"amount"` // minor units
	Currency       string     `json:"currency"`
	Description    string     `json:"description"`
	OrderID        *string    `json:"order_id"`
	Supersedes     *string    `json:"supersedes"`
	SupersededBy   *string    `gorm:"->" json:"-"` // what asks again for it; see payments
	UnderWay       *string    `gorm:"->" json:"-"` // "capture" or "release", from when payments-core has taken it
	CaptureMethod  string     `json:"capture_method"`
	Decision       string     `json:"decision"`
	Money          string     `json:"money"`
	Final          bool       `json:"final"`
	Stuck          string     `json:"stuck"` // what an operator has to retry or settle
	DecidedByName  string     `json:"decided_by_name"`
	DecidedAt      *time.Time `json:"decided_at"`
	RequestedAt    time.Time  `json:"requested_at"`
	UpdatedAt      time.Time  `gorm:"autoUpdateTime:false" json:"updated_at"` // the events', never the clock's
	Pending        bool       `json:"pending"`
	SearchTerms    string     `gorm:"column:words" json:"words"`
}

// Shown counts every change of what is shown of the payment: those of its stream, that it is asked for again,
// and that it is to be captured or released.
func (p Payment) Shown() int64 {
	shown := p.Revision
	for _, beside := range []*string{p.SupersededBy, p.UnderWay} {
		if beside != nil {
			shown++
		}
	}
	return shown
}

// Price is the amount with its currency.
func (p Payment) Price() money.Amount { return money.Amount{Minor: p.Amount, Currency: p.Currency} }

// Position is where the row is in a list.
func (p Payment) Position() Position { return Position{At: event.Kept(p.RequestedAt), ID: p.ID} }

// Fold is a payment as the journal's stream has it, and what became of each event.
func Fold(s journal.Stream) (payment.Payment, []payment.Step) {
	return payment.Fold(journal.Entries(s))
}

// rowOf is the row of a stream; none while nobody has requested the payment, which is when events about it
// were received that mean nothing yet.
func rowOf(s journal.Stream) (Payment, bool) {
	p, _ := Fold(s)
	if !p.Exists() {
		return Payment{}, false
	}
	row := Payment{
		ID: p.ID, Revision: s.Revision(),
		ContractorID: p.ContractorID, ContractorName: p.ContractorName,
		Amount: p.Amount.Minor, Currency: p.Amount.Currency, Description: p.Description,
		CaptureMethod: string(p.CaptureMethod), Decision: string(p.Decision), Money: string(p.Money), Final: p.Final, Stuck: string(p.Stuck),
		RequestedAt: stored(p.Requested.At), UpdatedAt: stored(p.UpdatedAt), Pending: p.Pending,
		SearchTerms: search.Later("", p.ContractorName, p.Description, p.Amount.Decimal(), p.Amount.String()),
	}
	row.OrderID, row.Supersedes = optional(p.OrderID), optional(p.Supersedes)
	decided := p.Decided
	if p.Decision == payment.DecisionCancelled {
		decided = p.Cancelled
	}
	if decided.Done() {
		at := stored(decided.At)
		row.DecidedByName, row.DecidedAt = nameOf(decided), &at
	}
	return row, true
}

func optional(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

// stored is a time as PostgreSQL keeps it, so that a row just written equals the row read.
func stored(t time.Time) time.Time { return event.Kept(t) }

func nameOf(a payment.Act) string {
	if a.ByName != "" {
		return a.ByName
	}
	return a.By
}
