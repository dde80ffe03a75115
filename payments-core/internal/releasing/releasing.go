// Package releasing is the process manager that lets go of money whose order cannot use it: the order
// has expired, was cancelled, was paid by another payment, or refused this one.
//
// It is pure. It reads, from everything that happened to an order and to a payment for it, what the
// payment needs; so the order of arrival does not matter, nor does hearing something twice, and a second
// instance that looks at the same case wants nothing more.
//
// Invariants:
//   - What holds money is released, what has moved it is refunded, and everything else that has not ended
//     is cancelled. While the gateway is being asked something, its answer is waited for.
//   - The payment that paid the order is left alone.
//   - Every command says which order it is about and why, in words for the people on both sides.
//
// Whoever runs it holds the order's case (pkg/cases), from before it reads until it has recorded.
package releasing

import (
	"encoding/json"
	"errors"
	"fmt"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// Order is what is known here of an order: the fold of what ordering-core said about it.
type Order struct {
	ID      string
	Number  string       // "" until it was submitted
	Total   money.Amount // zero until it was submitted
	PaidBy  string       // the payment that paid it
	Dead    bool         // expired or cancelled
	ending  event.Event  // what made it paid or dead
	why     string       // it is dead
	refused map[string]refusal
}

// refusal is why an order does not take one payment.
type refusal struct {
	event  event.Event
	reason string
}

// Fold applies an order's events in the order of the log. Its first ending stands; what cannot be read, or
// is of no interest here, changes nothing.
func Fold(id string, events ...event.Event) Order {
	o := Order{ID: id, refused: map[string]refusal{}}
	for _, e := range events {
		var said said
		if !interesting[e.Type] || json.Unmarshal(e.Data, &said) != nil {
			continue
		}
		ended := o.Dead || o.PaidBy != ""
		switch {
		case e.Type == typeSubmitted && o.Number == "":
			o.Number, o.Total = said.Number, said.Total
		case e.Type == typeRefused:
			if _, before := o.refused[said.PaymentID]; !before {
				o.refused[said.PaymentID] = refusal{e, said.Reason}
			}
		case ended:
		case e.Type == typePaid:
			o.PaidBy, o.ending = said.PaymentID, e
		case e.Type == typeExpired:
			o.Dead, o.ending, o.why = true, e, because("expired", said.Reason)
			if e.ActorName != "" { // a manager may have it expire
				o.why = because(by("was expired", e), said.Reason)
			}
		case e.Type == typeCancelled:
			o.Dead, o.ending, o.why = true, e, because(by("was cancelled", e), said.Reason)
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
	own, refused := o.refused[paymentID]
	switch {
	case o.PaidBy == paymentID && paymentID != "":
		return "", cause, false
	case o.Dead:
		return o.name() + " " + o.why, o.ending, true
	case o.PaidBy != "":
		return o.name() + " was paid by another payment", o.ending, true
	case refused:
		return because(o.name()+" does not take it", own.reason), own.event, true
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

func by(words string, e event.Event) string {
	if e.ActorName == "" {
		return words
	}
	return words + " by " + e.ActorName
}

// said is what matters here of what order events say. Another field, or another type, is none of our business.
type said struct {
	Number    string       `json:"number"`
	Total     money.Amount `json:"total"`
	PaymentID string       `json:"payment_id"`
	Reason    string       `json:"reason"`
}

// The types of ordering-core's that matter here.
const (
	typeSubmitted = "order_submitted"
	typePaid      = "order_paid"
	typeExpired   = "order_expired"
	typeCancelled = "order_cancelled"
	typeRefused   = "order_payment_refused"
)

var interesting = map[string]bool{typeSubmitted: true, typePaid: true, typeExpired: true, typeCancelled: true, typeRefused: true}

// ErrMalformed says that an order's event lacks what is needed here.
var ErrMalformed = errors.New("releasing: malformed event of an order")

// Check reads an order's event as Fold does, and refuses what Fold would have to skip.
func Check(e event.Event) error {
	if !interesting[e.Type] {
		return nil
	}
	var s said
	if err := json.Unmarshal(e.Data, &s); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMalformed, e.Type, err)
	}
	if s.PaymentID == "" && (e.Type == typePaid || e.Type == typeRefused) {
		return fmt.Errorf("%w: %s: payment_id is missing", ErrMalformed, e.Type)
	}
	return nil
}
