package payment

import (
	"cmp"
	"fmt"
	"unicode/utf8"

	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
	"countersign.example/pkg/text"
)

// Commands answer with the body of the event to write, or with a *Refusal as the error.
// They change nothing: the event does, once it is in the journal.

// NewRequest asks for a payment on behalf of contractor, who is b.ContractorID. The description
// is kept by the rules of package text, and CaptureMethod may be empty for Automatic.
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
	if b.ContractorID == "" || utf8.RuneCountInString(b.ContractorID) > MaxReference {
		return b, &Refusal{Code: NotAllowed, Tried: TypeRequested}
	}
	return b, nil
}

// CanAskAgain tells whether actor may ask for p again with a new payment: only the
// contractor, once, and only after it came to nothing by itself - rejected, withdrawn,
// declined for good, or its hold gone with nothing captured - and the log has confirmed that.
func (p Payment) CanAskAgain(actor string) error {
	if refusal := p.refusesAskingAgain(actor); refusal != nil {
		return refusal
	}
	return nil
}

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
		return p.inTheWay(TypeRequested)
	case !ending.Confirmed:
		return p.standing(BeingConfirmed, TypeRequested, "", ending)
	case p.SupersededBy != "":
		return &Refusal{Code: AlreadyAsked, Tried: TypeRequested}
	}
	return nil
}

// AskAgain is NewRequest for a payment that supersedes p.
func (p Payment) AskAgain(b Requested) (Requested, error) {
	if err := p.CanAskAgain(b.ContractorID); err != nil {
		return b, err
	}
	b.Supersedes = p.ID
	return NewRequest(b)
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

// CanCapture tells whether there is a hold to capture.
func (p Payment) CanCapture() error { return asError(p.refuses(Captured{Amount: p.Amount}, "")) }

// CanRelease tells whether there is a hold to let go.
func (p Payment) CanRelease() error { return asError(p.refuses(Released{}, "")) }

// CanRefund tells whether there is captured money to give back.
func (p Payment) CanRefund() error { return asError(p.refuses(Refunded{}, "")) }

// CanCancel tells whether the payment can end before money is held.
func (p Payment) CanCancel() error { return asError(p.refuses(Cancelled{}, "")) }

// Authorize records the gateway's hold.
func (p Payment) Authorize(ref string) (Authorized, error) {
	return checked(p, event.Meta{}, Authorized{GatewayReference: reference(ref)}, nil)
}

// Decline records that the gateway refused the hold; the last of MaxDeclines is final
// whatever the gateway says.
func (p Payment) Decline(code, reason string, final bool) (Declined, error) {
	final = final || p.Declines+1 >= MaxDeclines
	return checked(p, event.Meta{}, Declined{Code: reference(code), Reason: clip(reason), Final: final}, nil)
}

// Capture records that the gateway moved the money.
func (p Payment) Capture(amount money.Amount, ref string) (Captured, error) {
	return checked(p, event.Meta{}, Captured{Amount: amount, GatewayReference: reference(ref)}, nil)
}

// Release records that the hold is gone: let go, lapsed, or refused to be captured.
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
func (p Payment) GetStuck(operation Operation, reason string) (Stuck, error) {
	return checked(p, event.Meta{}, Stuck{Operation: operation, Reason: cmp.Or(clip(reason), "the gateway refused")}, nil)
}

// checked answers with body if the rules allow it now. What already happened is told
// before what is wrong with the input.
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

// cleanText is what is kept of what somebody typed (see package text), or a refusal of what cannot be kept. missing is what to say
// if there is nothing; "" if there may be nothing.
func cleanText(tried, field, typed, missing string) (string, error) {
	kept, wrong := text.Lines(typed)
	switch n := utf8.RuneCountInString(kept); {
	case wrong != "":
		return "", invalid(tried, field, wrong.Message())
	case n > MaxText:
		return "", invalid(tried, field, fmt.Sprintf("Write 2,000 characters at most (these are %d).", n))
	case n == 0 && missing != "":
		return "", invalid(tried, field, missing)
	}
	return kept, nil
}

// clip makes what another system said fit: without what no text of ours may have, and cut to
// MaxText characters.
func clip(said string) string { return clipTo(said, MaxText) }

// reference is clip for what must not be empty.
func reference(said string) string {
	if said = clipTo(said, MaxReference); said == "" {
		return "unknown"
	}
	return said
}

func clipTo(said string, limit int) string {
	kept := text.Mend(said)
	if runes := []rune(kept); len(runes) > limit {
		return text.Mend(string(runes[:limit]))
	}
	return kept
}
