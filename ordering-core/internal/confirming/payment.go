package confirming

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/cases"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// Topic is where payments are told about; Partitions is how many it has, as payments-core makes it.
const (
	Topic      = "payments"
	Partitions = 6
)

// Stream is the journal's stream of a payment.
func Stream(paymentID string) string { return "payment-" + paymentID }

// Payment is what is known here of a payment: the fold of what the log says about it.
type Payment struct {
	ID           string
	OrderID      string // "" if it is for no order
	ContractorID string
	Amount       money.Amount // as requested
	Automatic    bool         // is captured without anybody being asked
	AcceptedAt   time.Time    // zero before
	Captured     money.Amount // zero before
	Ended        bool         // nothing will be captured any more, or it was
	declines     int
	returned     bool
	capture      event.Event
}

// Kept reports whether the payment's money was captured and has not gone back.
func (p Payment) Kept() bool { return p.Captured.Minor > 0 && !p.returned }

// TakesItsCourse reports whether nobody is asked any more about the payment, and its outcome is not known yet.
func (p Payment) TakesItsCourse() bool { return p.Automatic && !p.AcceptedAt.IsZero() && !p.Ended }

// The types of the payments topic that matter here.
const (
	typeRequested = "payment_requested"
	typeWithdrawn = "payment_withdrawn"
	typeRejected  = "payment_rejected"
	typeAccepted  = "payment_accepted"
	typeDeclined  = "payment_declined"
	typeCaptured  = "payment_captured"
	typeReleased  = "payment_released"
	typeRefunded  = "payment_refunded"
	typeCancelled = "payment_cancelled"
)

var types = []string{
	typeRequested, typeWithdrawn, typeRejected, typeAccepted, typeDeclined, typeCaptured, typeReleased, typeRefunded, typeCancelled,
}

// maxDeclines is how often payments-core asks the gateway for a hold at most: the last decline is final. It is payments-core's
// payment.MaxDeclines, to which test/processes compares it.
const maxDeclines = 4

// said is what matters here of what those say. Another field, or another type, is none of our business.
type said struct {
	OrderID       string       `json:"order_id"`
	ContractorID  string       `json:"contractor_id"`
	Amount        money.Amount `json:"amount"`
	CaptureMethod string       `json:"capture_method"`
	Final         bool         `json:"final"`
}

// ErrMalformed says that a payment's event lacks what is needed here.
var ErrMalformed = errors.New("confirming: malformed event of a payment")

// Check reads a payment's event as Fold does, and refuses what Fold would have to skip.
func Check(e event.Event) error {
	if _, err := read(e); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMalformed, e.Type, err)
	}
	return nil
}

func read(e event.Event) (s said, err error) {
	if !slices.Contains(types, e.Type) {
		return s, nil
	}
	if !schema.IsID(e.Subject) {
		return s, errors.New("subject is not a UUID in lower case")
	}
	switch err := json.Unmarshal(e.Data, &s); {
	case err != nil:
		return s, err
	case e.Type == typeRequested && s.OrderID != "" && !schema.IsID(s.OrderID): // what is said of it later has to name it
		return s, errors.New("order_id is not a UUID in lower case")
	case e.Type == typeRequested && s.ContractorID == "":
		return s, errors.New("contractor_id is missing")
	case e.Type == typeCaptured && s.Amount.Minor < 1:
		return s, errors.New("amount is missing")
	}
	return s, nil
}

// Fold applies a payment's events in the order of the log, by the rules of payments-core: the first request by the
// contractor whom it names stands, and so does the first decision by whoever may take it.
func Fold(id string, events ...event.Event) Payment {
	p := Payment{ID: id}
	for _, e := range events {
		if s, err := read(e); err == nil {
			p.apply(e, s)
		}
	}
	return p
}

func (p *Payment) apply(e event.Event, s said) {
	undecided := p.AcceptedAt.IsZero() && !p.Ended
	own, another := e.Actor == p.ContractorID, e.Actor != "" && e.Actor != p.ContractorID
	switch {
	case e.Type == typeRequested && p.ContractorID == "" && s.ContractorID == e.Actor:
		p.OrderID, p.ContractorID, p.Amount, p.Automatic = s.OrderID, s.ContractorID, s.Amount, s.CaptureMethod == "automatic"
	case p.ContractorID == "": // nobody has requested it
	case e.Type == typeAccepted && another && undecided:
		p.AcceptedAt = e.Time
	case e.Type == typeWithdrawn && own && undecided, e.Type == typeRejected && another && undecided:
		p.Ended = true
	case e.Type == typeDeclined && !undecided:
		p.declines++
		p.Ended = p.Ended || s.Final || p.declines >= maxDeclines
	case e.Type == typeCaptured && p.Captured.Minor == 0:
		p.Captured, p.capture, p.Ended = s.Amount, e, true
	case e.Type == typeRefunded && p.Captured.Minor > 0:
		p.returned = true
	case e.Type == typeReleased && !undecided, e.Type == typeCancelled:
		p.Ended = true
	}
}

// Members says which case a stream belongs to by what event says: an order to its own, and a payment to the case
// of the order that it was requested for.
func Members(e event.Event, stream string) []cases.Member {
	if stream == order.Stream(e.Subject) {
		return []cases.Member{{Case: e.Subject, Stream: stream}}
	}
	if s, err := read(e); e.Type == typeRequested && stream == Stream(e.Subject) && err == nil && s.OrderID != "" {
		return []cases.Member{{Case: s.OrderID, Stream: order.Stream(s.OrderID)}, {Case: s.OrderID, Stream: stream}}
	}
	return nil
}
