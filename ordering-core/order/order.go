package order

import (
	"time"

	"countersign.example/pkg/money"
)

// State is where an order is in its life.
type State string

// The states.
const (
	StateNone      State = "" // not drafted
	StateDraft     State = "draft"
	StateSubmitted State = "submitted"
	StatePaid      State = "paid"
	StateExpired   State = "expired"
	StateCancelled State = "cancelled"
)

// Act is who did something and when; zero if it has not been done. By is empty where a
// service did it by itself.
type Act struct {
	By, ByName string
	At         time.Time
	Confirmed  bool // the log holds it
}

// Done tells whether it has happened.
func (a Act) Done() bool { return !a.At.IsZero() || a.By != "" }

// Line is so many of one product.
type Line struct {
	ProductID string       `json:"product_id"`
	SKU       string       `json:"sku"`
	Name      string       `json:"name"`
	Price     money.Amount `json:"price"` // of one; in a draft as it was when it was last added
	Quantity  int64        `json:"quantity"`
	Total     money.Amount `json:"total"`
}

// RefusedPayment is a captured payment that the order could not use.
type RefusedPayment struct {
	PaymentID, Reason string
	At                time.Time
}

// Order is what a contractor orders for a customer, and what became of it.
type Order struct {
	ID             string
	Number         string // "" before it is submitted
	ContractorID   string
	ContractorName string
	CustomerID     string
	CustomerName   string

	State       State
	Lines       []Line // in the order in which their products were first added
	BasisPoints int64  // the discount, in hundredths of a percent; 0 for none
	// Of a draft by its lines' own prices; frozen by the submit.
	Subtotal, Total money.Amount

	Sequence int64 // of the last event that carries one: the version that people see and name

	Drafted   Act
	Submitted Act
	Paid      Act
	Expired   Act
	Cancelled Act

	Reason    string // of the expiry or cancellation
	ExpiresAt time.Time
	PaidBy    string // the payment
	Refused   []RefusedPayment

	Pending   bool      // an entry that had an effect is not confirmed by the log yet
	UpdatedAt time.Time // of the latest event that had an effect
}

// Exists tells whether the order has been drafted.
func (o Order) Exists() bool { return o.State != StateNone }

// Ended tells whether nothing can happen to the order any more, but that it refuses payments.
func (o Order) Ended() bool {
	return o.State == StatePaid || o.State == StateExpired || o.State == StateCancelled
}

// Line returns the line of a product.
func (o Order) Line(productID string) (Line, bool) {
	for _, l := range o.Lines {
		if l.ProductID == productID {
			return l, true
		}
	}
	return Line{}, false
}
