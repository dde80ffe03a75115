// Package payment is the Payment aggregate: one request to be paid, what a manager decided about it, and what
// became of the money. It is pure: no I/O, no clock.
//
// The rules, by the state that each event needs:
//
//	–                              payment_requested   by the contractor it names
//	requested                      payment_withdrawn   by the same contractor      ends it
//	requested                      payment_rejected    by another person           ends it
//	requested                      payment_accepted    by another person
//	accepted, and not authorized   payment_reopened    by another person           it is requested again
//	accepted, declined             payment_authorized
//	accepted, declined             payment_declined                                ends it if final
//	authorized                     payment_captured    at most what is authorized
//	authorized                     payment_released                                ends it
//	captured                       payment_refunded                                ends it
//	requested, accepted, declined  payment_cancelled                               ends it
//	whatever its operation needs   payment_stuck       until the money moves after all
//
// Invariants, for any sequence of events whatsoever:
//   - The log arbitrates: the first valid event wins, an invalid one changes nothing, and everybody who folds
//     the same entries gets the same payment.
//   - An event counts only if its type's one writer wrote it: see Writer.
//   - At most one decision stands, and what has ended is never reopened.
//   - authorized >= captured + released, captured >= refunded, all in the request's currency.
package payment

import (
	"cmp"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// Decision is what people decided.
type Decision string

// The decisions.
const (
	DecisionNone      Decision = "" // not requested
	DecisionRequested Decision = "requested"
	DecisionAccepted  Decision = "accepted"
	DecisionRejected  Decision = "rejected"
	DecisionWithdrawn Decision = "withdrawn"
	DecisionCancelled Decision = "cancelled"
)

// Money is what became of the money.
type Money string

// The states of the money.
const (
	MoneyNone       Money = ""
	MoneyAuthorized Money = "authorized"
	MoneyDeclined   Money = "declined"
	MoneyCaptured   Money = "captured"
	MoneyReleased   Money = "released"
	MoneyRefunded   Money = "refunded"
)

// Act is who did something, and when.
type Act = aggregate.Act

// Payment is one request to be paid, and its state.
type Payment struct {
	ID             string
	Reference      string // what people call it by; "" of one from before there were any
	ContractorID   string
	ContractorName string
	Amount         money.Amount
	Description    string
	OrderID        string // "" if for no order
	Supersedes     string // the payment that this one asks for again
	SupersededBy   string // set by a read model: one stream does not know it
	CaptureMethod  CaptureMethod

	Decision Decision
	Money    Money
	Final    bool // declined, and not tried again

	Requested  Act
	Decided    Act // accepted, rejected or withdrawn
	Cancelled  Act
	Authorized Act
	Declined   Act // the latest decline
	Captured   Act
	Released   Act
	Refunded   Act

	Note          string // of the acceptance
	Reason        string // of the rejection, withdrawal or cancellation
	MoneyReason   string // of the release or refund
	DeclineCode   string // of the latest decline
	DeclineReason string
	Declines      int // how many so far

	GatewayReference string // of the hold
	CaptureReference string
	RefundReference  string

	AuthorizedAmount money.Amount
	CapturedAmount   money.Amount
	ReleasedAmount   money.Amount
	RefundedAmount   money.Amount

	Stuck       OperationKind // waits for an operator; NoOperation if nothing does
	StuckReason string

	Pending   bool      // an entry that had an effect is not confirmed by the log yet
	UpdatedAt time.Time // of the latest event that had an effect
}

// Exists reports whether the payment has been requested.
func (p Payment) Exists() bool { return p.Decision != DecisionNone }

// Ended returns what ended the payment for good; false if nothing has.
func (p Payment) Ended() (Act, bool) {
	switch {
	case p.Decision == DecisionCancelled:
		return p.Cancelled, true
	case p.Decision == DecisionRejected, p.Decision == DecisionWithdrawn:
		return p.Decided, true
	case p.Money == MoneyReleased:
		return p.Released, true
	case p.Money == MoneyRefunded:
		return p.Refunded, true
	case p.Money == MoneyDeclined && p.Final:
		return p.Declined, true
	}
	return Act{}, false
}

// MaxDeclines is how often the gateway is asked for a hold: the last decline is final.
const MaxDeclines = 4

// RetryDelay is how long to wait for the next attempt after n declines: 1, 5 and 30 minutes. After
// MaxDeclines there is no next attempt, and it is 0.
func RetryDelay(n int) time.Duration {
	if n < 1 || n >= MaxDeclines {
		return 0
	}
	return [...]time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}[n-1]
}

// NextStep is the operation that payments-core begins next by itself, and how long after the latest event.
// The caller knows whether such an operation is open already.
func (p Payment) NextStep() (OperationKind, time.Duration) {
	switch {
	case p.Decision != DecisionAccepted:
		return NoOperation, 0
	case p.Money == MoneyNone:
		return Authorize, 0
	case p.Money == MoneyDeclined && !p.Final:
		return Authorize, RetryDelay(p.Declines)
	case p.Money == MoneyAuthorized && p.CaptureMethod == Automatic:
		return Capture, 0
	}
	return NoOperation, 0
}

// Entry is an event as a journal holds it.
type Entry = aggregate.Entry

// Step is one entry and its effect, or the reason why it has none.
type Step struct {
	Entry   Entry
	Body    Body // nil if it cannot be read
	Effect  bool
	Refusal *Refusal // set where Effect is false
	Payment Payment  // after this step
}

// Fold applies entries in order: first those that the log has confirmed, in the log's order, then the pending
// ones. Each event comes once (the journal ensures that). The payment is zero if no valid event requested it.
func Fold(entries []Entry) (Payment, []Step) {
	var p Payment
	steps := make([]Step, 0, len(entries))
	for _, e := range entries {
		body, err := events.Read(e.Event)
		var refusal *Refusal
		switch {
		case errors.Is(err, schema.ErrUnknownType):
			refusal = &Refusal{Code: UnknownType, Tried: e.Type}
		case err != nil: // consumers make dead letters of such events, so no journal should hold one
			refusal = &Refusal{Code: InvalidEvent, Tried: e.Type}
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
	act := aggregate.ActOf(e)
	switch b := body.(type) {
	case Requested:
		nothing := money.Zero(b.Amount.Currency)
		*p = Payment{
			ID: b.PaymentID, Reference: b.Reference, ContractorID: b.ContractorID, ContractorName: aggregate.NameOf(e.Actor, e.ActorName),
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
	case Reopened:
		p.Decision, p.Decided, p.Note = DecisionRequested, Act{}, ""
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
	p.Stuck, p.StuckReason = NoOperation, "" // until the money moves, or the payment ends
	if b, ok := body.(Stuck); ok {
		p.Stuck, p.StuckReason = b.Operation, b.Reason
	}
	p.Pending = p.Pending || !e.Confirmed
	p.UpdatedAt = e.Time
	return nil
}

// refuses returns why body, caused by actor, is not valid now; nil if it is valid. Commands and Fold both ask
// it.
func (p Payment) refuses(body Body, actor string) *Refusal {
	tried := body.EventType()
	if b, ok := body.(Requested); ok {
		switch {
		case p.Exists():
			return p.refusal(AlreadyRequested, tried, TypeRequested, p.Requested)
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
		return p.alreadyDecided(tried)
	case Rejected, Accepted:
		if actor == "" || actor == p.ContractorID {
			return &Refusal{Code: NotAllowed, Tried: tried}
		}
		return p.alreadyDecided(tried)
	case Reopened:
		switch {
		case actor == "" || actor == p.ContractorID:
			return &Refusal{Code: NotAllowed, Tried: tried}
		case p.Decision == DecisionRequested:
			return &Refusal{Code: NotAccepted, Tried: tried}
		case p.Stuck != NoOperation:
			return p.refusal(WrongState, tried, TypeStuck, Act{})
		case p.Decision != DecisionAccepted || p.Money != MoneyNone:
			return p.wrongState(tried)
		case b.AcceptanceID != p.Decided.EventID.String():
			refusal := p.refusal(Stale, tried, TypeAccepted, p.Decided)
			refusal.Message = aggregate.By("accepted again", aggregate.NameOf(p.Decided.By, p.Decided.ByName))
			return refusal
		}
	case Cancelled:
		if _, ended := p.Ended(); ended || p.Money == MoneyAuthorized || p.Money == MoneyCaptured {
			return p.wrongState(tried)
		}
	case Authorized, Declined:
		if p.Decision == DecisionRequested {
			return &Refusal{Code: NotAccepted, Tried: tried}
		}
		if p.Decision != DecisionAccepted || (p.Money != MoneyNone && (p.Money != MoneyDeclined || p.Final)) {
			return p.wrongState(tried)
		}
	case Captured:
		if p.Money != MoneyAuthorized {
			return p.wrongState(tried)
		}
		if more, err := b.Amount.Cmp(p.AuthorizedAmount); err != nil || more > 0 {
			return &Refusal{Code: WrongAmount, Tried: tried}
		}
	case Released:
		if p.Money != MoneyAuthorized {
			return p.wrongState(tried)
		}
	case Refunded:
		if p.Money != MoneyCaptured {
			return p.wrongState(tried)
		}
	case Stuck:
		if refusal := p.refuses(b.wanted(p), actor); refusal != nil {
			refusal.Tried = tried
			return refusal
		}
	}
	return nil
}

// wanted is the event that the stuck operation would have ended with. If that event is not valid now, the
// operation cannot be stuck either.
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

// alreadyDecided returns why no decision can be taken any more, naming the one that was; nil while the
// payment waits.
func (p Payment) alreadyDecided(tried string) *Refusal {
	stood := "payment_" + string(p.Decision)
	switch {
	case p.Decision == DecisionRequested:
		return nil
	case p.Decision == DecisionCancelled:
		return p.refusal(WrongState, tried, stood, p.Cancelled)
	case tried == stood:
		return p.refusal(SameVerdict, tried, stood, p.Decided)
	case tried == TypeWithdrawn || stood == TypeWithdrawn:
		return p.refusal(WrongState, tried, stood, p.Decided)
	}
	return p.refusal(OppositeVerdict, tried, stood, p.Decided)
}

// wrongState refuses because of the latest thing that happened to the payment.
func (p Payment) wrongState(tried string) *Refusal {
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
	return p.refusal(WrongState, tried, stood, act)
}

func (p Payment) refusal(code Code, tried, stood string, act Act) *Refusal {
	r := &Refusal{Code: code, Tried: tried, Stood: stood, By: act.By, ByName: act.ByName, At: act.At}
	switch stood {
	case TypeCancelled:
		r.Why = p.Reason
	case TypeReleased, TypeRefunded:
		r.Why = p.MoneyReason
	}
	return r
}

// Commands return the body of the event to write, or a *Refusal as the error. They change nothing: the event
// does, once it is in the journal.

// NewRequest asks for a payment on behalf of b.ContractorID. Package text cleans the description, and an
// empty CaptureMethod means Automatic.
func NewRequest(b Requested) (Requested, error) {
	var err error
	if !schema.IsID(b.PaymentID) {
		return b, invalid(TypeRequested, "payment_id", "Open the form again: it has lost its number.")
	}
	if b.Amount.Minor < 1 || b.Amount.Minor > money.Max || !money.IsKnown(b.Amount.Currency) {
		return b, invalid(TypeRequested, "amount", fmt.Sprintf("Enter an amount above zero, %s at most.",
			money.Amount{Minor: money.Max, Currency: b.Amount.Currency}))
	}
	if b.Description, err = cleanText(TypeRequested, "description", b.Description, "Say what the payment is for."); err != nil {
		return b, err
	}
	if b.CaptureMethod == "" {
		b.CaptureMethod = Automatic
	}
	if b.CaptureMethod != Automatic && b.CaptureMethod != Manual {
		return b, invalid(TypeRequested, "capture_method", "Choose one of the two ways to capture.")
	}
	if b.OrderID != "" && !schema.IsID(b.OrderID) {
		return b, invalid(TypeRequested, "order_id", "Choose an order from the list.")
	}
	if b.Supersedes != "" && (!schema.IsID(b.Supersedes) || b.Supersedes == b.PaymentID) {
		return b, invalid(TypeRequested, "supersedes", "Choose a payment to ask for again.")
	}
	if b.Reference != "" && !references.MatchString(b.Reference) {
		return b, invalid(TypeRequested, "reference", "A reference is like "+exampleReference+".")
	}
	if b.ContractorID == "" || utf8.RuneCountInString(b.ContractorID) > MaxReference {
		return b, &Refusal{Code: NotAllowed, Tried: TypeRequested}
	}
	return b, nil
}

// CanAskAgain returns nil if actor may ask for p again with a new payment: only the contractor may, once, and
// only after the payment was rejected, withdrawn, declined for good, or released with nothing captured, and
// the log has confirmed that.
func (p Payment) CanAskAgain(actor string) error { return asError(p.refusesAskingAgain(actor)) }

func (p Payment) refusesAskingAgain(actor string) *Refusal {
	if !p.Exists() {
		return &Refusal{Code: NotRequested, Tried: TypeRequested}
	}
	if actor != p.ContractorID {
		return &Refusal{Code: NotYours, Tried: TypeRequested}
	}
	ending, ended := p.Ended()
	repeatable := p.Decision == DecisionRejected || p.Decision == DecisionWithdrawn ||
		(p.Decision == DecisionAccepted && (p.Money == MoneyDeclined || p.Money == MoneyReleased))
	switch {
	case !ended || !repeatable:
		return p.wrongState(TypeRequested)
	case !ending.Confirmed:
		return p.refusal(BeingConfirmed, TypeRequested, "", ending)
	case p.SupersededBy != "":
		return &Refusal{Code: AlreadyAsked, Tried: TypeRequested}
	}
	return nil
}

// Withdraw takes the request back. The reason may be empty.
func (p Payment) Withdraw(by event.Meta, reason string) (Withdrawn, error) {
	reason, err := cleanText(TypeWithdrawn, "reason", reason, "")
	return checked(p, by, Withdrawn{Reason: reason}, err)
}

// Accept says yes. The note may be empty.
func (p Payment) Accept(by event.Meta, note string) (Accepted, error) {
	note, err := cleanText(TypeAccepted, "note", note, "")
	return checked(p, by, Accepted{Note: note}, err)
}

// Reject says no. The reason is required.
func (p Payment) Reject(by event.Meta, reason string) (Rejected, error) {
	reason, err := cleanText(TypeRejected, "reason", reason, "Say why, so that the contractor can do better.")
	return checked(p, by, Rejected{Reason: reason}, err)
}

// Reopen takes back the acceptance that is the event of that id. The caller knows that nothing has been asked
// of the gateway.
func (p Payment) Reopen(by event.Meta, acceptanceID string) (Reopened, error) {
	return checked(p, by, Reopened{AcceptanceID: acceptanceID}, nil)
}

// CanCapture returns nil if there is a hold to capture.
func (p Payment) CanCapture() error { return asError(p.refuses(Captured{Amount: p.Amount}, "")) }

// CanRelease returns nil if there is a hold to release.
func (p Payment) CanRelease() error { return asError(p.refuses(Released{}, "")) }

// MayMove returns nil unless actor is to be paid: who asked for the money has others capture or release it.
// The events of both tell what the gateway has done, and count whoever commanded it.
func (p Payment) MayMove(kind OperationKind, actor string) error {
	if actor != p.ContractorID {
		return nil
	}
	tried := TypeCaptured
	if kind == Release {
		tried = TypeReleased
	}
	return &Refusal{Code: NotAllowed, Tried: tried}
}

// CanRefund returns nil if there is captured money to refund.
func (p Payment) CanRefund() error { return asError(p.refuses(Refunded{}, "")) }

// CanCancel returns nil if the payment can end before money is held.
func (p Payment) CanCancel() error { return asError(p.refuses(Cancelled{}, "")) }

// Authorize records the gateway's hold.
func (p Payment) Authorize(ref string) (Authorized, error) {
	return checked(p, event.Meta{}, Authorized{GatewayReference: reference(ref)}, nil)
}

// Decline records that the gateway refused the hold. The last of MaxDeclines is final, whatever the gateway
// says.
func (p Payment) Decline(code, reason string, final bool) (Declined, error) {
	final = final || p.Declines+1 >= MaxDeclines
	return checked(p, event.Meta{}, Declined{Code: reference(code), Reason: clip(reason), Final: final}, nil)
}

// Capture records that the gateway moved the money.
func (p Payment) Capture(amount money.Amount, ref string) (Captured, error) {
	return checked(p, event.Meta{}, Captured{Amount: amount, GatewayReference: reference(ref)}, nil)
}

// Release records that the hold is gone: it was released, it lapsed, or its capture was refused.
func (p Payment) Release(reason string) (Released, error) {
	return checked(p, event.Meta{}, Released{Reason: clip(reason)}, nil)
}

// Refund records that the captured money went back.
func (p Payment) Refund(reason, ref string) (Refunded, error) {
	return checked(p, event.Meta{}, Refunded{Reason: clip(reason), GatewayReference: reference(ref)}, nil)
}

// Cancel ends a payment for which no money is held or moved.
func (p Payment) Cancel(reason string) (Cancelled, error) {
	return checked(p, event.Meta{}, Cancelled{Reason: clip(reason)}, nil)
}

// GetStuck records that an operation cannot be asked of the gateway any more, and why.
func (p Payment) GetStuck(operation OperationKind, reason string) (Stuck, error) {
	return checked(p, event.Meta{}, Stuck{Operation: operation, Reason: cmp.Or(clip(reason), "the gateway refused")}, nil)
}

// checked returns body if the rules allow it now. What has happened already is reported before what is wrong
// with the input.
func checked[B Body](p Payment, by event.Meta, body B, inputErr error) (B, error) {
	var none B
	if refusal := p.refuses(body, by.Actor); refusal != nil {
		return none, refusal
	}
	if inputErr != nil {
		return none, inputErr
	}
	return body, nil
}

// asError keeps a nil *Refusal from becoming an error that is not nil.
func asError(r *Refusal) error {
	if r == nil {
		return nil
	}
	return r
}
