package payment

import (
	"time"

	"countersign.example/pkg/money"
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

// Act is who did something and when; zero if it has not been done. By is empty where a
// service did it by itself.
type Act struct {
	By, ByName string
	At         time.Time
	Confirmed  bool // the log holds it
}

// Done tells whether it has happened.
func (a Act) Done() bool { return !a.At.IsZero() || a.By != "" }

// Payment is one request to be paid, with what became of it.
type Payment struct {
	ID             string
	ContractorID   string
	ContractorName string
	Amount         money.Amount
	Description    string
	OrderID        string // "" if for no order
	Supersedes     string // the payment that this one asks for again
	SupersededBy   string // set by the owner of a copy: one stream does not know it
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

	Stuck       Operation // what cannot be asked of the gateway until an operator retries or settles it; NoOperation if nothing
	StuckReason string

	Pending   bool      // an entry that had an effect is not confirmed by the log yet
	UpdatedAt time.Time // of the latest event that had an effect
}

// Exists tells whether the payment has been requested.
func (p Payment) Exists() bool { return p.Decision != DecisionNone }

// Ended returns what ended the payment for good, and whether anything has.
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

// MaxDeclines is how often the gateway is asked for a hold: this decline is final.
const MaxDeclines = 4

// RetryDelay is how long to wait for the next attempt after n declines: 1, 5 and 30
// minutes. After MaxDeclines there is none, and the answer is 0.
func RetryDelay(n int) time.Duration {
	if n < 1 || n >= MaxDeclines {
		return 0
	}
	return [...]time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute}[n-1]
}

// Operation is something to ask of the gateway.
type Operation string

// The operations; NoOperation where there is nothing to do.
const (
	NoOperation Operation = ""
	Authorize   Operation = "authorize"
	Capture     Operation = "capture"
	Release     Operation = "release"
	Refund      Operation = "refund"
)

// NextStep is what payments-core does next by itself, and how long after the latest event.
// Whether such an operation is open already is for the caller to know.
func (p Payment) NextStep() (Operation, time.Duration) {
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
