// Package payment is the Payment aggregate: one request to be paid, what a manager decided
// about it, and what became of the money. It is pure: no I/O, no clock.
//
// The rules, by what must stand before:
//
//	–                              payment_requested   by the contractor it names
//	requested                      payment_withdrawn   by the same contractor      ends it
//	requested                      payment_rejected    by another person           ends it
//	requested                      payment_accepted    by another person
//	accepted, declined             payment_authorized
//	accepted, declined             payment_declined                                ends it if final
//	authorized                     payment_captured    at most what is authorized
//	authorized                     payment_released                                ends it
//	captured                       payment_refunded                                ends it
//	requested, accepted, declined  payment_cancelled                               ends it
//	whatever its operation needs   payment_stuck       until the money moves after all
//
// Invariants, for any sequence of events whatsoever:
//   - The log arbitrates: the first valid event wins, an invalid one changes nothing, and
//     everyone who folds the same entries gets the same payment.
//   - Nothing counts that its type's one writer has not written: see Writer.
//   - At most one decision is taken; what has ended is never reopened.
//   - authorized >= captured + released, captured >= refunded, all in the request's currency.
package payment

import (
	"errors"

	"countersign.example/pkg/event"
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
	// Payment is how the payment stood after this step.
	Payment Payment
}

// Fold applies entries in order: those that the log has confirmed, in its order, then the
// pending ones. Each event is there once (the journal sees to that). The payment is zero
// if nothing valid requested it.
func Fold(entries []Entry) (Payment, []Step) {
	var p Payment
	steps := make([]Step, 0, len(entries))
	for _, e := range entries {
		body, err := read(e.Event)
		var refusal *Refusal
		switch {
		case errors.Is(err, ErrUnknownType):
			refusal = &Refusal{Code: UnknownType, Tried: e.Type}
		case err != nil: // consumers refuse it, so it should not be in a journal
			refusal = &Refusal{Code: Malformed, Tried: e.Type}
		case e.Source != Writer(e.Type):
			refusal = &Refusal{Code: OtherWriter, Tried: e.Type}
		default:
			refusal = p.apply(body, e)
		}
		steps = append(steps, Step{Entry: e, Body: body, Effect: refusal == nil, Refusal: refusal, Payment: p})
	}
	return p, steps
}

// apply is the one place that changes a payment: by the rules, or not at all.
func (p *Payment) apply(body Body, e Entry) *Refusal {
	if refusal := p.refuses(body, e.Actor); refusal != nil {
		return refusal
	}
	act := Act{By: e.Actor, ByName: e.ActorName, At: e.Time, Confirmed: e.Confirmed}
	switch b := body.(type) {
	case Requested:
		nothing := b.Amount
		nothing.Minor = 0
		*p = Payment{
			ID: b.PaymentID, ContractorID: b.ContractorID, ContractorName: nameOf(e.Actor, e.ActorName),
			Amount: b.Amount, Description: b.Description, OrderID: b.OrderID, Supersedes: b.Supersedes,
			CaptureMethod: b.CaptureMethod, Decision: DecisionRequested, Requested: act,
			AuthorizedAmount: nothing, CapturedAmount: nothing, ReleasedAmount: nothing, RefundedAmount: nothing,
		}
	case Withdrawn:
		p.Decision, p.Decided, p.Reason = DecisionWithdrawn, act, b.Reason
	case Rejected:
		p.Decision, p.Decided, p.Reason = DecisionRejected, act, b.Reason
	case Accepted:
		p.Decision, p.Decided, p.Note = DecisionAccepted, act, b.Note
	case Cancelled:
		p.Decision, p.Cancelled, p.Reason = DecisionCancelled, act, b.Reason
	case Authorized:
		p.Money, p.Authorized, p.GatewayReference = MoneyAuthorized, act, b.GatewayReference
		p.AuthorizedAmount = p.Amount
	case Declined:
		p.Money, p.Declined, p.DeclineCode, p.DeclineReason = MoneyDeclined, act, b.Code, b.Reason
		p.Declines++
		p.Final = b.Final || p.Declines >= MaxDeclines
	case Captured:
		p.Money, p.Captured, p.CaptureReference = MoneyCaptured, act, b.GatewayReference
		p.CapturedAmount = b.Amount
	case Released:
		p.Money, p.Released, p.MoneyReason = MoneyReleased, act, b.Reason
		p.ReleasedAmount = p.AuthorizedAmount
	case Refunded:
		p.Money, p.Refunded, p.MoneyReason = MoneyRefunded, act, b.Reason
		p.RefundReference, p.RefundedAmount = b.GatewayReference, p.CapturedAmount
	}
	p.Stuck, p.StuckReason = NoOperation, "" // whatever moves the money, or ends the payment, gets it unstuck
	if b, ok := body.(Stuck); ok {
		p.Stuck, p.StuckReason = b.Operation, b.Reason
	}
	p.Pending = p.Pending || !e.Confirmed
	p.UpdatedAt = e.Time
	return nil
}

// refuses tells why body, caused by actor, is not valid now; nil if it is. Commands and
// Fold ask the same question here.
func (p Payment) refuses(body Body, actor string) *Refusal {
	tried := body.EventType()
	if b, ok := body.(Requested); ok {
		switch {
		case p.Exists():
			return p.standing(AlreadyRequested, tried, TypeRequested, p.Requested)
		case actor != b.ContractorID:
			return &Refusal{Code: NotAllowed, Tried: tried}
		}
		return nil
	}
	if !p.Exists() {
		return &Refusal{Code: NotRequested, Tried: tried}
	}
	switch b := body.(type) {
	case Withdrawn:
		if actor != p.ContractorID {
			return &Refusal{Code: NotYours, Tried: tried}
		}
		return p.undecided(tried)
	case Rejected, Accepted:
		if actor == "" || actor == p.ContractorID {
			return &Refusal{Code: NotAllowed, Tried: tried}
		}
		return p.undecided(tried)
	case Cancelled:
		if _, ended := p.Ended(); ended || p.Money == MoneyAuthorized || p.Money == MoneyCaptured {
			return p.inTheWay(tried)
		}
	case Authorized, Declined:
		if p.Decision == DecisionRequested {
			return &Refusal{Code: NotAccepted, Tried: tried}
		}
		if p.Decision != DecisionAccepted || (p.Money != MoneyNone && (p.Money != MoneyDeclined || p.Final)) {
			return p.inTheWay(tried)
		}
	case Captured:
		if p.Money != MoneyAuthorized {
			return p.inTheWay(tried)
		}
		if more, err := b.Amount.Cmp(p.AuthorizedAmount); err != nil || more > 0 {
			return &Refusal{Code: WrongAmount, Tried: tried}
		}
	case Released:
		if p.Money != MoneyAuthorized {
			return p.inTheWay(tried)
		}
	case Refunded:
		if p.Money != MoneyCaptured {
			return p.inTheWay(tried)
		}
	case Stuck:
		if refusal := p.refuses(b.wanted(p), actor); refusal != nil {
			refusal.Tried = tried
			return refusal
		}
	}
	return nil
}

// wanted is the event that the stuck operation would have come to: what rules that out rules its being stuck out.
func (b Stuck) wanted(p Payment) Body {
	switch b.Operation {
	case Capture:
		return Captured{Amount: p.AuthorizedAmount}
	case Release:
		return Released{}
	case Refund:
		return Refunded{}
	}
	return Authorized{}
}

// undecided refuses a decision after the decision, saying which one stands.
func (p Payment) undecided(tried string) *Refusal {
	stood := "payment_" + string(p.Decision)
	switch {
	case p.Decision == DecisionRequested:
		return nil
	case p.Decision == DecisionCancelled:
		return p.standing(WrongState, tried, stood, p.Cancelled)
	case tried == stood:
		return p.standing(SameVerdict, tried, stood, p.Decided)
	case tried == TypeWithdrawn || stood == TypeWithdrawn:
		return p.standing(WrongState, tried, stood, p.Decided)
	}
	return p.standing(OppositeVerdict, tried, stood, p.Decided)
}

// inTheWay refuses because of the latest thing that happened to the payment.
func (p Payment) inTheWay(tried string) *Refusal {
	stood, act := TypeRequested, p.Requested
	switch {
	case p.Decision == DecisionCancelled:
		stood, act = TypeCancelled, p.Cancelled
	case p.Money != MoneyNone:
		stood = "payment_" + string(p.Money)
		act = map[Money]Act{
			MoneyAuthorized: p.Authorized, MoneyDeclined: p.Declined, MoneyCaptured: p.Captured,
			MoneyReleased: p.Released, MoneyRefunded: p.Refunded,
		}[p.Money]
	case p.Decision != DecisionRequested:
		stood, act = "payment_"+string(p.Decision), p.Decided
	}
	return p.standing(WrongState, tried, stood, act)
}

func (p Payment) standing(code Code, tried, stood string, act Act) *Refusal {
	r := &Refusal{Code: code, Tried: tried, Stood: stood, By: act.By, ByName: act.ByName, At: act.At}
	switch stood {
	case TypeCancelled:
		r.Why = p.Reason
	case TypeReleased, TypeRefunded:
		r.Why = p.MoneyReason
	}
	return r
}

// nameOf is how a person is called; somebody without a name by their id.
func nameOf(id, name string) string {
	if name != "" {
		return name
	}
	return id
}
