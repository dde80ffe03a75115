package order

import (
	"embed"
	"regexp"
	"time"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// Topic is the Kafka topic of order events; the key is the order's id.
const Topic = "orders"

// Source is the one service that writes order events.
const Source = "/ordering-core"

// Partitions of the topic. The order of a key depends on it: it does not change in place.
const Partitions = 6

// Stream is the journal's stream of an order.
func Stream(id string) string { return "order-" + id }

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

// MaxText is the longest reason, in characters. MaxReference is the longest name or id that another system
// made up.
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

// The roles that cancel.
const (
	ByContractor = "contractor"
	ByManager    = "manager"
)

// Body is the data of one type of event. Who wrote it, and when, is in the envelope.
type Body = aggregate.Body

// Drafted: a contractor begins an order.
type Drafted struct {
	OrderID      string `json:"order_id"` // the event's subject
	ContractorID string `json:"contractor_id"`
}

// ItemAdded: a quantity of a product is added, at its price of that moment.
type ItemAdded struct {
	ProductID string       `json:"product_id"`
	SKU       string       `json:"sku"`
	Name      string       `json:"name"`
	Price     money.Amount `json:"price"`
	Quantity  int64        `json:"quantity"`
}

// ItemRemoved: a quantity of a product is removed.
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

// DiscountReset: the order has no discount any more.
type DiscountReset struct{}

// Line is a quantity of one product.
type Line struct {
	ProductID string       `json:"product_id"`
	SKU       string       `json:"sku"`
	Name      string       `json:"name"`
	Price     money.Amount `json:"price"` // of one; in a draft as it was when it was last added
	Quantity  int64        `json:"quantity"`
	Total     money.Amount `json:"total"`
}

// Submitted: lines, prices, discount and total are frozen, and the order waits to be paid.
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

// Paid: a payment of the total was captured.
type Paid struct {
	PaymentID string `json:"payment_id"`
}

// Expired: the order was not paid in time, or its draft lay idle.
type Expired struct {
	Reason string `json:"reason,omitempty"`
}

// Cancelled: somebody does not want the order any more.
type Cancelled struct {
	Reason string `json:"reason,omitempty"`
	By     string `json:"by"` // contractor or manager
}

// PaymentRefused: a captured payment cannot pay the order, and goes back.
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

//go:embed schemas/*.json
var schemas embed.FS

// events has the types in the order of an order's life.
var events = &aggregate.Events[Body]{
	Topic: Topic, Partitions: Partitions, Prefixes: []string{Stream("")}, Schemas: schemas,
	Stream: func(e event.Event) string { return Stream(e.Subject) },
	About: func(b Body) string {
		drafted, _ := b.(Drafted)
		return drafted.OrderID
	},
	Types: []aggregate.Type[Body]{
		{Name: TypeDrafted, Writer: Source, Verb: "begun", Read: func(o *schema.Object) Body {
			return Drafted{OrderID: o.ID("order_id"), ContractorID: o.Text("contractor_id", MaxReference)}
		}},
		{Name: TypeItemAdded, Writer: Source, Verb: "added", Read: func(o *schema.Object) Body {
			return ItemAdded{
				ProductID: o.ID("product_id"), SKU: o.Text("sku", MaxReference), Name: o.Text("name", MaxReference),
				Price: o.Amount("price"), Quantity: o.Integer("quantity", 1, MaxQuantity),
			}
		}},
		{Name: TypeItemRemoved, Writer: Source, Verb: "removed", Read: func(o *schema.Object) Body {
			return ItemRemoved{ProductID: o.ID("product_id"), Quantity: o.Integer("quantity", 1, MaxQuantity)}
		}},
		{Name: TypeCustomerChosen, Writer: Source, Verb: "changed", Read: func(o *schema.Object) Body {
			return CustomerChosen{CustomerID: o.ID("customer_id"), Name: o.Text("name", MaxReference)}
		}},
		{Name: TypeDiscountSet, Writer: Source, Verb: "discounted", Read: func(o *schema.Object) Body {
			return DiscountSet{BasisPoints: o.Integer("basis_points", 1, MaxBasisPoints)}
		}},
		{Name: TypeDiscountReset, Writer: Source, Verb: "changed", Read: func(*schema.Object) Body { return DiscountReset{} }},
		{Name: TypeSubmitted, Writer: Source, Verb: "submitted", Read: func(o *schema.Object) Body {
			return Submitted{
				Number: o.Matching("number", numbers, "2026/11/000042"), ContractorID: o.Text("contractor_id", MaxReference),
				CustomerID: o.ID("customer_id"), CustomerName: o.Text("customer_name", MaxReference),
				Lines: lines(o), BasisPoints: o.Integer("basis_points", 0, MaxBasisPoints),
				Subtotal: o.Amount("subtotal"), Total: o.Amount("total"), ExpiresAt: o.Time("expires_at"),
			}
		}},
		{Name: TypePaid, Writer: Source, Verb: "paid", Read: func(o *schema.Object) Body {
			return Paid{PaymentID: o.ID("payment_id")}
		}},
		{Name: TypeExpired, Writer: Source, Verb: "expired", Read: func(o *schema.Object) Body {
			return Expired{Reason: o.OptionalText("reason", MaxText)}
		}},
		{Name: TypeCancelled, Writer: Source, Verb: "cancelled", Read: func(o *schema.Object) Body {
			return Cancelled{Reason: o.OptionalText("reason", MaxText), By: o.OneOf("by", ByContractor, ByManager)}
		}},
		{Name: TypePaymentRefused, Writer: Source, Verb: "refused", Read: func(o *schema.Object) Body {
			return PaymentRefused{PaymentID: o.ID("payment_id"), Reason: o.Text("reason", MaxText)}
		}},
	},
}

var numbers = regexp.MustCompile(`^[0-9]{4}/(0[1-9]|1[0-2])/[0-9]{6,12}$`)

func lines(o *schema.Object) (lines []Line) {
	o.Objects("lines", MaxLines, func(l *schema.Object) {
		lines = append(lines, Line{
			ProductID: l.ID("product_id"), SKU: l.Text("sku", MaxReference), Name: l.Text("name", MaxReference),
			Price: l.Amount("price"), Quantity: l.Integer("quantity", 1, MaxQuantity), Total: l.Amount("total"),
		})
	})
	return lines
}

// Events is the topic of all orders.
var Events = events.InTopic()

// Types returns every event type of an order, in the order of its life.
func Types() []schema.Type { return events.Described() }

// Writer is the source of the one service that writes events of type typ; "" if the type is not known.
func Writer(typ string) string { return events.Writer(typ) }

// Verb is an event type as a participle, "" for one that this version does not know.
func Verb(typ string) string { return events.Verb(typ) }

// Decode reads the data of an event of type typ, as strictly as its JSON Schema.
func Decode(typ string, data []byte) (Body, error) { return events.Decode(typ, data) }

// New returns an event about the order subject. The caller sets its Time, Sequence and Meta.
func New(source, subject string, b Body) event.Event { return aggregate.New(source, subject, b) }
