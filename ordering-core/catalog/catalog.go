// Package catalog is the products and customers of ordering-core: their events, with the schemas, and their
// state.
//
// Invariants:
//   - It is pure: no I/O, no clock.
//   - ordering-core is the only writer. Each event but the archiving has the whole product or customer, and
//     its number in their history (ce_sequence). An event out of that order, or of another writer, has no
//     effect. One in order that cannot be read still counts, since a newer version may know it.
//   - What is archived stays so.
package catalog

import (
	"time"

	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// Product is the state of a product. Without an ID nobody has added it.
type Product struct {
	ID, SKU, Name string
	Price         money.Amount
	Archived      bool
	Sequence      int64 // of the last event
	UpdatedAt     time.Time
}

// Customer is the state of a customer. Without an ID nobody has added them.
type Customer struct {
	ID, Name, Email string
	Archived        bool
	Sequence        int64 // of the last event
	UpdatedAt       time.Time
}

// FoldProduct folds the events of a product's stream, in their order.
func FoldProduct(events []event.Event) (p Product) {
	for _, e := range events {
		body, next := following(e, p.Sequence)
		if !next {
			continue
		}
		p.Sequence = e.Sequence // the one writer numbers its events, with or without effect
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

// FoldCustomer folds the events of a customer's stream, in their order.
func FoldCustomer(events []event.Event) (c Customer) {
	for _, e := range events {
		body, next := following(e, c.Sequence)
		if !next {
			continue
		}
		c.Sequence = e.Sequence // the one writer numbers its events, with or without effect
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

// following reads an event; next is false if it is not the one writer's next, and body is nil if it cannot be
// read.
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
