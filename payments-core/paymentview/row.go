// Package paymentview is what both web apps show of a payment: the row of their lists, its history, and the
// texts for people.
//
// Invariants:
//   - A row is the fold of its stream, at the revision that it carries.
//   - A payment that nobody has requested has no row, whatever has been received about it.
package paymentview

import (
	"context"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/readmodel"
)

// Row is what the tables of both apps have of a payment. The JSON names are the columns'.
type Row struct {
	ID             string                `gorm:"primaryKey" json:"id"`
	Revision       int64                 `json:"revision"`  // of its stream
	Reference      *string               `json:"reference"` // nil of one from before there were any
	ContractorID   string                `json:"contractor_id"`
	ContractorName string                `json:"contractor_name"`
	Currency       string                `json:"currency"`
	Description    string                `json:"description"`
	OrderID        *string               `json:"order_id"`
	Supersedes     *string               `json:"supersedes"`
	CaptureMethod  payment.CaptureMethod `json:"capture_method"`
	Decision       payment.Decision      `json:"decision"`
	Money          payment.Money         `json:"money"`
	Final          bool                  `json:"final"`           // declined, and not tried again
	Stuck          payment.OperationKind `json:"stuck"`           // an operator has to retry or settle it
	DecidedByName  string                `json:"decided_by_name"` // "" while it waits
	DecidedAt      *time.Time            `json:"decided_at"`      // nil while it waits
	RequestedAt    time.Time             `json:"requested_at"`
	UpdatedAt      time.Time             `gorm:"autoUpdateTime:false" json:"updated_at"`
	Pending        bool                  `json:"pending"`
}

// Newest and Oldest are the orders of a list of payments.
var (
	Newest = readmodel.Sort{Name: "at", SQL: "requested_at", Type: "timestamptz", Desc: true}
	Oldest = readmodel.Sort{Name: "at", SQL: "requested_at", Type: "timestamptz"}
)

// Place is where the row is in a list.
func (r Row) Place(readmodel.Sort) readmodel.Place { return readmodel.TimePlace(r.RequestedAt, r.ID) }

// Payment is as much of the payment as says what became of it.
func (r Row) Payment() payment.Payment {
	return payment.Payment{Decision: r.Decision, Money: r.Money, Final: r.Final, Stuck: r.Stuck, CaptureMethod: r.CaptureMethod}
}

// RowOf folds a stream and makes the payment's row; false while nobody has requested it.
func RowOf(s journal.Stream) (Row, payment.Payment, bool) {
	p, _ := Fold(s)
	if !p.Exists() {
		return Row{}, p, false
	}
	row := Row{
		ID: p.ID, Revision: s.Revision(), Reference: readmodel.Optional(p.Reference), ContractorID: p.ContractorID, ContractorName: p.ContractorName,
		Currency: p.Amount.Currency, Description: p.Description, OrderID: readmodel.Optional(p.OrderID),
		Supersedes: readmodel.Optional(p.Supersedes), CaptureMethod: p.CaptureMethod, Decision: p.Decision,
		Money: p.Money, Final: p.Final, Stuck: p.Stuck, Pending: p.Pending,
		RequestedAt: event.Kept(p.Requested.At), UpdatedAt: event.Kept(p.UpdatedAt),
	}
	if by := DecidedBy(p); by.Done() {
		row.DecidedByName, row.DecidedAt = aggregate.NameOf(by.By, by.ByName), readmodel.OptionalTime(by.At)
	}
	return row, p, true
}

// DecidedBy is who ended the wait for a decision; nobody while it lasts.
func DecidedBy(p payment.Payment) payment.Act {
	if p.Decision == payment.DecisionCancelled {
		return p.Cancelled
	}
	return p.Decided
}

// Fold reads a payment from its stream: the log's events in their order, then the pending ones.
func Fold(s journal.Stream) (payment.Payment, []payment.Step) {
	return payment.Fold(journal.Entries(s))
}

// History is a payment with what became of each of its events.
type History struct {
	payment.Payment
	Steps    []payment.Step
	Revision int64 // of its stream
}

// Read reads a payment's history. One that nobody has requested does not exist.
func Read(ctx context.Context, j *journal.Journal, id string) (History, error) {
	stream, err := j.Read(ctx, payment.Stream(id))
	if err != nil {
		return History{}, err
	}
	p, steps := Fold(stream)
	return History{Payment: p, Steps: steps, Revision: stream.Revision()}, nil
}

// ForOrder returns the order's id, which the payment says that it is for, and whose the payment is.
func (r Row) ForOrder() (id, contractor string) { return *r.OrderID, r.ContractorID }
