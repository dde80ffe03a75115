package readmodel

import (
	"context"
	"strings"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
)

// Order is a row of the table orders, with its payments. The JSON names are the columns', for ProjectOrders.
type Order struct {
	ID             string     `gorm:"primaryKey" json:"id"`
	Revision       int64      `json:"revision"` // of its own stream
	Sequence       int64      `json:"sequence"` // ordering-core's own version
	Number         string     `json:"number"`   // "" until it is submitted
	ContractorID   string     `json:"contractor_id"`
	ContractorName string     `json:"contractor_name"`
	CustomerID     *string    `json:"customer_id"`   // nil until one is chosen
	CustomerName   string     `json:"customer_name"` // "" until one is chosen
	Total          int64      `json:"total"`         // minor units
	Currency       string     `json:"currency"`      // "" without a line
	State          string     `json:"state"`
	DraftedAt      time.Time  `json:"drafted_at"`
	SubmittedAt    *time.Time `json:"submitted_at"`
	ExpiresAt      *time.Time `json:"expires_at"`
	UpdatedAt      time.Time  `gorm:"autoUpdateTime:false" json:"updated_at"`
	SearchTerms    string     `gorm:"column:words" json:"words"`
	Payments       []Payment  `gorm:"-" json:"-"` // the oldest first
}

// Sum is what the order comes to; without a currency while it has no line.
func (o Order) Sum() money.Amount { return money.Amount{Minor: o.Total, Currency: o.Currency} }

// Position is where the row is in a list.
func (o Order) Position() Position { return Position{At: event.Kept(o.DraftedAt), ID: o.ID} }

// Shown counts every change of what is shown of the order: its own and its payments'.
func (o Order) Shown() int64 {
	shown := o.Revision
	for _, p := range o.Payments {
		shown += p.Revision
	}
	return shown
}

// FoldOrder is an order as the journal's stream has it, and what became of each event.
func FoldOrder(s journal.Stream) (order.Order, []order.Step) {
	return order.Fold(journal.Entries(s))
}

var ordersTable = readmodel.NewTable("orders",
	"revision", "sequence", "number", "contractor_id", "contractor_name", "customer_id", "customer_name",
	"total", "currency", "state", "drafted_at", "submitted_at", "expires_at", "updated_at", "words")

// ProjectOrders is a journal.Projector: it folds the changed streams of orders and writes their rows.
func ProjectOrders(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	return readmodel.Queue(tx, ordersTable, readmodel.Fold(streams, order.Stream(""), func(s journal.Stream) (Order, bool) {
		o, _ := FoldOrder(s)
		if !o.Exists() {
			return Order{}, false
		}
		return orderOf(o, s), true
	}))
}

func orderOf(o order.Order, s journal.Stream) Order {
	row := Order{
		ID: o.ID, Revision: s.Revision(), Sequence: o.Sequence, Number: o.Number,
		ContractorID: o.ContractorID, ContractorName: o.ContractorName, CustomerID: optional(o.CustomerID), CustomerName: o.CustomerName,
		Total: o.Total.Minor, Currency: o.Total.Currency, State: string(o.State), DraftedAt: stored(o.Drafted.At), UpdatedAt: stored(o.UpdatedAt),
		SubmittedAt: storedIf(o.Submitted.At), ExpiresAt: storedIf(o.ExpiresAt),
	}
	// A number is found by its last part without the zeros, too.
	last := strings.TrimLeft(row.Number[strings.LastIndex(row.Number, "/")+1:], "0")
	text := strings.Join([]string{row.Number, last, row.ContractorName, row.CustomerName}, " ")
	for _, l := range o.Lines {
		text += " " + l.Name + " " + l.SKU
	}
	row.SearchTerms = search.Later("", text)
	return row
}

// storedIf is stored, nil for a time that has not come.
func storedIf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = stored(t)
	return &t
}
