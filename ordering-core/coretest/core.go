// Package coretest is ordering-core in memory, for tests of what several services do together: the rules
// and the process manager that it really has, around a journal that is a slice.
//
// Every method is one transaction of the real one, under the process lock.
package coretest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/internal/confirming"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// Source is the source of its events.
const Source = "/ordering-core"

// Core is one ordering-core.
type Core struct {
	Now      time.Time
	received map[received]bool
	orders   map[string][]order.Entry
	payments map[string][]payment.Entry
	outbox   []event.Event
	err      error
}

// New returns a core without orders.
func New(now time.Time) *Core {
	return &Core{Now: now, received: map[received]bool{}, orders: map[string][]order.Entry{}, payments: map[string][]payment.Entry{}}
}

// Err is the first thing that went wrong.
func (c *Core) Err() error { return c.err }

// received is an event that was received: its id counts within its subject.
type received struct {
	id      uuid.UUID
	subject string
}

// Receive records an event of either topic, which may be a duplicate, and does what follows from it.
func (c *Core) Receive(e event.Event) {
	if c.received[received{e.ID, e.Subject}] {
		return
	}
	c.received[received{e.ID, e.Subject}] = true
	if strings.HasPrefix(e.Type, "order_") {
		entries := c.orders[e.Subject]
		if i := slices.IndexFunc(entries, func(own order.Entry) bool { return own.ID == e.ID }); i >= 0 {
			entries[i].Confirmed = true
			return
		}
		c.orders[e.Subject] = append(entries, order.Entry{Event: e, Confirmed: true})
		return
	}
	c.payments[e.Subject] = append(c.payments[e.Subject], payment.Entry{Event: e, Confirmed: true})
	orderID := c.Payment(e.Subject).OrderID
	if orderID == "" {
		return
	}
	var payments []confirming.Payment
	for _, id := range slices.Sorted(maps.Keys(c.payments)) {
		if p := confirming.Fold(c.payments[id]); p.OrderID == orderID {
			payments = append(payments, p)
		}
	}
	for {
		command, wanted := confirming.Next(c.Order(orderID), payments...)
		if !wanted || c.err != nil {
			return
		}
		c.write(orderID, command.Body, event.CausedBy(command.Cause))
	}
}

// Do has a person do something to an order; what the domain refuses is not done.
func (c *Core) Do(id, actor string, command func(order.Order) (order.Body, error)) {
	if body, err := command(c.Order(id)); err == nil {
		c.write(id, body, event.Meta{Actor: actor})
	}
}

// Outbox returns what was written since it was called last.
func (c *Core) Outbox() []event.Event {
	written := c.outbox
	c.outbox = nil
	return written
}

// Order is the state of an order here.
func (c *Core) Order(id string) order.Order {
	o, _ := order.Fold(c.orders[id])
	return o
}

// Payment is the state of a payment here.
func (c *Core) Payment(id string) payment.Payment { return confirming.Fold(c.payments[id]).Payment }

func (c *Core) write(id string, body order.Body, meta event.Meta) {
	e := order.New(Source, id, body)
	e.Time, e.Meta, e.Sequence = c.Now, meta, c.Order(id).Sequence+1
	c.orders[id] = append(c.orders[id], order.Entry{Event: e})
	c.outbox = append(c.outbox, e)
	if _, steps := order.Fold(c.orders[id]); !steps[len(steps)-1].Effect {
		c.fail(steps[len(steps)-1].Refusal)
	}
}

func (c *Core) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}
