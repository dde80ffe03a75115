// Package releasing is the process manager that releases, refunds or cancels a payment that its order cannot
// use: the order has expired, was cancelled, was paid by another payment, or refused this one.
//
// Its decision is a pure function of everything that happened to an order and to a payment for it. So neither
// the order of arrival nor a duplicate matters, and a second instance that decides about the same process
// wants nothing more.
//
// Invariants:
//   - ordering-core decides what the state of an order is: it is folded by order.Fold, here as everywhere.
//   - A payment that holds money is released, one that has moved it is refunded, and any other that has not
//     ended is cancelled. While the gateway is being asked something, its answer is awaited.
//   - The payment that paid the order is left alone.
//   - The reason of every command names the order and is fit for people on both sides.
//
// Whoever runs it holds the order's process lock (pkg/journal/processlock), from before it reads until it has
// recorded.
package releasing

import (
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal/processlock"
)

// Order is an order, with the events that make it unable to use a payment. Its ID is set even if nobody has
// drafted it, and it has only refused payments.
type Order struct {
	order.Order
	ending  event.Event            // what made it paid, expired or cancelled
	refused map[string]event.Event // by payment
}

// Fold folds an order from the entries of its stream.
func Fold(id string, entries []order.Entry) Order {
	folded, steps := order.Fold(entries)
	o := Order{Order: folded}
	o.ID = id
	for _, step := range steps {
		if !step.Effect {
			continue
		}
		switch body := step.Body.(type) {
		case order.Paid, order.Expired, order.Cancelled:
			o.ending = step.Entry.Event
		case order.PaymentRefused:
			if o.refused == nil {
				o.refused = map[string]event.Event{}
			}
			o.refused[body.PaymentID] = step.Entry.Event
		}
	}
	return o
}

// Kind is what is done about a payment.
type Kind string

// The kinds: one for each state that money can be in. Two are operations at the gateway.
const (
	Cancel  Kind = "cancel"
	Release      = Kind(payment.Release)
	Refund       = Kind(payment.Refund)
)

// Command is one thing to do about a payment.
type Command struct {
	PaymentID string
	Kind      Kind
	Reason    string      // for people
	Cause     event.Event // of the order
}

// Payment is a payment for the order. Asked means that the gateway was asked something about it and has not
// answered for good.
type Payment struct {
	payment.Payment
	Asked bool
}

// Commands returns what to do about the payments of an order now, in their order.
func Commands(o Order, payments ...Payment) []Command {
	var commands []Command
	for _, p := range payments {
		if command, wanted := o.command(p); wanted {
			commands = append(commands, command)
		}
	}
	return commands
}

func (o Order) command(p Payment) (Command, bool) {
	if p.OrderID != o.ID || o.ID == "" || p.Asked {
		return Command{}, false
	}
	c := Command{PaymentID: p.ID}
	var refuses bool
	if c.Reason, c.Cause, refuses = o.refuses(p.ID); !refuses {
		return Command{}, false
	}
	switch {
	case p.CanRelease() == nil:
		c.Kind = Release
	case p.CanRefund() == nil:
		c.Kind = Refund
	case p.CanCancel() == nil:
		c.Kind = Cancel
	default: // it has ended
		return Command{}, false
	}
	return c, true
}

// Refuses reports whether the order cannot use a payment, whatever the state of the payment is.
func (o Order) Refuses(paymentID string) bool {
	_, _, refuses := o.refuses(paymentID)
	return refuses
}

func (o Order) refuses(paymentID string) (reason string, cause event.Event, refuses bool) {
	switch {
	case o.PaidBy == paymentID && paymentID != "":
		return "", cause, false
	case o.State == order.StateExpired:
		if o.Expired.ByName != "" { // a manager can let it expire
			return because(o.name()+" was expired by "+o.Expired.ByName, o.Reason), o.ending, true
		}
		return because(o.name()+" expired", o.Reason), o.ending, true
	case o.State == order.StateCancelled:
		return because(aggregate.By(o.name()+" was cancelled", o.Cancelled.ByName), o.Reason), o.ending, true
	case o.State == order.StatePaid:
		return o.name() + " was paid by another payment", o.ending, true
	}
	for _, refused := range o.Refused {
		if refused.PaymentID == paymentID {
			return because(o.name()+" does not take it", refused.Reason), o.refused[paymentID], true
		}
	}
	return "", cause, false
}

// name is how people call the order; one that was never submitted has no number.
func (o Order) name() string {
	if o.Number == "" {
		return "its order"
	}
	return "order " + o.Number
}

// because adds a reason, which an event stores as it is.
func because(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + ": " + reason
}

// Members are the streams of an order's process: the order's, and those of the payments that are requested
// for it.
var Members = processlock.NamedBy(order.Stream, payment.Stream, payment.OrderOf)
