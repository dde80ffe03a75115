// Package readmodel is contractor-ui's read model of the payments and the orders: one row for each, written
// from the journal and read by lists, totals and live updates.
//
// Invariants:
//   - A row is the fold of its stream, at the revision it carries; whoever writes it holds the
//     stream's row.
//   - A payment that nobody has requested has no row, whatever has been received about it; so with an order
//     that nobody has drafted.
//   - A payment is superseded once: the first to do so stays, in the order of recording.
//   - Every list is of one contractor's, and by keyset: page 10,000 costs what page 2 costs.
package readmodel

import (
	"time"

	"github.com/google/uuid"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/search"
)

// Payment is a row of the read model.
type Payment struct {
	ID             uuid.UUID `gorm:"type:uuid;primaryKey"`
	ContractorID   string
	ContractorName string
	AmountMinor    int64
	Currency       string
	Description    string
	OrderID        *uuid.UUID
	Supersedes     *uuid.UUID
	SupersededBy   *uuid.UUID `gorm:"->"` // what asks again for it: another payment's claim
	CaptureMethod  payment.CaptureMethod
	Decision       payment.Decision
	DecidedByName  string     // of whoever decided; "" while it waits
	DecidedAt      *time.Time // nil while it waits
	Money          payment.Money
	Final          bool // declined, and not tried again
	Stuck          payment.Operation
	Pending        bool // the log has not confirmed all of it yet
	RequestedAt    time.Time
	UpdatedAt      time.Time `gorm:"autoUpdateTime:false"`
	Revision       int64     // of its stream
	SearchTerms    string    `gorm:"column:words"` // to be found by
}

// TableName is GORM's name for the table.
func (Payment) TableName() string { return "payments" }

// Amount is what was asked for.
func (p Payment) Amount() money.Amount {
	return money.Amount{Minor: p.AmountMinor, Currency: p.Currency}
}

// Shown is the revision for open pages: the stream's, and one more once another payment supersedes this one.
func (p Payment) Shown() int64 {
	if p.SupersededBy != nil {
		return p.Revision + 1
	}
	return p.Revision
}

// MoneyLabel is what became of the money, as people read it.
func (p Payment) MoneyLabel() string {
	return payment.Payment{Decision: p.Decision, Money: p.Money, Final: p.Final, Stuck: p.Stuck, CaptureMethod: p.CaptureMethod}.MoneyLabel()
}

// SortKey orders rows as the list does when read from the end: by when they were requested, then by
// id. As text it compares like the pair.
func (p Payment) SortKey() string { return sortKey(p.RequestedAt, p.ID) }

func sortKey(began time.Time, id uuid.UUID) string {
	return event.Kept(began).Format("2006-01-02T15:04:05.000000") + " " + id.String()
}

// Fold reads a payment from its stream: the log's events in their order, then the pending ones.
func Fold(s journal.Stream) (payment.Payment, []payment.Step) {
	return payment.Fold(journal.Entries(s))
}

// rowOf is the row of a payment; false if nobody has requested it.
func rowOf(s journal.Stream) (Payment, bool) {
	p, _ := Fold(s)
	if !p.Exists() {
		return Payment{}, false
	}
	decided := p.Decided
	if p.Decision == payment.DecisionCancelled {
		decided = p.Cancelled
	}
	row := Payment{
		ID: uuid.MustParse(p.ID), ContractorID: p.ContractorID, ContractorName: p.ContractorName,
		AmountMinor: p.Amount.Minor, Currency: p.Amount.Currency, Description: p.Description,
		OrderID: optionalID(p.OrderID), Supersedes: optionalID(p.Supersedes), CaptureMethod: p.CaptureMethod,
		Decision: p.Decision, DecidedByName: nameOf(decided), Money: p.Money, Final: p.Final, Stuck: p.Stuck, Pending: p.Pending,
		RequestedAt: p.Requested.At, UpdatedAt: p.UpdatedAt, Revision: s.Revision(),
		SearchTerms: search.Later(search.Mark(p.ContractorID), p.Description),
	}
	if decided.Done() {
		row.DecidedAt = &decided.At
	}
	return row, true
}

func nameOf(act payment.Act) string {
	if act.ByName != "" {
		return act.ByName
	}
	return act.By
}

// optionalID is nil for "". The payment package has checked the rest.
func optionalID(text string) *uuid.UUID {
	if text == "" {
		return nil
	}
	id := uuid.MustParse(text)
	return &id
}
