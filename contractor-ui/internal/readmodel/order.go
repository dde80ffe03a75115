package readmodel

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/search"
)

// Order is a row of the read model of the orders, with its payments.
type Order struct {
	ID           uuid.UUID   `gorm:"type:uuid;primaryKey" json:"id"`
	Number       string      `json:"number"` // "" until it is submitted
	ContractorID string      `json:"contractor_id"`
	CustomerName string      `json:"customer_name"` // "" until one is chosen
	Lines        int         `json:"lines"`
	TotalMinor   int64       `json:"total_minor"`
	Currency     string      `json:"currency"` // "" without a line
	State        order.State `json:"state"`
	DraftedAt    time.Time   `json:"drafted_at"`
	SubmittedAt  *time.Time  `json:"submitted_at"`
	ExpiresAt    *time.Time  `json:"expires_at"`
	UpdatedAt    time.Time   `gorm:"autoUpdateTime:false" json:"updated_at"`
	Sequence     int64       `json:"sequence"`                  // ordering-core's own version
	Revision     int64       `json:"revision"`                  // of its own stream
	SearchTerms  string      `gorm:"column:words" json:"words"` // to be found by
	Drafted      []string    `gorm:"-" json:"drafted"`          // the products in it while it is a draft; for FindDrafted
	Payments     []Payment   `gorm:"-" json:"-"`                // the oldest first
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

func (o Order) position() *Position { return &Position{At: event.Kept(o.DraftedAt), ID: o.ID} }

// FoldOrder reads an order from its stream.
func FoldOrder(s journal.Stream) (order.Order, []order.Step) {
	return order.Fold(journal.Entries(s))
}

// orderRowOf is the row of an order; false if nobody has drafted it.
func orderRowOf(s journal.Stream) (Order, bool) {
	o, _ := FoldOrder(s)
	if !o.Exists() {
		return Order{}, false
	}
	drafted := []string{}
	if o.State == order.StateDraft {
		for _, line := range o.Lines {
			drafted = append(drafted, line.ProductID)
		}
	}
	return Order{
		ID: uuid.MustParse(o.ID), Number: o.Number, ContractorID: o.ContractorID, CustomerName: o.CustomerName,
		Lines: len(o.Lines), TotalMinor: o.Total.Minor, Currency: o.Total.Currency, State: o.State,
		DraftedAt: o.Drafted.At, SubmittedAt: optionalTime(o.Submitted.At), ExpiresAt: optionalTime(o.ExpiresAt),
		UpdatedAt: o.UpdatedAt, Sequence: o.Sequence, Revision: s.Revision(), SearchTerms: searchTermsOf(o), Drafted: drafted,
	}, true
}

func searchTermsOf(o order.Order) string {
	// A number is found by its last part without the zeros, too.
	texts := []string{o.Number, strings.TrimLeft(o.Number[strings.LastIndex(o.Number, "/")+1:], "0"), o.CustomerName}
	for _, line := range o.Lines {
		texts = append(texts, line.Name, line.SKU)
	}
	return search.Later(search.Mark(o.ContractorID), texts...)
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
