package copy

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
)

// Order is a row of the copy of the orders, with its payments.
type Order struct {
	ID           uuid.UUID   `gorm:"type:uuid;primaryKey" json:"id"`
	Number       string      `json:"number"` // "" until it is submitted
	ContractorID string      `json:"contractor_id"`
	CustomerName string      `json:"customer_name"` // "" until one is chosen
	Lines        int         `json:"lines"`
	Contents     string      `json:"contents"` // names and SKUs of the lines, to be found by
	TotalMinor   int64       `json:"total_minor"`
	Currency     string      `json:"currency"` // "" without a line
	State        order.State `json:"state"`
	DraftedAt    time.Time   `json:"drafted_at"`
	SubmittedAt  *time.Time  `json:"submitted_at"`
	ExpiresAt    *time.Time  `json:"expires_at"`
	UpdatedAt    time.Time   `gorm:"autoUpdateTime:false" json:"updated_at"`
	Sequence     int64       `json:"sequence"`   // ordering-core's own version
	Revision     int64       `json:"revision"`   // of its own stream
	Payments     []Payment   `gorm:"-" json:"-"` // the oldest first
}

// TableName is GORM's name for the table.
func (Order) TableName() string { return "orders" }

// Total is what the order comes to; without a currency while it has no line.
func (o Order) Total() money.Amount { return money.Amount{Minor: o.TotalMinor, Currency: o.Currency} }

// SortKey orders rows as the list does when read from the end, as text.
func (o Order) SortKey() string { return sortKey(o.DraftedAt, o.ID) }

// Shown counts every change of what is shown of the order: its own and its payments'.
func (o Order) Shown() int64 {
	shown := o.Revision
	for _, p := range o.Payments {
		shown += p.Revision
	}
	return shown
}

func (o Order) position() *Position { return &Position{At: o.DraftedAt.UTC(), ID: o.ID} }

// FoldOrder reads an order from its stream.
func FoldOrder(s journal.Stream) (order.Order, []order.Step) {
	entries := make([]order.Entry, len(s.Records))
	for i, record := range s.Records {
		entries[i] = order.Entry{Event: record.Event, Confirmed: record.Log > 0}
	}
	return order.Fold(entries)
}

// orderRowOf is the row of an order; false if nobody has drafted it.
func orderRowOf(s journal.Stream) (Order, bool) {
	o, _ := FoldOrder(s)
	if !o.Exists() {
		return Order{}, false
	}
	return Order{
		ID: uuid.MustParse(o.ID), Number: o.Number, ContractorID: o.ContractorID, CustomerName: o.CustomerName,
		Lines: len(o.Lines), Contents: contents(o.Lines), TotalMinor: o.Total.Minor, Currency: o.Total.Currency, State: o.State,
		DraftedAt: o.Drafted.At, SubmittedAt: optionalTime(o.Submitted.At), ExpiresAt: optionalTime(o.ExpiresAt),
		UpdatedAt: o.UpdatedAt, Sequence: o.Sequence, Revision: s.Revision(),
	}, true
}

// contentsKept bounds the text by which an order is found; PostgreSQL's limit for a column of words is 1 MB.
const contentsKept = 16 << 10

func contents(lines []order.Line) string {
	var b strings.Builder
	for _, line := range lines {
		if b.Len()+len(line.Name)+len(line.SKU) > contentsKept {
			break
		}
		b.WriteString(line.Name + " " + line.SKU + "\n")
	}
	return b.String()
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
