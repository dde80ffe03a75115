package order

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
)

// Code is why something cannot be done, for programs.
type Code string

// The codes. The API answers Invalid with 422, NotDrafted with 404, and the rest with 409.
const (
	Invalid           Code = "invalid"            // the input; Field says which
	NotDrafted        Code = "not_drafted"        // nobody began this order
	AlreadyDrafted    Code = "already_drafted"    // it was begun before
	NotAllowed        Code = "not_allowed"        // not this person's to do
	WrongState        Code = "wrong_state"        // what already happened rules it out
	StaleVersion      Code = "stale_version"      // it has changed since the person looked
	TotalDiffers      Code = "total_differs"      // from the one that the person saw; Seen and Now are both
	NeedsLine         Code = "needs_line"         // there is nothing in it
	NeedsCustomer     Code = "needs_customer"     // it is for nobody
	NotThatMany       Code = "not_that_many"      // fewer of the product are in it
	Archived          Code = "archived"           // the product or customer cannot be chosen any more
	TooMuch           Code = "too_much"           // more than a total, a quantity or an order can be
	CurrencyDiffers   Code = "currency_differs"   // an order has one
	TotalTooSmall     Code = "total_too_small"    // the discount leaves nothing to pay
	WrongTotal        Code = "wrong_total"        // a total that is not its lines' and discount's
	NotSubmitted      Code = "not_submitted"      // it cannot be paid yet
	AmountDiffers     Code = "amount_differs"     // a payment of another amount
	ContractorDiffers Code = "contractor_differs" // a payment of another contractor
	AlreadyRefused    Code = "already_refused"    // this payment was refused before
	OtherWriter       Code = "other_writer"       // an event that another service wrote
	OutOfSequence     Code = "out_of_sequence"    // an event that does not follow the one before
	UnknownType       Code = "unknown_type"       // an event that this version does not know
	InvalidEvent      Code = "malformed"          // an event that cannot be read
)

// Refusal is why a command was refused, or why an event had no effect. Its text is fit for a person.
type Refusal struct {
	Code Code
	// Tried is the event type that was refused.
	Tried string
	// Stood is the type of the earlier event that rules it out, with who did it and when; all empty if no
	// event does.
	Stood  string
	By     string
	ByName string
	At     time.Time
	// Field is the wrong input, as the body's JSON names it, only where Code is Invalid. Message is for its
	// author.
	Field   string
	Message string
	// Seen and Now are the totals that differ, where Code is TotalDiffers.
	Seen, Now money.Amount
}

// Error is the refusal as a text: "the order is already cancelled by Mia Weber".
func (r *Refusal) Error() string { return r.text() }

func invalid(tried, field, message string) *Refusal {
	return &Refusal{Code: Invalid, Tried: tried, Field: field, Message: message}
}

func refused(code Code, tried, message string) *Refusal {
	return &Refusal{Code: code, Tried: tried, Message: message}
}

// verbs has each event type as a participle.
var verbs = map[string]string{
	TypeDrafted: "begun", TypeItemAdded: "added", TypeItemRemoved: "removed", TypeCustomerChosen: "changed",
	TypeDiscountSet: "discounted", TypeDiscountReset: "changed", TypeSubmitted: "submitted", TypePaid: "paid",
	TypeExpired: "expired", TypeCancelled: "cancelled", TypePaymentRefused: "refused",
}

// Label is the state as people read it.
func (s State) Label() string {
	return map[State]string{
		StateNone: "Not begun", StateDraft: "Draft", StateSubmitted: "Submitted", StatePaid: "Paid",
		StateExpired: "Expired", StateCancelled: "Cancelled",
	}[s]
}

// Text is the step as a sentence of a timeline: "Ada Nowak added 2 × Cordless drill at
// 129.00 EUR", "not paid: it had already expired".
func (s Step) Text() string {
	if !s.Effect {
		verb := verbs[s.Entry.Type]
		if verb == "" {
			return "something happened that this version does not know: " + s.Entry.Type
		}
		return "not " + verb + ": " + s.Refusal.past()
	}
	who := aggregate.NameOf(s.Entry.Actor, s.Entry.ActorName)
	if who == "" {
		who = "the system"
	}
	switch b := s.Body.(type) {
	case Drafted:
		return who + " began this order"
	case ItemAdded:
		return fmt.Sprintf("%s added %d × %s at %s", who, b.Quantity, b.Name, b.Price)
	case ItemRemoved:
		line, _ := Order{Lines: s.before}.Line(b.ProductID)
		return fmt.Sprintf("%s removed %d × %s", who, b.Quantity, aggregate.NameOf("a product", line.Name))
	case CustomerChosen:
		return who + " chose the customer " + b.Name
	case DiscountSet:
		return who + " set a discount of " + Percent(b.BasisPoints)
	case DiscountReset:
		return who + " took the discount away"
	case Submitted:
		return fmt.Sprintf("%s submitted it as %s for %s", who, b.Number, b.Total) + repriced(s.before, b.Lines)
	case Paid:
		return "paid: its payment was captured"
	case Expired:
		return aggregate.Because(aggregate.By("expired", aggregate.NameOf(s.Entry.Actor, s.Entry.ActorName)), b.Reason)
	case Cancelled:
		if b.Reason == "" {
			return who + " cancelled it"
		}
		return who + " cancelled it: \u201c" + b.Reason + "\u201d"
	case PaymentRefused:
		return s.Order.refusalOf(b)
	}
	return ""
}

// repriced names the prices that changed between a draft and its submit.
func repriced(drafted, submitted []Line) string {
	const named = 3
	var changed []string
	for _, line := range submitted {
		was, there := Order{Lines: drafted}.Line(line.ProductID)
		if there && was.Price != line.Price {
			changed = append(changed, fmt.Sprintf("%s at %s instead of %s", line.Name, line.Price, was.Price))
		}
	}
	if len(changed) == 0 {
		return ""
	}
	if more := len(changed) - named; more > 0 {
		changed = append(changed[:named], fmt.Sprintf("%d more", more))
	}
	return ", with new prices: " + strings.Join(changed, ", ")
}

// refusalOf is why the order cannot use a payment. To an order that has ended, it came too late.
func (o Order) refusalOf(b PaymentRefused) string {
	switch o.State {
	case StatePaid:
		return "the money arrived after another payment had paid the order; it goes back"
	case StateExpired:
		return "the money arrived after the order had expired; it goes back"
	case StateCancelled:
		who := aggregate.NameOf("somebody", aggregate.NameOf(o.Cancelled.By, o.Cancelled.ByName))
		return "the money arrived after " + who + " had cancelled the order; it goes back"
	}
	return aggregate.Because("the money cannot pay the order and goes back", b.Reason)
}

// text is the refusal as an answer to whoever tried.
func (r *Refusal) text() string {
	switch r.Code {
	case NotDrafted:
		return "there is no such order"
	case NotAllowed:
		return "this order is another person's"
	case NotSubmitted:
		return "the order has not been submitted"
	case OtherWriter:
		return "only ordering-core says what happens to orders"
	case OutOfSequence:
		return "it is not the next thing that happened to the order"
	case UnknownType:
		return "this version does not know what that means"
	case InvalidEvent:
		return "it cannot be read"
	}
	if r.Stood == "" {
		return r.Message
	}
	return aggregate.By("the order is already "+verbs[r.Stood], aggregate.NameOf(r.By, r.ByName))
}

// past is the refusal as a text about the past.
func (r *Refusal) past() string {
	who := aggregate.NameOf(r.By, r.ByName)
	switch {
	case r.Code == NotDrafted:
		return "nobody had begun this order"
	case r.Code == NotSubmitted:
		return "it had not been submitted"
	case r.Stood == "":
		return r.text()
	case who == "":
		return "it was already " + verbs[r.Stood]
	}
	return fmt.Sprintf("%s had already %s it", who, verbs[r.Stood])
}

// Condense merges the steps of a timeline in which one person repeats an addition of a product at a price, or
// a removal. The last of such steps stays, with the sum.
func Condense(steps []Step) []Step {
	condensed := make([]Step, 0, len(steps))
	for _, s := range steps {
		last := len(condensed) - 1
		if last < 0 || !repeats(condensed[last], s) {
			condensed = append(condensed, s)
			continue
		}
		switch b := s.Body.(type) {
		case ItemAdded:
			b.Quantity += condensed[last].Body.(ItemAdded).Quantity
			s.Body = b
		case ItemRemoved:
			b.Quantity += condensed[last].Body.(ItemRemoved).Quantity
			s.Body = b
		}
		s.before = condensed[last].before
		condensed[last] = s
	}
	return condensed
}

// repeats reports whether next is the same as s, except for the quantity.
func repeats(s, next Step) bool {
	if !s.Effect || !next.Effect || s.Entry.Actor != next.Entry.Actor || s.Entry.Confirmed != next.Entry.Confirmed {
		return false
	}
	switch b := s.Body.(type) {
	case ItemAdded:
		n, same := next.Body.(ItemAdded)
		n.Quantity = b.Quantity
		return same && n == b
	case ItemRemoved:
		n, same := next.Body.(ItemRemoved)
		return same && n.ProductID == b.ProductID
	}
	return false
}

// PaymentName is the name of an order's payment, by its index from the oldest on and by how many there are.
func PaymentName(i, of int) string {
	switch {
	case of == 1:
		return "Payment"
	case i < 3:
		return [...]string{"First", "Second", "Third"}[i] + " payment"
	}
	return fmt.Sprintf("Payment %d", i+1)
}

// cleanText returns what is kept of a reason that somebody typed (see package text), or a refusal. missing is
// the message for an empty reason; "" if it may be empty.
func cleanText(tried, typed, missing string) (string, *Refusal) {
	kept, wrong := text.Lines(typed)
	switch n := utf8.RuneCountInString(kept); {
	case wrong != "":
		return "", invalid(tried, "reason", wrong.Message())
	case n > MaxText:
		return "", invalid(tried, "reason", fmt.Sprintf("Write 2,000 characters at most (these are %d).", n))
	case n == 0 && missing != "":
		return "", invalid(tried, "reason", missing)
	}
	return kept, nil
}
