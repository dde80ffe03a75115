package orderview

import (
	"fmt"
	"strings"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/locale"
)

// StateLabel is an order's state as people read it.
func StateLabel(s order.State) string {
	return map[order.State]string{
		order.StateNone: "Not begun", order.StateDraft: "Draft", order.StateSubmitted: "Submitted", order.StatePaid: "Paid",
		order.StateExpired: "Expired", order.StateCancelled: "Cancelled",
	}[s]
}

// StepText is a step as a sentence of a timeline: "Ada Nowak added 2 × Cordless drill at
// 129.00 EUR", "not paid: it had already expired".
func StepText(s order.Step) string {
	if !s.Effect {
		verb := order.Verb(s.Entry.Type)
		if verb == "" {
			return "something happened that this version does not know: " + s.Entry.Type
		}
		return "not " + verb + ": " + s.Refusal.Past()
	}
	who := aggregate.NameOf(s.Entry.Actor, s.Entry.ActorName)
	if who == "" {
		who = "the system"
	}
	switch b := s.Body.(type) {
	case order.Drafted:
		return who + " began this order"
	case order.ItemAdded:
		return fmt.Sprintf("%s added %s × %s at %s", who, locale.Count(b.Quantity), b.Name, locale.Amount(b.Price))
	case order.ItemRemoved:
		line, _ := order.Order{Lines: s.Before}.Line(b.ProductID)
		return fmt.Sprintf("%s removed %s × %s", who, locale.Count(b.Quantity), aggregate.NameOf("a product", line.Name))
	case order.CustomerChosen:
		return who + " chose the customer " + b.Name
	case order.DiscountSet:
		return who + " set a discount of " + locale.Percent(order.Percent(b.BasisPoints))
	case order.DiscountReset:
		return who + " took the discount away"
	case order.Submitted:
		return fmt.Sprintf("%s submitted it as %s for %s", who, b.Number, locale.Amount(b.Total)) + repriced(s.Before, b.Lines)
	case order.Paid:
		return "paid: its payment was captured"
	case order.Expired:
		return aggregate.Because(aggregate.By("expired", aggregate.NameOf(s.Entry.Actor, s.Entry.ActorName)), b.Reason)
	case order.Cancelled:
		if b.Reason == "" {
			return who + " cancelled it"
		}
		return who + " cancelled it: \u201c" + b.Reason + "\u201d"
	case order.PaymentRefused:
		return refusalOf(s.Order, b)
	}
	return ""
}

// repriced names the prices that changed between a draft and its submit.
func repriced(drafted, submitted []order.Line) string {
	const named = 3
	var changed []string
	for _, line := range submitted {
		was, there := order.Order{Lines: drafted}.Line(line.ProductID)
		if there && was.Price != line.Price {
			changed = append(changed, fmt.Sprintf("%s at %s instead of %s", line.Name, locale.Amount(line.Price), locale.Amount(was.Price)))
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
func refusalOf(o order.Order, b order.PaymentRefused) string {
	switch o.State {
	case order.StatePaid:
		return "the money arrived after another payment had paid the order; it goes back"
	case order.StateExpired:
		return "the money arrived after the order had expired; it goes back"
	case order.StateCancelled:
		who := aggregate.NameOf("somebody", aggregate.NameOf(o.Cancelled.By, o.Cancelled.ByName))
		return "the money arrived after " + who + " had cancelled the order; it goes back"
	}
	return aggregate.Because("the money cannot pay the order and goes back", b.Reason)
}

// Condense merges the steps of a timeline in which one person repeats an addition of a product at a price, or
// a removal. The last of such steps stays, with the sum.
func Condense(steps []order.Step) []order.Step {
	condensed := make([]order.Step, 0, len(steps))
	for _, s := range steps {
		last := len(condensed) - 1
		if last < 0 || !repeats(condensed[last], s) {
			condensed = append(condensed, s)
			continue
		}
		switch b := s.Body.(type) {
		case order.ItemAdded:
			b.Quantity += condensed[last].Body.(order.ItemAdded).Quantity
			s.Body = b
		case order.ItemRemoved:
			b.Quantity += condensed[last].Body.(order.ItemRemoved).Quantity
			s.Body = b
		}
		s.Before = condensed[last].Before
		condensed[last] = s
	}
	return condensed
}

// repeats reports whether next is the same as s, except for the quantity.
func repeats(s, next order.Step) bool {
	if !s.Effect || !next.Effect || s.Entry.Actor != next.Entry.Actor || s.Entry.Confirmed != next.Entry.Confirmed {
		return false
	}
	switch b := s.Body.(type) {
	case order.ItemAdded:
		n, same := next.Body.(order.ItemAdded)
		n.Quantity = b.Quantity
		return same && n == b
	case order.ItemRemoved:
		n, same := next.Body.(order.ItemRemoved)
		return same && n.ProductID == b.ProductID
	}
	return false
}

// PaymentName is the name of an order's payment: its reference, or else a name by its index from the oldest
// on and by how many there are.
func PaymentName(reference string, i, of int) string {
	switch {
	case reference != "":
		return reference
	case of == 1:
		return "Payment"
	case i < 3:
		return [...]string{"First", "Second", "Third"}[i] + " payment"
	}
	return fmt.Sprintf("Payment %d", i+1)
}
