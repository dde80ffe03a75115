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
	p.Sequence, p.UpdatedAt = fold(events, func(body Body) (effect bool) {
		there := p.ID != ""
		switch b := body.(type) {
		case ProductAdded:
			if effect = !there; effect {
				p.ID, p.SKU, p.Name, p.Price = b.ProductID, b.SKU, b.Name, b.Price
			}
		case ProductChanged:
			if effect = there && !p.Archived; effect {
				p.SKU, p.Name, p.Price = b.SKU, b.Name, b.Price
			}
		case ProductArchived:
			if effect = there && !p.Archived; effect {
				p.Archived = true
			}
		}
		return effect
	})
	return p
}

// FoldCustomer folds the events of a customer's stream, in their order.
func FoldCustomer(events []event.Event) (c Customer) {
	c.Sequence, c.UpdatedAt = fold(events, func(body Body) (effect bool) {
		there := c.ID != ""
		switch b := body.(type) {
		case CustomerAdded:
			if effect = !there; effect {
				c.ID, c.Name, c.Email = b.CustomerID, b.Name, b.Email
			}
		case CustomerChanged:
			if effect = there && !c.Archived; effect {
				c.Name, c.Email = b.Name, b.Email
			}
		case CustomerArchived:
			if effect = there && !c.Archived; effect {
				c.Archived = true
			}
		}
		return effect
	})
	return c
}

// fold calls apply with the body of each event that can be read and is the one writer's next. The writer
// numbers its events, with or without effect. changed is the time of the last one with an effect.
func fold(stream []event.Event, apply func(Body) (effect bool)) (sequence int64, changed time.Time) {
	for _, e := range stream {
		if e.Source != Source || e.Sequence != sequence+1 {
			continue
		}
		sequence = e.Sequence
		if body, err := events.Read(e); err == nil && apply(body) {
			changed = e.Time
		}
	}
	return sequence, changed
}
