package order

import (
	"time"

	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// The event types.
const (
	TypeDrafted        = "order_drafted"
	TypeItemAdded      = "order_item_added"
	TypeItemRemoved    = "order_item_removed"
	TypeCustomerChosen = "order_customer_chosen"
	TypeDiscountSet    = "order_discount_set"
	TypeDiscountReset  = "order_discount_reset"
	TypeSubmitted      = "order_submitted"
	TypePaid           = "order_paid"
	TypeExpired        = "order_expired"
	TypeCancelled      = "order_cancelled"
	TypePaymentRefused = "order_payment_refused"
)

// MaxText is the longest reason, in characters; MaxReference the longest name or id that somebody else made up.
const (
	MaxText      = 2000
	MaxReference = 200
)

// MaxQuantity is how many of one product an order can have, and MaxLines how many products.
const (
	MaxQuantity = 1_000_000
	MaxLines    = 200
)

// MaxBasisPoints is the largest discount, in hundredths of a percent: 99.99 %.
const MaxBasisPoints = 9_999

// Who cancels.
const (
	ByContractor = "contractor"
	ByManager    = "manager"
)

// Body is what one type of event says; the envelope says who and when.
type Body interface {
	EventType() string
}

// Drafted: a contractor begins an order.
type Drafted struct {
	OrderID      string `json:"order_id"` // the event's subject
	ContractorID string `json:"contractor_id"`
}

// ItemAdded: so many of a product more, at its price of that moment.
type ItemAdded struct {
	ProductID string       `json:"product_id"`
	SKU       string       `json:"sku"`
	Name      string       `json:"name"`
	Price     money.Amount `json:"price"`
	Quantity  int64        `json:"quantity"`
}

// ItemRemoved: so many of a product less.
type ItemRemoved struct {
	ProductID string `json:"product_id"`
	Quantity  int64  `json:"quantity"`
}

// CustomerChosen: for whom the order is.
type CustomerChosen struct {
	CustomerID string `json:"customer_id"`
	Name       string `json:"name"`
}

// DiscountSet: a manager gives a discount, in hundredths of a percent.
type DiscountSet struct {
	BasisPoints int64 `json:"basis_points"`
}

// DiscountReset: no discount any more.
type DiscountReset struct{}

// Submitted: lines, prices, discount and total are frozen, and wait to be paid.
type Submitted struct {
	Number       string       `json:"number"` // 2026/11/000042
	ContractorID string       `json:"contractor_id"`
	CustomerID   string       `json:"customer_id"`
	CustomerName string       `json:"customer_name"`
	Lines        []Line       `json:"lines"`
	BasisPoints  int64        `json:"basis_points"`
	Subtotal     money.Amount `json:"subtotal"`
	Total        money.Amount `json:"total"`
	ExpiresAt    time.Time    `json:"expires_at"`
}

// Paid: a payment of its total was captured.
type Paid struct {
	PaymentID string `json:"payment_id"`
}

// Expired: its time was up.
type Expired struct {
	Reason string `json:"reason,omitempty"`
}

// Cancelled: somebody wanted it no more.
type Cancelled struct {
	Reason string `json:"reason,omitempty"`
	By     string `json:"by"` // contractor or manager
}

// PaymentRefused: a captured payment cannot pay it, and goes back.
type PaymentRefused struct {
	PaymentID string `json:"payment_id"`
	Reason    string `json:"reason"`
}

// EventType is the name of the event that carries this body.
func (Drafted) EventType() string        { return TypeDrafted }
func (ItemAdded) EventType() string      { return TypeItemAdded }
func (ItemRemoved) EventType() string    { return TypeItemRemoved }
func (CustomerChosen) EventType() string { return TypeCustomerChosen }
func (DiscountSet) EventType() string    { return TypeDiscountSet }
func (DiscountReset) EventType() string  { return TypeDiscountReset }
func (Submitted) EventType() string      { return TypeSubmitted }
func (Paid) EventType() string           { return TypePaid }
func (Expired) EventType() string        { return TypeExpired }
func (Cancelled) EventType() string      { return TypeCancelled }
func (PaymentRefused) EventType() string { return TypePaymentRefused }

// decoders reads each type's body, and is the list of the types there are.
var decoders = schema.Decoders[Body]{
	TypeDrafted: func(o *schema.Object) Body {
		return Drafted{OrderID: o.ID("order_id"), ContractorID: o.Text("contractor_id", MaxReference)}
	},
	TypeItemAdded: func(o *schema.Object) Body {
		return ItemAdded{
			ProductID: o.ID("product_id"), SKU: o.Text("sku", MaxReference), Name: o.Text("name", MaxReference),
			Price: o.Amount("price"), Quantity: o.Integer("quantity", 1, MaxQuantity),
		}
	},
	TypeItemRemoved: func(o *schema.Object) Body {
		return ItemRemoved{ProductID: o.ID("product_id"), Quantity: o.Integer("quantity", 1, MaxQuantity)}
	},
	TypeCustomerChosen: func(o *schema.Object) Body {
		return CustomerChosen{CustomerID: o.ID("customer_id"), Name: o.Text("name", MaxReference)}
	},
	TypeDiscountSet: func(o *schema.Object) Body {
		return DiscountSet{BasisPoints: o.Integer("basis_points", 1, MaxBasisPoints)}
	},
	TypeDiscountReset: func(*schema.Object) Body { return DiscountReset{} },
	TypeSubmitted: func(o *schema.Object) Body {
		return Submitted{
			Number: o.Matching("number", numbers, "2026/11/000042"), ContractorID: o.Text("contractor_id", MaxReference),
			CustomerID: o.ID("customer_id"), CustomerName: o.Text("customer_name", MaxReference),
			Lines: lines(o), BasisPoints: o.Integer("basis_points", 0, MaxBasisPoints),
			Subtotal: o.Amount("subtotal"), Total: o.Amount("total"), ExpiresAt: o.Time("expires_at"),
		}
	},
	TypePaid:    func(o *schema.Object) Body { return Paid{PaymentID: o.ID("payment_id")} },
	TypeExpired: func(o *schema.Object) Body { return Expired{Reason: o.OptionalText("reason", MaxText)} },
	TypeCancelled: func(o *schema.Object) Body {
		return Cancelled{Reason: o.OptionalText("reason", MaxText), By: o.OneOf("by", ByContractor, ByManager)}
	},
	TypePaymentRefused: func(o *schema.Object) Body {
		return PaymentRefused{PaymentID: o.ID("payment_id"), Reason: o.Text("reason", MaxText)}
	},
}
