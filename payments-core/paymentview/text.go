package paymentview

import (
	"fmt"
	"strings"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/locale"
)

// DecisionLabel is a decision as people read it.
func DecisionLabel(d payment.Decision) string {
	return map[payment.Decision]string{
		payment.DecisionNone: "Not requested", payment.DecisionRequested: "Waiting", payment.DecisionAccepted: "Accepted",
		payment.DecisionRejected: "Rejected", payment.DecisionWithdrawn: "Withdrawn", payment.DecisionCancelled: "Cancelled",
	}[d]
}

// MoneyLabel is what became of the money, as people read it. Until the money moves, it says what is waited
// for.
func MoneyLabel(p payment.Payment) string {
	switch p.Stuck {
	case payment.Authorize:
		return "Not moved, the hold is stuck at the gateway"
	case payment.Capture:
		return "On hold, the capture is stuck at the gateway"
	case payment.Release:
		return "On hold, the release is stuck at the gateway"
	case payment.Refund:
		return "Paid out, the refund is stuck at the gateway"
	}
	switch p.Money {
	case payment.MoneyAuthorized:
		if p.CaptureMethod == payment.Manual {
			return "On hold, to be captured by a manager"
		}
		return "On hold"
	case payment.MoneyDeclined:
		if p.Final {
			return "Declined"
		}
		if p.Decision == payment.DecisionCancelled {
			return "Not moved"
		}
		return "Declined, will be tried again"
	case payment.MoneyCaptured:
		return "Paid out"
	case payment.MoneyReleased:
		return "Not paid out, hold released"
	case payment.MoneyRefunded:
		return "Refunded"
	}
	if p.Decision == payment.DecisionAccepted {
		return "To be authorized shortly"
	}
	return "Not moved"
}

// StepText is a step as a sentence of a timeline: "Ada Nowak asked for 1,250.00 EUR",
// "not withdrawn: Mia Weber had already accepted it".
func StepText(s payment.Step) string {
	if !s.Effect {
		verb := payment.Verb(s.Entry.Type)
		if verb == "" {
			return "something happened that this version does not know: " + s.Entry.Type
		}
		return "not " + verb + ": " + s.Refusal.Past()
	}
	who := aggregate.NameOf(s.Entry.Actor, s.Entry.ActorName)
	p := s.Payment
	switch b := s.Body.(type) {
	case payment.Requested:
		if b.Supersedes != "" {
			return fmt.Sprintf("%s asked again for %s", who, locale.Amount(b.Amount))
		}
		return fmt.Sprintf("%s asked for %s", who, locale.Amount(b.Amount))
	case payment.Withdrawn:
		return quoted(who+" withdrew it", b.Reason)
	case payment.Rejected:
		return quoted(who+" rejected it", b.Reason)
	case payment.Accepted:
		return quoted(who+" accepted it", b.Note)
	case payment.Reopened:
		return who + " took the acceptance back"
	case payment.Authorized:
		return fmt.Sprintf("%s put on hold at the gateway", locale.Amount(p.AuthorizedAmount))
	case payment.Declined:
		reason := aggregate.NameOf(b.Code, b.Reason)
		if p.Final {
			return aggregate.Because("the gateway declined it", reason) + "; it is not tried again"
		}
		attempt := fmt.Sprintf("the gateway declined it (attempt %d of %d)", p.Declines, payment.MaxDeclines)
		return aggregate.Because(attempt, reason) + "; it is tried again"
	case payment.Captured:
		return aggregate.By(fmt.Sprintf("%s paid out", locale.Amount(b.Amount)), who)
	case payment.Released:
		return why(fmt.Sprintf("the hold of %s was released", locale.Amount(p.ReleasedAmount)), who, b.Reason)
	case payment.Refunded:
		return why(fmt.Sprintf("%s refunded", locale.Amount(p.RefundedAmount)), who, b.Reason)
	case payment.Cancelled:
		return why("cancelled", who, b.Reason)
	case payment.Stuck:
		stuck := stuckOperation(b, p)
		if who != "" {
			stuck += ", which " + who + " asked for,"
		}
		return aggregate.Because(stuck+" is stuck at the gateway", b.Reason) + "; an operator has been told"
	}
	return ""
}

// stuckOperation is the stuck operation, as people call it.
func stuckOperation(b payment.Stuck, p payment.Payment) string {
	switch b.Operation {
	case payment.Capture:
		return fmt.Sprintf("the capture of %s", locale.Amount(p.AuthorizedAmount))
	case payment.Release:
		return fmt.Sprintf("the release of the hold of %s", locale.Amount(p.AuthorizedAmount))
	case payment.Refund:
		return fmt.Sprintf("the refund of %s", locale.Amount(p.CapturedAmount))
	}
	return fmt.Sprintf("the hold of %s", locale.Amount(p.Amount))
}

// why adds who did something and the reason: a person's own words, or a service's about an order or a hold
// ("the hold lapsed").
func why(what, who, reason string) string {
	if who == "" && reason != "" {
		return what + " because " + strings.TrimSuffix(reason, ".")
	}
	return aggregate.Because(aggregate.By(what, who), reason)
}

func quoted(what, text string) string {
	if text == "" {
		return what
	}
	return what + ": \u201c" + text + "\u201d"
}
