package payment

import (
	"fmt"
	"strings"
)

// verbs are the event types as what was done.
var verbs = map[string]string{
	TypeRequested: "requested", TypeWithdrawn: "withdrawn", TypeRejected: "rejected", TypeAccepted: "accepted",
	TypeAuthorized: "authorized", TypeDeclined: "declined", TypeCaptured: "captured", TypeReleased: "released",
	TypeRefunded: "refunded", TypeCancelled: "cancelled", TypeStuck: "stuck",
}

// Label is the decision as people read it.
func (d Decision) Label() string {
	return map[Decision]string{
		DecisionNone: "Not requested", DecisionRequested: "Waiting", DecisionAccepted: "Accepted",
		DecisionRejected: "Rejected", DecisionWithdrawn: "Withdrawn", DecisionCancelled: "Cancelled",
	}[d]
}

// MoneyLabel is what became of the money, as people read it. Before the money moves it
// says what that waits for.
func (p Payment) MoneyLabel() string {
	switch p.Stuck {
	case Authorize:
		return "Not moved, the hold is stuck at the gateway"
	case Capture:
		return "On hold, the capture is stuck at the gateway"
	case Release:
		return "On hold, the release is stuck at the gateway"
	case Refund:
		return "Paid out, the refund is stuck at the gateway"
	}
	switch p.Money {
	case MoneyAuthorized:
		if p.CaptureMethod == Manual {
			return "On hold, to be captured by a manager"
		}
		return "On hold"
	case MoneyDeclined:
		if p.Final {
			return "Declined"
		}
		if p.Decision == DecisionCancelled {
			return "Not moved"
		}
		return "Declined, will be tried again"
	case MoneyCaptured:
		return "Paid out"
	case MoneyReleased:
		return "Not paid out, hold released"
	case MoneyRefunded:
		return "Refunded"
	}
	if p.Decision == DecisionAccepted {
		return "Being authorized"
	}
	return "Not moved"
}

// Text is the step as a sentence of a timeline: "Ada Nowak asked for 1,250.00 EUR",
// "not withdrawn: Mia Weber had already accepted it".
func (s Step) Text() string {
	if !s.Effect {
		verb := verbs[s.Entry.Type]
		if verb == "" {
			return "something happened that this version does not know: " + s.Entry.Type
		}
		return "not " + verb + ": " + s.Refusal.past()
	}
	who := nameOf(s.Entry.Actor, s.Entry.ActorName)
	p := s.Payment
	switch b := s.Body.(type) {
	case Requested:
		if b.Supersedes != "" {
			return fmt.Sprintf("%s asked again for %s", who, b.Amount)
		}
		return fmt.Sprintf("%s asked for %s", who, b.Amount)
	case Withdrawn:
		return quoted(who+" withdrew it", b.Reason)
	case Rejected:
		return quoted(who+" rejected it", b.Reason)
	case Accepted:
		return quoted(who+" accepted it", b.Note)
	case Authorized:
		return fmt.Sprintf("%s put on hold at the gateway", p.AuthorizedAmount)
	case Declined:
		reason := nameOf(b.Code, b.Reason)
		if p.Final {
			return because("the gateway declined it", reason) + "; it is not tried again"
		}
		return because(fmt.Sprintf("the gateway declined it (attempt %d of %d)", p.Declines, MaxDeclines), reason) + "; it is tried again"
	case Captured:
		return by(fmt.Sprintf("%s paid out", b.Amount), who)
	case Released:
		return why(fmt.Sprintf("the hold of %s was released", p.ReleasedAmount), who, b.Reason)
	case Refunded:
		return why(fmt.Sprintf("%s refunded", p.RefundedAmount), who, b.Reason)
	case Cancelled:
		return why("cancelled", who, b.Reason)
	case Stuck:
		return because(b.what(p)+" is stuck at the gateway", b.Reason) + "; an operator has been told"
	}
	return ""
}

// what is the stuck operation, as people call it.
func (b Stuck) what(p Payment) string {
	switch b.Operation {
	case Capture:
		return fmt.Sprintf("the capture of %s", p.AuthorizedAmount)
	case Release:
		return fmt.Sprintf("the release of the hold of %s", p.AuthorizedAmount)
	case Refund:
		return fmt.Sprintf("the refund of %s", p.CapturedAmount)
	}
	return fmt.Sprintf("the hold of %s", p.Amount)
}

// words is the refusal as an answer to whoever tried.
func (r *Refusal) words() string {
	switch r.Code {
	case Invalid:
		return r.Message
	case NotRequested:
		return "nobody has asked for this payment"
	case NotYours:
		return "this is another person's payment"
	case NotAllowed:
		if r.Tried == TypeRequested {
			return "a payment can only be requested by the one to be paid"
		}
		return "a request must be decided by another person than the one to be paid"
	case NotAccepted:
		return "no manager has accepted it"
	case WrongAmount:
		return "the amount is not what is on hold"
	case BeingConfirmed:
		return "what ended it is still being confirmed; try again in a moment"
	case AlreadyAsked:
		return "it has been asked for again already"
	case OtherWriter:
		return "only " + strings.TrimPrefix(Writer(r.Tried), "/") + " may say that, and it has not"
	case UnknownType:
		return "this version does not know what that means"
	case Malformed:
		return "it cannot be read"
	}
	if missing := r.missing(); missing != "" {
		return missing
	}
	return because(by("already "+verbs[r.Stood], nameOf(r.By, r.ByName)), r.Why)
}

// missing is what did not happen yet, where that says more than what did.
func (r *Refusal) missing() string {
	if r.Code != WrongState {
		return ""
	}
	switch {
	case r.Stood == TypeRequested:
		return "it is waiting for a decision"
	case r.Tried == TypeRequested && (r.Stood == TypeAccepted || r.Stood == TypeAuthorized || r.Stood == TypeDeclined):
		return "it is accepted and under way"
	case r.Tried == TypeRefunded && (r.Stood == TypeAccepted || r.Stood == TypeAuthorized || r.Stood == TypeDeclined):
		return "no money has been paid out"
	case (r.Tried == TypeCaptured || r.Tried == TypeReleased) && (r.Stood == TypeAccepted || r.Stood == TypeDeclined):
		return "no money is on hold"
	}
	return ""
}

// past is the refusal told afterwards.
func (r *Refusal) past() string {
	who := nameOf(r.By, r.ByName)
	switch {
	case r.Code == NotRequested:
		return "nobody had asked for this payment"
	case r.Code == NotAccepted:
		return "no manager had accepted it"
	case r.Stood == "":
		return r.words()
	case r.missing() != "":
		return strings.NewReplacer("it is", "it was", "has been", "had been", "money is", "money was").Replace(r.missing())
	case who == "":
		return because("it was already "+verbs[r.Stood], r.Why)
	}
	return fmt.Sprintf("%s had already %s it", who, verbs[r.Stood])
}

// why is what was done with its reason: a person's own words, or what a service says of an order or a hold ("the hold lapsed").
func why(words, who, reason string) string {
	if who == "" && reason != "" {
		return words + " because " + strings.TrimSuffix(reason, ".")
	}
	return because(by(words, who), reason)
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

func quoted(words, text string) string {
	if text == "" {
		return words
	}
	return words + ": \u201c" + text + "\u201d"
}
