// Package ordertest writes the events of orders as ordering-core does, for tests of those who read them.
package ordertest

import (
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// Ada is the contractor whose orders these are.
var Ada = event.Meta{Actor: "ada", ActorName: "Ada Nowak"}

const someID = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a02"

// History is an order's, in the order of its events.
type History struct {
	ID       string
	Now      time.Time // of the next event
	Entries  []order.Entry
	sequence int64
}

// Drafted is the history of an order with one thing in it, worth total, for a customer.
func Drafted(id string, total money.Amount) *History {
	h := &History{ID: id, Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	h.Append(Ada, order.Draft(id, Ada.Actor))
	h.Append(Ada, order.ItemAdded{ProductID: someID, SKU: "F-1", Name: "Fence", Price: total, Quantity: 1})
	h.Append(Ada, order.CustomerChosen{CustomerID: someID, Name: "Garden Ltd"})
	return h
}

// Submitted is a history that waits to be paid, with the number 2026/11/000042.
func Submitted(id string, total money.Amount) *History {
	h := Drafted(id, total)
	line := order.Line{ProductID: someID, SKU: "F-1", Name: "Fence", Price: total, Quantity: 1, Total: total}
	h.Append(Ada, order.Submitted{
		Number: "2026/11/000042", ContractorID: Ada.Actor, CustomerID: someID, CustomerName: "Garden Ltd", Lines: []order.Line{line},
		Subtotal: total, Total: total, ExpiresAt: h.Now.Add(24 * time.Hour),
	})
	return h
}

// Append adds the next event, and returns it.
func (h *History) Append(by event.Meta, body order.Body) event.Event {
	e := order.New(order.Writer(body.EventType()), h.ID, body)
	h.sequence++
	e.Time, e.Meta, e.Sequence = h.Now, by, h.sequence
	h.Entries = append(h.Entries, order.Entry{Event: e, Confirmed: true})
	return e
}

// Events are the history's.
func (h *History) Events() []event.Event {
	events := make([]event.Event, len(h.Entries))
	for i, e := range h.Entries {
		events[i] = e.Event
	}
	return events
}
