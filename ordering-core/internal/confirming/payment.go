package confirming

import (
	"encoding/json"
	"errors"
	"fmt"

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
	Captured     money.Amount // zero before
	returned     bool
	capture      event.Event
}

// Kept reports whether the payment's money was captured and has not gone back.
func (p Payment) Kept() bool { return p.Captured.Minor > 0 && !p.returned }

// The types of the payments topic that matter here.
const (
	typeRequested = "payment_requested"
	typeCaptured  = "payment_captured"
	typeRefunded  = "payment_refunded"
)

// said is what matters here of what those say. Another field, or another type, is none of our business.
type said struct {
	OrderID      string       `json:"order_id"`
	ContractorID string       `json:"contractor_id"`
	Amount       money.Amount `json:"amount"`
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
	if e.Type != typeRequested && e.Type != typeCaptured && e.Type != typeRefunded {
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

// Fold applies a payment's events in the order of the log. The first request by the contractor whom it names
// stands, as it does for payments-core.
func Fold(id string, events ...event.Event) Payment {
	p := Payment{ID: id}
	for _, e := range events {
		s, err := read(e)
		switch {
		case err != nil:
		case e.Type == typeRequested && p.ContractorID == "" && s.ContractorID == e.Actor:
			p.OrderID, p.ContractorID = s.OrderID, s.ContractorID
		case p.ContractorID == "": // nobody has requested it
		case e.Type == typeCaptured && p.Captured.Minor == 0:
			p.Captured, p.capture = s.Amount, e
		case e.Type == typeRefunded && p.Captured.Minor > 0:
			p.returned = true
		}
	}
	return p
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
