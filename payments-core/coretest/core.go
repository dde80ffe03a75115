// Package coretest is payments-core in memory, for tests of what several services do together: the rules
// and the process manager that it really has, around a journal that is a slice.
//
// Every method is one transaction of the real one, under the process lock.
package coretest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// Source is the source of its events.
const Source = "/payments-core"

// Core is one payments-core.
type Core struct {
	Now       time.Time
	Rules     operations.Rules
	received  map[received]bool
	payments  map[string][]payment.Entry
	orders    map[string][]order.Entry
	histories map[string]operations.History
	outbox    []event.Event
	err       error
}

// New returns a core without payments.
func New(now time.Time) *Core {
	return &Core{
		Now: now, Rules: operations.Rules{RetryDelays: []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}},
		received: map[received]bool{}, payments: map[string][]payment.Entry{},
		orders: map[string][]order.Entry{}, histories: map[string]operations.History{},
	}
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
		c.orders[e.Subject] = append(c.orders[e.Subject], order.Entry{Event: e, Confirmed: true})
		for _, id := range c.ids() {
			if c.Payment(id).OrderID == e.Subject {
				c.applyRules(id)
			}
		}
		return
	}
	entries := slices.DeleteFunc(c.payments[e.Subject], func(own payment.Entry) bool { return own.ID == e.ID })
	place := slices.IndexFunc(entries, func(entry payment.Entry) bool { return !entry.Confirmed })
	if place < 0 {
		place = len(entries)
	}
	c.payments[e.Subject] = slices.Insert(entries, place, payment.Entry{Event: e, Confirmed: true})
	c.applyRules(e.Subject)
}

// Outbox returns what was written since it was called last.
func (c *Core) Outbox() []event.Event {
	written := c.outbox
	c.outbox = nil
	return written
}

// Payment is the state of a payment here.
func (c *Core) Payment(id string) payment.Payment {
	p, _ := payment.Fold(c.payments[id])
	return p
}

// Order is the state of an order here.
func (c *Core) Order(id string) order.Order {
	o := releasing.Fold(id, c.orders[id])
	if !o.Exists() {
		o.ID = ""
	}
	return o.Order
}

// ids are in order, so that a test that fails can be played again.
func (c *Core) ids() []string { return slices.Sorted(maps.Keys(c.payments)) }

// Asked is what the gateway is asked about a payment; NoOperation if nothing.
func (c *Core) Asked(id string) payment.OperationKind {
	if open, _ := c.histories[id].Open(); !open.Stuck() {
		return open.Kind
	}
	return payment.NoOperation
}

// Stuck reports whether a payment waits for an operator.
func (c *Core) Stuck(id string) bool {
	open, _ := c.histories[id].Open()
	return open.Stuck()
}

// Retry is an operator's, of what is stuck.
func (c *Core) Retry(id string) {
	open, _ := c.histories[id].Open()
	p := c.Payment(id)
	c.conclude(id, operations.RetryOf(p, c.order(p), open))
}

// Settle is an operator's, of what is stuck: it has been done otherwise.
func (c *Core) Settle(id string) {
	open, _ := c.histories[id].Open()
	open.Handled = operations.Handling{By: "Olga", Why: "by bank transfer"}
	c.conclude(id, operations.SettlementOf(c.Payment(id), open, operations.Settlement{Succeeded: true, Reference: "by hand"}))
}

// Answer is the gateway's definite one to what it is asked about a payment.
func (c *Core) Answer(id string, result gateway.Result) {
	open, is := c.histories[id].Open()
	if !is {
		c.fail(fmt.Errorf("payment %s: an answer to nothing", id))
		return
	}
	p := c.Payment(id)
	c.conclude(id, operations.OutcomeOf(p, c.order(p), open, result))
}

// conclude records what became of a payment's open operation.
func (c *Core) conclude(id string, done operations.Outcome) {
	if done.Err != nil {
		c.fail(done.Err)
		return
	}
	o := done.Operation
	if o.State == operations.Open {
		o.StuckAt = c.Now
	}
	history := c.histories[id]
	history[slices.IndexFunc(history, func(other operations.Operation) bool { return other.ID == o.ID })] = o
	if done.Body != nil {
		c.write(id, done.Body, o.Meta)
	}
	if done.Again {
		c.open(id, o.Kind, o.Reason)
		return
	}
	c.applyRules(id)
}

// Command is a manager's capture or release; it does nothing where that cannot be done.
func (c *Core) Command(id string, kind payment.OperationKind) {
	p := c.Payment(id)
	if _, is := c.histories[id].Open(); is || kind == payment.Capture && p.CanCapture() != nil || kind == payment.Release && p.CanRelease() != nil {
		return
	}
	c.open(id, kind, "a manager wants it so")
}

// Reopen takes a payment's acceptance back; it does nothing where that cannot be done.
func (c *Core) Reopen(id, manager string) {
	by, p := event.Meta{Actor: manager}, c.Payment(id)
	body, err := p.Reopen(by, p.Decided.EventID.String())
	if err != nil || len(c.histories[id]) > 0 || !c.Now.Before(p.Decided.At.Add(c.Rules.Grace)) {
		return
	}
	c.write(id, body, by)
}

// Wait lets time pass until the next retry or the end of a hold; false if nothing is due.
func (c *Core) Wait() bool {
	var next time.Time
	for _, id := range c.ids() {
		p := c.Payment(id)
		if wanted, is := c.Rules.Next(p, c.histories[id], c.order(p)); is && (next.IsZero() || wanted.At.Before(next)) {
			next = wanted.At
		}
	}
	if next.IsZero() {
		return false
	}
	c.Now = next
	for _, id := range c.ids() {
		c.applyRules(id)
	}
	return true
}

func (c *Core) order(p payment.Payment) releasing.Order {
	if p.OrderID == "" {
		return releasing.Order{}
	}
	return releasing.Fold(p.OrderID, c.orders[p.OrderID])
}

// applyRules does what the rules want now.
func (c *Core) applyRules(id string) {
	p := c.Payment(id)
	next, wanted := c.Rules.Next(p, c.histories[id], c.order(p))
	switch {
	case !wanted || next.At.After(c.Now):
	case next.Cancel:
		body, err := p.Cancel(next.Reason)
		if err != nil {
			c.fail(err)
			return
		}
		c.write(id, body, event.CausedBy(next.Cause))
	default:
		c.open(id, next.Kind, next.Reason)
	}
}

func (c *Core) open(id string, kind payment.OperationKind, reason string) {
	history := c.histories[id]
	o := operations.NewOperation(c.Payment(id), history, kind, reason, event.Meta{})
	o.ID = int64(len(history) + 1)
	if _, done := history.Succeeded(kind); done {
		c.fail(fmt.Errorf("payment %s: %s has succeeded, and is opened again", id, kind))
	}
	if _, open := history.Open(); open {
		c.fail(fmt.Errorf("payment %s: two operations are open", id))
	}
	c.histories[id] = append(history, o)
}

func (c *Core) write(id string, body payment.Body, meta event.Meta) {
	e := payment.New(Source, id, body)
	e.Time, e.Meta = c.Now, meta
	c.payments[id] = append(c.payments[id], payment.Entry{Event: e})
	c.outbox = append(c.outbox, e)
}

func (c *Core) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}
