package catalog

import (
	"embed"
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

//go:embed schemas/*.json
var schemas embed.FS

var events = &aggregate.Events[Body]{
	Topic: Topic, Partitions: Partitions, Prefixes: []string{ProductStream(""), CustomerStream("")}, Schemas: schemas,
	Stream: Stream, About: Body.about,
	Types: []aggregate.Type[Body]{
		{Name: TypeProductAdded, Writer: Source, Read: func(o *schema.Object) Body { return product(o) }},
		{Name: TypeProductChanged, Writer: Source, Read: func(o *schema.Object) Body { return ProductChanged(product(o)) }},
		{Name: TypeProductArchived, Writer: Source, Read: func(o *schema.Object) Body { return ProductArchived{ProductID: o.ID("product_id")} }},
		{Name: TypeCustomerAdded, Writer: Source, Read: func(o *schema.Object) Body { return customer(o) }},
		{Name: TypeCustomerChanged, Writer: Source, Read: func(o *schema.Object) Body { return CustomerChanged(customer(o)) }},
		{Name: TypeCustomerArchived, Writer: Source, Read: func(o *schema.Object) Body { return CustomerArchived{CustomerID: o.ID("customer_id")} }},
	},
}

func product(o *schema.Object) ProductAdded {
	return ProductAdded{
		ProductID: o.ID("product_id"), Name: o.Text("name", MaxName), SKU: o.Text("sku", MaxSKU), Price: o.Amount("price"),
	}
}

func customer(o *schema.Object) CustomerAdded {
	return CustomerAdded{CustomerID: o.ID("customer_id"), Name: o.Text("name", MaxName), Email: o.Text("email", MaxEmail)}
}

// Events is the topic of all products and customers.
var Events = events.InTopic()

// Types returns every event type of the catalog.
func Types() []schema.Type { return events.Described() }

// Decode reads the data of an event of type typ, as strictly as its JSON Schema.
func Decode(typ string, data []byte) (Body, error) { return events.Decode(typ, data) }

// Check returns nil for an event that fits its schema and its envelope; see aggregate.Events.
func Check(e event.Event) error { return events.Check(e) }

// New returns an event about the subject. The caller sets its Time, Sequence and Meta.
func New(source, subject string, b Body) event.Event { return aggregate.New(source, subject, b) }
