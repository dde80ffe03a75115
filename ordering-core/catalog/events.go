package catalog

import (
	"embed"
	"fmt"
	"strings"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// Topic is the Kafka topic of products and customers; the key is the id of the one or the other.
const Topic = "catalog"

// Partitions of the topic. The order of a key depends on it: it does not change in place.
const Partitions = 3

// Source is the one service that writes these events.
const Source = "/ordering-core"

// ProductStream is the journal's stream of a product.
func ProductStream(id string) string { return "product-" + id }

// CustomerStream is the journal's stream of a customer.
func CustomerStream(id string) string { return "customer-" + id }

// Stream is the journal's stream of an event. One of a type that is not known has a stream too.
func Stream(e event.Event) string {
	if strings.HasPrefix(e.Type, "customer_") {
		return CustomerStream(e.Subject)
	}
	return ProductStream(e.Subject)
}

// The event types.
const (
	TypeProductAdded     = "product_added"
	TypeProductChanged   = "product_changed"
	TypeProductArchived  = "product_archived"
	TypeCustomerAdded    = "customer_added"
	TypeCustomerChanged  = "customer_changed"
	TypeCustomerArchived = "customer_archived"
)

// Writer is the source of the one service that writes events of type typ; "" if the type is not known.
func Writer(typ string) string {
	if _, known := decoders[typ]; known {
		return Source
	}
	return ""
}

// Body is the data of one type of event. Who wrote it, and when, is in the envelope.
type Body interface {
	aggregate.Body
	about() string // the subject
}

// ProductAdded: there is a new product.
type ProductAdded struct {
	ProductID string       `json:"product_id"`
	Name      string       `json:"name"`
	SKU       string       `json:"sku"`
	Price     money.Amount `json:"price"` // 1 to money.Max minor units
}

// ProductChanged: the product has these values from now on.
type ProductChanged ProductAdded

// ProductArchived: it stays on old orders and cannot be added to new ones.
type ProductArchived struct {
	ProductID string `json:"product_id"`
}

// CustomerAdded: there is a new customer.
type CustomerAdded struct {
	CustomerID string `json:"customer_id"`
	Name       string `json:"name"`
	Email      string `json:"email"`
}

// CustomerChanged: the customer has these values from now on.
type CustomerChanged CustomerAdded

// CustomerArchived: they stay on old orders and cannot be chosen for new ones.
type CustomerArchived struct {
	CustomerID string `json:"customer_id"`
}

// EventType is the name of the event that carries this body.
func (ProductAdded) EventType() string     { return TypeProductAdded }
func (ProductChanged) EventType() string   { return TypeProductChanged }
func (ProductArchived) EventType() string  { return TypeProductArchived }
func (CustomerAdded) EventType() string    { return TypeCustomerAdded }
func (CustomerChanged) EventType() string  { return TypeCustomerChanged }
func (CustomerArchived) EventType() string { return TypeCustomerArchived }

func (b ProductAdded) about() string     { return b.ProductID }
func (b ProductChanged) about() string   { return b.ProductID }
func (b ProductArchived) about() string  { return b.ProductID }
func (b CustomerAdded) about() string    { return b.CustomerID }
func (b CustomerChanged) about() string  { return b.CustomerID }
func (b CustomerArchived) about() string { return b.CustomerID }

var decoders = schema.Decoders[Body]{
	TypeProductAdded:     func(o *schema.Object) Body { return product(o) },
	TypeProductChanged:   func(o *schema.Object) Body { return ProductChanged(product(o)) },
	TypeProductArchived:  func(o *schema.Object) Body { return ProductArchived{ProductID: o.ID("product_id")} },
	TypeCustomerAdded:    func(o *schema.Object) Body { return customer(o) },
	TypeCustomerChanged:  func(o *schema.Object) Body { return CustomerChanged(customer(o)) },
	TypeCustomerArchived: func(o *schema.Object) Body { return CustomerArchived{CustomerID: o.ID("customer_id")} },
}

func product(o *schema.Object) ProductAdded {
	return ProductAdded{
		ProductID: o.ID("product_id"), Name: o.Text("name", MaxName), SKU: o.Text("sku", MaxSKU), Price: o.Amount("price"),
	}
}

func customer(o *schema.Object) CustomerAdded {
	return CustomerAdded{CustomerID: o.ID("customer_id"), Name: o.Text("name", MaxName), Email: o.Text("email", MaxEmail)}
}

//go:embed schemas/*.json
var schemas embed.FS

// Types returns every event type of the catalog.
func Types() []schema.Type {
	return schema.Types(schemas, Writer, TypeProductAdded, TypeProductChanged, TypeProductArchived,
		TypeCustomerAdded, TypeCustomerChanged, TypeCustomerArchived)
}

// The errors of Decode and Check.
var (
	// ErrUnknownType means that no event of the catalog has this type. A newer writer may know it.
	ErrUnknownType = schema.ErrUnknownType
	// ErrInvalidEvent means that an event does not fit its schema or its envelope.
	ErrInvalidEvent = schema.ErrInvalidEvent
)

// Decode reads the data of an event of type typ. Its errors are ErrUnknownType or ErrInvalidEvent, wrapped.
func Decode(typ string, data []byte) (Body, error) { return decoders.Decode(typ, data) }

// Events is the topic of all products and customers.
var Events = event.Topic{
	Name: Topic, Partitions: Partitions, Prefixes: []string{ProductStream(""), CustomerStream("")}, Stream: Stream,
	Check: Check, Unknown: ErrUnknownType, Writer: Writer,
}

// New returns an event about the subject. The caller sets its Time, Sequence and Meta.
func New(source, subject string, b Body) event.Event { return aggregate.New(source, subject, b) }

// Check returns nil for an event that fits its schema and its envelope, ErrUnknownType (store it, it has no
// effect) or ErrInvalidEvent (a dead letter).
func Check(e event.Event) error {
	_, err := read(e)
	return err
}

// read decodes an event, and compares it with its envelope.
func read(e event.Event) (Body, error) {
	body, err := Decode(e.Type, e.Data)
	if err != nil {
		return nil, err
	}
	if body.about() != e.Subject {
		return nil, fmt.Errorf("%w: the id is not the subject", ErrInvalidEvent)
	}
	return body, nil
}
