package order

import (
	"fmt"
	"strings"
)

// verbs are the event types as what was done.
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
	who := nameOf(s.Entry.Actor, s.Entry.ActorName)
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
		return fmt.Sprintf("%s removed %d × %s", who, b.Quantity, nameOf("a product", line.Name))
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
		return because(by("expired", nameOf(s.Entry.Actor, s.Entry.ActorName)), b.Reason)
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

// repriced tells which prices became others between a draft and its submit.
func repriced(drafted, submitted []Line) string {
	const told = 3
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
	if more := len(changed) - told; more > 0 {
		changed = append(changed[:told], fmt.Sprintf("%d more", more))
	}
	return ", with new prices: " + strings.Join(changed, ", ")
}

// refusalOf is why the order cannot use a payment. One that has ended tells that it came too late.
func (o Order) refusalOf(b PaymentRefused) string {
	switch o.State {
	case StatePaid:
		return "the money arrived after another payment had paid the order; it goes back"
	case StateExpired:
		return "the money arrived after the order had expired; it goes back"
	case StateCancelled:
		return "the money arrived after " + nameOf("somebody", nameOf(o.Cancelled.By, o.Cancelled.ByName)) + " had cancelled the order; it goes back"
	}
	return because("the money cannot pay the order and goes back", b.Reason)
}

// words is the refusal as an answer to whoever tried.
func (r *Refusal) words() string {
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
	case Malformed:
		return "it cannot be read"
	}
	if r.Stood == "" {
		return r.Message
	}
	return by("the order is already "+verbs[r.Stood], nameOf(r.By, r.ByName))
}

// past is the refusal told afterwards.
func (r *Refusal) past() string {
	who := nameOf(r.By, r.ByName)
	switch {
	case r.Code == NotDrafted:
		return "nobody had begun this order"
	case r.Code == NotSubmitted:
		return "it had not been submitted"
	case r.Stood == "":
		return r.words()
	case who == "":
		return "it was already " + verbs[r.Stood]
	}
	return fmt.Sprintf("%s had already %s it", who, verbs[r.Stood])
}

func by(words, who string) string {
	if who == "" {
		return words
	}
	return words + " by " + who
}

func because(words, reason string) string {
	if reason == "" {
		return words
	}
	return words + ": " + strings.TrimSuffix(reason, ".")
}

// Condense is a timeline with what one person repeated told once: so many more of a product at a price, or so many
// fewer. The last of such steps stays, with the sum.
func Condense(steps []Step) []Step {
	told := make([]Step, 0, len(steps))
	for _, s := range steps {
		last := len(told) - 1
		if last < 0 || !repeats(told[last], s) {
			told = append(told, s)
			continue
		}
		switch b := s.Body.(type) {
		case ItemAdded:
			b.Quantity += told[last].Body.(ItemAdded).Quantity
			s.Body = b
		case ItemRemoved:
			b.Quantity += told[last].Body.(ItemRemoved).Quantity
			s.Body = b
		}
		s.before = told[last].before
		told[last] = s
	}
	return told
}

// repeats tells whether next is what s was, but for how many.
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

// PaymentName tells an order's payments apart: the i-th of so many, of which the oldest is number 0 and is called the first.
func PaymentName(i, of int) string {
	switch {
	case of == 1:
		return "Payment"
	case i < 3:
		return [...]string{"First", "Second", "Third"}[i] + " payment"
	}
	return fmt.Sprintf("Payment %d", i+1)
}
