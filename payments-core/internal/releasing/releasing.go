// Package releasing is the process manager that lets go of money whose order cannot use it: the order
// has expired, was cancelled, was paid by another payment, or refused this one.
//
// It is pure. It reads, from everything that happened to an order and to a payment for it, what the
// payment needs; so the order of arrival does not matter, nor does hearing something twice, and a second
// instance that looks at the same case wants nothing more.
//
// Invariants:
//   - What an order comes to is ordering-core's to say: it is folded by order.Fold, here as everywhere.
//   - What holds money is released, what has moved it is refunded, and everything else that has not ended
//     is cancelled. While the gateway is being asked something, its answer is waited for.
//   - The payment that paid the order is left alone.
//   - Every command says which order it is about and why, in words for the people on both sides.
//
// Whoever runs it holds the order's case (pkg/cases), from before it reads until it has recorded.
package releasing

import (
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// Order is an order as everybody folds it, with what this process manager asks about it. Its ID is set also where nobody has
// drafted it, and it only refused payments.
type Order struct {
	order.Order
	ending  event.Event            // what made it paid, expired or cancelled
	refused map[string]event.Event // by payment
}

// Fold is the order that the entries of its stream come to.
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

// The kinds: one for each state that money can be in.
const (
	Cancel  Kind = "cancel"
	Release Kind = "release"
	Refund  Kind = "refund"
)

// Command is one thing to do.
type Command struct {
	PaymentID string
	Kind      Kind
	Reason    string      // for people
	Cause     event.Event // of the order
}

// Payment is a payment for the order. Asked means that the gateway has been asked something about it and has not
// answered for good.
type Payment struct {
	payment.Payment
	Asked bool
}

// Commands returns what the payments of an order need now, in their order.
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

// Refuses reports whether the order cannot use a payment, whatever became of the payment.
func (o Order) Refuses(paymentID string) bool {
	_, _, refuses := o.refuses(paymentID)
	return refuses
}

func (o Order) refuses(paymentID string) (reason string, cause event.Event, refuses bool) {
	switch {
	case o.PaidBy == paymentID && paymentID != "":
		return "", cause, false
	case o.State == order.StateExpired:
		if o.Expired.ByName != "" { // a manager may have it expire
			return because(o.name()+" was expired by "+o.Expired.ByName, o.Reason), o.ending, true
		}
		return because(o.name()+" expired", o.Reason), o.ending, true
	case o.State == order.StateCancelled:
		return because(by(o.name()+" was cancelled", o.Cancelled.ByName), o.Reason), o.ending, true
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

func because(words, reason string) string {
	if reason == "" {
		return words
	}
	return words + ": " + reason
}

func by(words, name string) string {
	if name == "" {
		return words
	}
	return words + " by " + name
}
