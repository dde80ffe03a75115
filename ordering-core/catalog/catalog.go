// Package catalog is what ordering-core says about products and customers: the events, their schemas, and what a product or a
// customer comes to.
//
// Invariants:
//   - It is pure: no I/O, no clock.
//   - ordering-core is the only writer. Each event says all that its product or customer is from then on, but archived, and
//     carries its number in the thing's history (ce_sequence). What is out of that order, or somebody else's, has no effect; what is
//     in order and cannot be read is counted, since a newer version may know it.
//   - What is archived stays so.
package catalog

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

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

// The errors of Decode and Check.
var (
	ErrUnknownType = schema.ErrUnknownType
	ErrMalformed   = schema.ErrMalformed
)

// Body is what one type of event says; the envelope says who and when.
type Body interface {
	EventType() string
	about() string // the subject
}

// ProductAdded: there is a new product.
type ProductAdded struct {
	ProductID string       `json:"product_id"`
	Name      string       `json:"name"`
	SKU       string       `json:"sku"`
	Price     money.Amount `json:"price"` // 1 to money.Max minor units
}

// ProductChanged: this is what the product is from now on.
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

// CustomerChanged: this is what the customer is from now on.
type CustomerChanged CustomerAdded

// CustomerArchived: they stay on old orders and cannot be chosen for new ones.
type CustomerArchived struct {
	CustomerID string `json:"customer_id"`
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

// Writer is the source of the one service that writes events of type typ; "" if the type is not known.
func Writer(typ string) string {
	if _, known := decoders[typ]; known {
		return Source
	}
	return ""
}

// Types returns every event type of the catalog.
func Types() []schema.Type {
	var types []schema.Type
	for _, name := range []string{
		TypeProductAdded, TypeProductChanged, TypeProductArchived, TypeCustomerAdded, TypeCustomerChanged, TypeCustomerArchived,
	} {
		types = append(types, schema.Describe(schemas, name, Writer(name)))
	}
	return types
}

// Decode reads the data of an event of type typ. Its errors are ErrUnknownType or ErrMalformed, wrapped.
func Decode(typ string, data []byte) (Body, error) { return decoders.Decode(typ, data) }

// New makes an event about the subject. The caller sets its Time, Sequence and Meta, and whatever else the envelope says.
func New(source, subject string, b Body) event.Event {
	data, err := json.Marshal(b)
	if err != nil { // bodies are checked before, and have known currencies
		panic(fmt.Errorf("catalog: encode %s: %w", b.EventType(), err))
	}
	return event.Event{
		ID: event.NewID(), Type: b.EventType(), Source: source, Subject: subject, DataSchema: schema.URI(b.EventType()), Data: data,
	}
}

// Check tells whether an event fits: nil, ErrUnknownType (keep it, without effect) or ErrMalformed (a dead letter).
func Check(e event.Event) error {
	_, err := read(e)
	return err
}

// read decodes an event and holds it against its envelope.
func read(e event.Event) (Body, error) {
	body, err := Decode(e.Type, e.Data)
	if err != nil {
		return nil, err
	}
	if body.about() != e.Subject {
		return nil, fmt.Errorf("%w: the id is not the subject", ErrMalformed)
	}
	return body, nil
}

// Product is what a product comes to; without an ID nobody has added it.
type Product struct {
	ID, SKU, Name string
	Price         money.Amount
	Archived      bool
	Sequence      int64 // of the last event
	UpdatedAt     time.Time
}

// Customer is what a customer comes to; without an ID nobody has added them.
type Customer struct {
	ID, Name, Email string
	Archived        bool
	Sequence        int64 // of the last event
	UpdatedAt       time.Time
}

// FoldProduct is a product by the events of its stream, in their order.
func FoldProduct(events []event.Event) (p Product) {
	for _, e := range events {
		body, next := following(e, p.Sequence)
		if !next {
			continue
		}
		p.Sequence = e.Sequence // the one writer counts, whatever came of it
		there := p.ID != ""
		switch b := body.(type) {
		case ProductAdded:
			if there {
				continue
			}
			p.ID, p.SKU, p.Name, p.Price = b.ProductID, b.SKU, b.Name, b.Price
		case ProductChanged:
			if !there || p.Archived {
				continue
			}
			p.SKU, p.Name, p.Price = b.SKU, b.Name, b.Price
		case ProductArchived:
			if !there || p.Archived {
				continue
			}
			p.Archived = true
		default:
			continue
		}
		p.UpdatedAt = e.Time
	}
	return p
}

// FoldCustomer is a customer by the events of its stream, in their order.
func FoldCustomer(events []event.Event) (c Customer) {
	for _, e := range events {
		body, next := following(e, c.Sequence)
		if !next {
			continue
		}
		c.Sequence = e.Sequence // the one writer counts, whatever came of it
		there := c.ID != ""
		switch b := body.(type) {
		case CustomerAdded:
			if there {
				continue
			}
			c.ID, c.Name, c.Email = b.CustomerID, b.Name, b.Email
		case CustomerChanged:
			if !there || c.Archived {
				continue
			}
			c.Name, c.Email = b.Name, b.Email
		case CustomerArchived:
			if !there || c.Archived {
				continue
			}
			c.Archived = true
		default:
			continue
		}
		c.UpdatedAt = e.Time
	}
	return c
}

// following tells whether an event is the one writer's next, and reads it: nil if it cannot be read.
func following(e event.Event, last int64) (body Body, next bool) {
	if e.Source != Source || e.Sequence != last+1 {
		return nil, false
	}
	body, err := read(e)
	if err != nil {
		return nil, true
	}
	return body, true
}
