// Package order is the Order aggregate: what a contractor orders for a customer, from the draft to being
// paid, expired or cancelled. It is pure: no I/O, no clock.
//
// The rules, by the state that each event needs:
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
//   - One writer, Source, numbers an order's events: another's, a duplicate, and one after a gap have no
//     effect.
//   - An invalid event changes nothing, and everybody who folds the same entries gets the same order.
//   - After the submit nothing changes what is ordered, nor what it costs; what has ended is never reopened.
//   - An order is paid by one payment, and only while it waits to be paid.
//   - Subtotal is the sum of the lines' totals, and Total the subtotal less the discount, in one currency.
package order

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// State is where an order is in its life.
type State string

// The states.
const (
	StateNone      State = "" // not drafted
	StateDraft     State = "draft"
	StateSubmitted State = "submitted"
	StatePaid      State = "paid"
	StateExpired   State = "expired"
	StateCancelled State = "cancelled"
)

// Act is who did something, and when.
type Act = aggregate.Act

// RefusedPayment is a captured payment that the order could not use.
type RefusedPayment struct {
	PaymentID, Reason string
	At                time.Time
}

// Order is what a contractor orders for a customer, and what became of it.
type Order struct {
	ID             string
	Number         string // "" before it is submitted
	ContractorID   string
	ContractorName string
	CustomerID     string
	CustomerName   string

	State       State
	Lines       []Line // in the order in which their products were first added
	BasisPoints int64  // the discount, in hundredths of a percent; 0 for none
	// Of a draft by its lines' own prices; frozen by the submit.
	Subtotal, Total money.Amount

	Sequence int64 // of the last event that carries one: the version that people see and name

	Drafted   Act
	Submitted Act
	Paid      Act
	Expired   Act
	Cancelled Act

	Reason    string // of the expiry or cancellation
	ExpiresAt time.Time
	PaidBy    string // the payment
	Refused   []RefusedPayment

	Pending   bool      // an entry that had an effect is not confirmed by the log yet
	UpdatedAt time.Time // of the latest event that had an effect
}

// Exists reports whether the order has been drafted.
func (o Order) Exists() bool { return o.State != StateNone }

// Ended reports whether nothing but the refusal of payments can happen to the order any more.
func (o Order) Ended() bool {
	return o.State == StatePaid || o.State == StateExpired || o.State == StateCancelled
}

// Line returns the line of a product.
func (o Order) Line(productID string) (Line, bool) {
	for _, l := range o.Lines {
		if l.ProductID == productID {
			return l, true
		}
	}
	return Line{}, false
}

// Entry is an event as a journal holds it.
type Entry = aggregate.Entry

// Step is one entry and its effect, or the reason why it has none.
type Step struct {
	Entry   Entry
	Body    Body // nil if it cannot be read
	Effect  bool
	Refusal *Refusal // set where Effect is false
	Order   Order    // after this step
	Before  []Line   // the lines before it
}

// Fold applies entries in order: first those that the log has confirmed, in the log's order, then the pending
// ones. Each event comes once (the journal ensures that). The order is zero if no valid event drafted it.
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

// Next is Fold's step: the order after one more entry, and the effect of that entry.
func Next(o Order, e Entry) (Order, Step) {
	before := o.Lines
	body, err := events.Read(e.Event)
	var refusal *Refusal
	switch {
	case errors.Is(err, schema.ErrUnknownType):
		refusal = &Refusal{Code: UnknownType, Tried: e.Type}
	case err != nil: // consumers refuse such events, so no journal should hold one
		refusal = &Refusal{Code: InvalidEvent, Tried: e.Type}
	case e.Source != Source:
		refusal = &Refusal{Code: OtherWriter, Tried: e.Type}
	case e.Sequence != o.Sequence+1:
		refusal = &Refusal{Code: OutOfSequence, Tried: e.Type}
	default:
		refusal = o.apply(body, e)
	}
	if e.Source == Source && e.Sequence == o.Sequence+1 {
		o.Sequence = e.Sequence // the one writer numbers its events, with or without effect
	}
	return o, Step{Entry: e, Body: body, Effect: refusal == nil, Refusal: refusal, Order: o, Before: before}
}

// apply is the one place that changes an order: by the rules, or not at all. The order shares no memory with
// the one before.
func (o *Order) apply(body Body, e Entry) *Refusal {
	if refusal := o.refuses(body, e.Actor); refusal != nil {
		return refusal
	}
	act := aggregate.ActOf(e)
	switch b := body.(type) {
	case Drafted:
		*o = Order{
			ID: b.OrderID, ContractorID: b.ContractorID, ContractorName: aggregate.NameOf(e.Actor, e.ActorName), State: StateDraft,
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

// refuses returns why body, caused by actor, is not valid now; nil if it is valid. Commands and Fold both ask
// it.
func (o Order) refuses(body Body, actor string) *Refusal {
	tried := body.EventType()
	if b, ok := body.(Drafted); ok {
		switch {
		case o.Exists():
			return o.refusal(AlreadyDrafted, tried, TypeDrafted, o.Drafted)
		case actor != b.ContractorID:
			return &Refusal{Code: NotAllowed, Tried: tried}
		}
		return nil
	}
	if !o.Exists() {
		if refused, ok := body.(PaymentRefused); ok && !o.HasRefused(refused.PaymentID) {
			return nil // a payment may name an order that nobody has drafted
		}
		return &Refusal{Code: NotDrafted, Tried: tried}
	}
	switch b := body.(type) {
	case PaymentRefused:
		if o.PaidBy == b.PaymentID || o.HasRefused(b.PaymentID) {
			return refused(AlreadyRefused, tried, "what becomes of this payment has been said before")
		}
		return nil
	case Paid:
		if o.State == StateDraft {
			return &Refusal{Code: NotSubmitted, Tried: tried}
		}
		if o.State != StateSubmitted {
			return o.wrongState(tried)
		}
		if o.HasRefused(b.PaymentID) {
			return refused(AlreadyRefused, tried, "this payment was refused before")
		}
		return nil
	case Expired, Cancelled:
		if o.State != StateDraft && o.State != StateSubmitted {
			return o.wrongState(tried)
		}
		return nil
	}
	if o.State != StateDraft {
		return o.wrongState(tried)
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

// HasRefused reports whether the order has said that it cannot use a payment.
func (o Order) HasRefused(paymentID string) bool {
	return slices.ContainsFunc(o.Refused, func(r RefusedPayment) bool { return r.PaymentID == paymentID })
}

// wrongState refuses because of the latest thing that happened to the order.
func (o Order) wrongState(tried string) *Refusal {
	switch o.State {
	case StatePaid:
		return o.refusal(WrongState, tried, TypePaid, o.Paid)
	case StateExpired:
		return o.refusal(WrongState, tried, TypeExpired, o.Expired)
	case StateCancelled:
		return o.refusal(WrongState, tried, TypeCancelled, o.Cancelled)
	}
	return o.refusal(WrongState, tried, TypeSubmitted, o.Submitted)
}

func (o Order) refusal(code Code, tried, stood string, act Act) *Refusal {
	return &Refusal{Code: code, Tried: tried, Stood: stood, By: act.By, ByName: act.ByName, At: act.At}
}

// Commands return the body of the event to write, or a *Refusal as the error. They change nothing: the event
// does, once it is in the journal.

// Draft begins an order. The caller ensures that the id is a UUID, and new.
func Draft(id, contractorID string) Drafted { return Drafted{OrderID: id, ContractorID: contractorID} }

// Add puts a quantity of a product into the draft, at its current price.
func (o Order) Add(p Product, quantity int64) (ItemAdded, error) {
	body := ItemAdded{ProductID: p.ID, SKU: p.SKU, Name: p.Name, Price: p.Price, Quantity: quantity}
	if refusal := o.editable(TypeItemAdded); refusal != nil {
		return ItemAdded{}, refusal
	}
	if refusal := wrongQuantity(TypeItemAdded, quantity); refusal != nil {
		return ItemAdded{}, refusal
	}
	if p.Archived {
		return ItemAdded{}, refused(Archived, TypeItemAdded, p.Name+" cannot be ordered any more")
	}
	return checked(o, body, nil)
}

// Remove takes a quantity of a product out of the draft: one of two leaves one.
func (o Order) Remove(productID string, quantity int64) (ItemRemoved, error) {
	if refusal := o.editable(TypeItemRemoved); refusal != nil {
		return ItemRemoved{}, refusal
	}
	if refusal := wrongQuantity(TypeItemRemoved, quantity); refusal != nil {
		return ItemRemoved{}, refusal
	}
	return checked(o, ItemRemoved{ProductID: productID, Quantity: quantity}, nil)
}

// SetQuantity makes it so many of a product in the draft, by the difference; nil if there are as many.
func (o Order) SetQuantity(p Product, quantity int64) (Body, error) {
	if refusal := o.editable(TypeItemAdded); refusal != nil {
		return nil, refusal
	}
	if quantity < 0 || quantity > MaxQuantity {
		return nil, invalid(TypeItemAdded, "quantity", fmt.Sprintf("Enter a quantity from 0 to %s.", locale.Count(MaxQuantity)))
	}
	line, _ := o.Line(p.ID)
	switch more := quantity - line.Quantity; {
	case more > 0:
		return o.Add(p, more)
	case more < 0:
		return o.Remove(p.ID, -more)
	}
	return nil, nil
}

// ChooseCustomer sets for whom the order is.
func (o Order) ChooseCustomer(id, name string, archived bool) (CustomerChosen, error) {
	var wrong *Refusal
	switch {
	case !schema.IsID(id):
		wrong = invalid(TypeCustomerChosen, "customer_id", "Choose a customer from the list.")
	case archived:
		wrong = refused(Archived, TypeCustomerChosen, name+" cannot be chosen any more")
	}
	return checked(o, CustomerChosen{CustomerID: id, Name: name}, wrong)
}

// SetDiscount gives a discount, in hundredths of a percent, in place of the one before.
func (o Order) SetDiscount(basisPoints int64) (DiscountSet, error) {
	var wrong *Refusal
	if basisPoints < 1 || basisPoints > MaxBasisPoints {
		wrong = invalid(TypeDiscountSet, "basis_points", "Enter a discount above 0 and below 100 percent.")
	}
	return checked(o, DiscountSet{BasisPoints: basisPoints}, wrong)
}

// ResetDiscount takes the discount away. There need not be one.
func (o Order) ResetDiscount() (DiscountReset, error) { return checked(o, DiscountReset{}, nil) }

// Submission is what a person submits: the version and the total that they saw, with what the writer adds.
type Submission struct {
	Sequence     int64
	Total        money.Amount
	Current      map[string]Product
	CustomerGone bool // since they were chosen: they have been archived
	Number       string
	ExpiresAt    time.Time
}

// Submit freezes the order at the current prices, if those are what the person saw.
func (o Order) Submit(s Submission) (Submitted, error) {
	none := Submitted{}
	if refusal := o.editable(TypeSubmitted); refusal != nil {
		return none, refusal
	}
	switch {
	case s.Sequence != o.Sequence:
		return none, staleVersion(TypeSubmitted)
	case len(o.Lines) == 0:
		return none, refused(NeedsLine, TypeSubmitted, "add a product first")
	case o.CustomerID == "":
		return none, refused(NeedsCustomer, TypeSubmitted, "choose a customer first")
	case s.CustomerGone:
		r := refused(Archived, TypeSubmitted, o.CustomerName+" has been archived: choose another customer")
		r.Field = "customer_id"
		return none, r
	}
	quoted, err := Quote(o.Lines, s.Current, o.BasisPoints)
	if err != nil {
		return none, err
	}
	lines := make([]Line, len(quoted.Lines))
	for i, l := range quoted.Lines {
		if l.Archived {
			return none, refused(Archived, TypeSubmitted, l.Name+" cannot be ordered any more: remove it")
		}
		lines[i] = l.Line
	}
	if quoted.Total != s.Total {
		return none, totalDiffers(TypeSubmitted, s.Total, quoted.Total)
	}
	if quoted.Total.Minor < 1 {
		return none, refused(TotalTooSmall, TypeSubmitted, "there is nothing left to pay")
	}
	return checked(o, Submitted{
		Number: s.Number, ContractorID: o.ContractorID, CustomerID: o.CustomerID, CustomerName: o.CustomerName, Lines: lines,
		BasisPoints: o.BasisPoints, Subtotal: quoted.Subtotal, Total: quoted.Total,
		ExpiresAt: s.ExpiresAt.UTC().Truncate(time.Microsecond), // as databases store it
	}, nil)
}

// Pay marks the order paid by a captured payment, which must be of the whole total and for the order's own
// contractor.
func (o Order) Pay(paymentID string, amount money.Amount, contractorID string) (Paid, error) {
	var wrong *Refusal
	switch {
	case contractorID != o.ContractorID:
		wrong = refused(ContractorDiffers, TypePaid, "the order is another contractor's")
	case amount != o.Total:
		wrong = refused(AmountDiffers, TypePaid, fmt.Sprintf("the payment is of %s, and the order of %s", locale.Amount(amount), locale.Amount(o.Total)))
	}
	return checked(o, Paid{PaymentID: paymentID}, wrong)
}

// Expire ends an order that is due.
func (o Order) Expire(reason string) (Expired, error) {
	reason, wrong := cleanText(TypeExpired, reason, "")
	return checked(o, Expired{Reason: reason}, wrong)
}

// Cancel ends an order that is not wanted any more. by is ByContractor or ByManager, and a manager gives a
// reason.
func (o Order) Cancel(reason, by string) (Cancelled, error) {
	missing := ""
	if by == ByManager {
		missing = "Say why, for the contractor to read."
	}
	reason, wrong := cleanText(TypeCancelled, reason, missing)
	if by != ByContractor && by != ByManager {
		wrong = &Refusal{Code: NotAllowed, Tried: TypeCancelled}
	}
	return checked(o, Cancelled{Reason: reason, By: by}, wrong)
}

// RefusePayment records that a captured payment cannot pay this order, which nobody may have drafted.
func (o Order) RefusePayment(paymentID, reason string) (PaymentRefused, error) {
	reason, wrong := cleanText(TypePaymentRefused, reason, "Say why.")
	return checked(o, PaymentRefused{PaymentID: paymentID, Reason: reason}, wrong)
}

// checked returns body if the rules allow it now. What has happened already is reported before what is wrong
// with the input.
func checked[B Body](o Order, body B, wrong *Refusal) (B, error) {
	var none B
	if refusal := o.refuses(body, ""); refusal != nil {
		return none, refusal
	}
	if wrong != nil {
		return none, wrong
	}
	return body, nil
}

// editable returns why the order is not a draft; nil if it is one.
func (o Order) editable(tried string) *Refusal {
	switch {
	case !o.Exists():
		return &Refusal{Code: NotDrafted, Tried: tried}
	case o.State != StateDraft:
		return o.wrongState(tried)
	}
	return nil
}

func wrongQuantity(tried string, quantity int64) *Refusal {
	if quantity < 1 || quantity > MaxQuantity {
		return invalid(tried, "quantity", fmt.Sprintf("Enter a quantity from 1 to %s.", locale.Count(MaxQuantity)))
	}
	return nil
}
