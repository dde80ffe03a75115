// Package order is the Order aggregate: what a contractor orders for a customer, from the draft to being paid,
// expired or cancelled. It is pure: no I/O, no clock.
//
// The rules, by what must stand before:
//
//	–                 order_drafted          by the contractor it names
//	draft             order_item_added       one currency; the lines' sum stays a sane amount
//	draft             order_item_removed     no more than there are: removing one of two leaves one
//	draft             order_customer_chosen
//	draft             order_discount_set     more than nothing, less than everything
//	draft             order_discount_reset
//	draft             order_submitted        a line or more and a customer; the total is its lines' and discount's
//	submitted         order_paid             ends it
//	draft, submitted  order_expired          ends it
//	draft, submitted  order_cancelled        ends it
//	any               order_payment_refused  once a payment, and not the one that paid; changes nothing else
//
// Invariants, for any sequence of events whatsoever:
//   - One writer, Source, counts an order's events: another's, one heard again, and one after a gap have no effect.
//   - An invalid event changes nothing, and everyone who folds the same entries gets the same order.
//   - After the submit nothing changes what is ordered, nor what it costs; what has ended is never reopened.
//   - An order is paid by one payment, and only while it waits to be paid.
//   - Subtotal is the sum of the lines' totals, and Total the subtotal less the discount, in one currency.
package order

import (
	"errors"
	"slices"

	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// Entry is an event as a journal holds it. Confirmed means that the log holds it too.
type Entry struct {
	event.Event
	Confirmed bool
}

// Step is what became of one entry: its effect, or why it had none.
type Step struct {
	Entry   Entry
	Body    Body // nil if it cannot be read
	Effect  bool
	Refusal *Refusal // set where Effect is false
	// Order is how the order stood after this step.
	Order  Order
	before []Line // what was in it before
}

// Fold applies entries in order: those that the log has confirmed, in its order, then the
// pending ones. Each event is there once (the journal sees to that). The order is zero
// if nothing valid drafted it.
func Fold(entries []Entry) (Order, []Step) {
	var o Order
	steps := make([]Step, 0, len(entries))
	for _, e := range entries {
		var step Step
		o, step = Next(o, e)
		steps = append(steps, step)
	}
	return o, steps
}

// Next is an order after one more entry, and what became of that: a Fold goes on with it.
func Next(o Order, e Entry) (Order, Step) {
	before := o.Lines
	body, err := read(e.Event)
	var refusal *Refusal
	switch {
	case errors.Is(err, ErrUnknownType):
		refusal = &Refusal{Code: UnknownType, Tried: e.Type}
	case err != nil: // consumers refuse it, so it should not be in a journal
		refusal = &Refusal{Code: Malformed, Tried: e.Type}
	case e.Source != Source:
		refusal = &Refusal{Code: OtherWriter, Tried: e.Type}
	case e.Sequence != o.Sequence+1:
		refusal = &Refusal{Code: OutOfSequence, Tried: e.Type}
	default:
		refusal = o.apply(body, e)
	}
	if e.Source == Source && e.Sequence == o.Sequence+1 {
		o.Sequence = e.Sequence // the one writer counts, whatever came of it
	}
	return o, Step{Entry: e, Body: body, Effect: refusal == nil, Refusal: refusal, Order: o, before: before}
}

// apply is the one place that changes an order: by the rules, or not at all. It shares no
// memory with what the order was before.
func (o *Order) apply(body Body, e Entry) *Refusal {
	if refusal := o.refuses(body, e.Actor); refusal != nil {
		return refusal
	}
	act := Act{By: e.Actor, ByName: e.ActorName, At: e.Time, Confirmed: e.Confirmed}
	switch b := body.(type) {
	case Drafted:
		*o = Order{
			ID: b.OrderID, ContractorID: b.ContractorID, ContractorName: nameOf(e.Actor, e.ActorName), State: StateDraft,
			Drafted: act, Sequence: o.Sequence, Refused: o.Refused,
		}
	case ItemAdded:
		o.Lines = with(o.Lines, b)
		o.sum()
	case ItemRemoved:
		o.Lines = without(o.Lines, b)
		o.sum()
	case CustomerChosen:
		o.CustomerID, o.CustomerName = b.CustomerID, b.Name
	case DiscountSet:
		o.BasisPoints = b.BasisPoints
		o.sum()
	case DiscountReset:
		o.BasisPoints = 0
		o.sum()
	case Submitted:
		o.State, o.Submitted, o.Number, o.ExpiresAt = StateSubmitted, act, b.Number, b.ExpiresAt
		o.CustomerID, o.CustomerName = b.CustomerID, b.CustomerName
		o.Lines, o.BasisPoints, o.Subtotal, o.Total = slices.Clone(b.Lines), b.BasisPoints, b.Subtotal, b.Total
	case Paid:
		o.State, o.Paid, o.PaidBy = StatePaid, act, b.PaymentID
	case Expired:
		o.State, o.Expired, o.Reason = StateExpired, act, b.Reason
	case Cancelled:
		o.State, o.Cancelled, o.Reason = StateCancelled, act, b.Reason
	case PaymentRefused:
		o.Refused = append(slices.Clone(o.Refused), RefusedPayment{PaymentID: b.PaymentID, Reason: b.Reason, At: e.Time})
	}
	o.Pending = o.Pending || !e.Confirmed
	o.UpdatedAt = e.Time
	return nil
}

// sum brings a draft's totals up to date; refuses has seen that they fit.
func (o *Order) sum() {
	o.Subtotal, o.Total = money.Amount{}, money.Amount{}
	if len(o.Lines) == 0 {
		return
	}
	if subtotal, refusal := sumOf(o.Lines); refusal == nil {
		o.Subtotal, o.Total = subtotal, subtotal
		o.Total.Minor -= DiscountOf(subtotal, o.BasisPoints).Minor
	}
}

// with is lines after an addition. The price is the latest for all of the product.
func with(lines []Line, b ItemAdded) []Line {
	lines = slices.Clone(lines)
	i := slices.IndexFunc(lines, func(l Line) bool { return l.ProductID == b.ProductID })
	if i < 0 {
		lines, i = append(lines, Line{ProductID: b.ProductID}), len(lines)
	}
	l := &lines[i]
	l.SKU, l.Name, l.Price = b.SKU, b.Name, b.Price
	l.Quantity += b.Quantity
	l.Total = times(l.Price, l.Quantity)
	return lines
}

// without is lines after a removal. A line of nothing is none.
func without(lines []Line, b ItemRemoved) []Line {
	left := make([]Line, 0, len(lines))
	for _, l := range lines {
		if l.ProductID == b.ProductID {
			l.Quantity -= b.Quantity
			l.Total = times(l.Price, l.Quantity)
		}
		if l.Quantity > 0 {
			left = append(left, l)
		}
	}
	return left
}

// refuses tells why body, caused by actor, is not valid now; nil if it is. Commands and
// Fold ask the same question here.
func (o Order) refuses(body Body, actor string) *Refusal {
	tried := body.EventType()
	if b, ok := body.(Drafted); ok {
		switch {
		case o.Exists():
			return o.standing(AlreadyDrafted, tried, TypeDrafted, o.Drafted)
		case actor != b.ContractorID:
			return &Refusal{Code: NotAllowed, Tried: tried}
		}
		return nil
	}
	if !o.Exists() {
		if refused, ok := body.(PaymentRefused); ok && !o.knows(refused.PaymentID) {
			return nil // a payment may name an order that nobody has drafted
		}
		return &Refusal{Code: NotDrafted, Tried: tried}
	}
	switch b := body.(type) {
	case PaymentRefused:
		if o.PaidBy == b.PaymentID || o.knows(b.PaymentID) {
			return refused(AlreadyRefused, tried, "what becomes of this payment has been said before")
		}
		return nil
	case Paid:
		if o.State == StateDraft {
			return &Refusal{Code: NotSubmitted, Tried: tried}
		}
		if o.State != StateSubmitted {
			return o.inTheWay(tried)
		}
		if o.knows(b.PaymentID) {
			return refused(AlreadyRefused, tried, "this payment was refused before")
		}
		return nil
	case Expired, Cancelled:
		if o.State != StateDraft && o.State != StateSubmitted {
			return o.inTheWay(tried)
		}
		return nil
	}
	if o.State != StateDraft {
		return o.inTheWay(tried)
	}
	switch b := body.(type) {
	case ItemAdded:
		return o.refusesItem(b)
	case ItemRemoved:
		if line, _ := o.Line(b.ProductID); line.Quantity < b.Quantity {
			return notThatMany(line)
		}
	case Submitted:
		if b.ContractorID != o.ContractorID {
			return &Refusal{Code: NotAllowed, Tried: tried}
		}
		return refusesTotals(b)
	}
	return nil
}

func (o Order) knows(paymentID string) bool {
	return slices.ContainsFunc(o.Refused, func(r RefusedPayment) bool { return r.PaymentID == paymentID })
}

// inTheWay refuses because of the latest thing that happened to the order.
func (o Order) inTheWay(tried string) *Refusal {
	switch o.State {
	case StatePaid:
		return o.standing(WrongState, tried, TypePaid, o.Paid)
	case StateExpired:
		return o.standing(WrongState, tried, TypeExpired, o.Expired)
	case StateCancelled:
		return o.standing(WrongState, tried, TypeCancelled, o.Cancelled)
	}
	return o.standing(WrongState, tried, TypeSubmitted, o.Submitted)
}

func (o Order) standing(code Code, tried, stood string, act Act) *Refusal {
	return &Refusal{Code: code, Tried: tried, Stood: stood, By: act.By, ByName: act.ByName, At: act.At}
}

// nameOf is how a person is called; somebody without a name by their id.
func nameOf(id, name string) string {
	if name != "" {
		return name
	}
	return id
}
