package payment

import (
	"embed"
	"fmt"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// Topic is the Kafka topic of payment events; the key is the payment's id.
const Topic = "payments"

// Partitions of the topic. The order of a key depends on it: it does not change in place.
const Partitions = 6

// Stream is the journal's stream of a payment.
func Stream(id string) string { return "payment-" + id }

// The event types.
const (
	TypeRequested  = "payment_requested"
	TypeWithdrawn  = "payment_withdrawn"
	TypeRejected   = "payment_rejected"
	TypeAccepted   = "payment_accepted"
	TypeReopened   = "payment_reopened"
	TypeAuthorized = "payment_authorized"
	TypeDeclined   = "payment_declined"
	TypeCaptured   = "payment_captured"
	TypeReleased   = "payment_released"
	TypeRefunded   = "payment_refunded"
	TypeCancelled  = "payment_cancelled"
	TypeStuck      = "payment_stuck"
)

// The services that write about payments, by their ce_source.
const (
	sourceContractors = "/contractor-ui"
	sourceManagers    = "/manager-ui"
	sourceCore        = "/payments-core"
)

var writers = map[string]string{
	TypeRequested:  sourceContractors,
	TypeWithdrawn:  sourceContractors,
	TypeRejected:   sourceManagers,
	TypeAccepted:   sourceManagers,
	TypeReopened:   sourceCore,
	TypeAuthorized: sourceCore,
	TypeDeclined:   sourceCore,
	TypeCaptured:   sourceCore,
	TypeReleased:   sourceCore,
	TypeRefunded:   sourceCore,
	TypeCancelled:  sourceCore,
	TypeStuck:      sourceCore,
}

// Writer is the source of the one service that writes events of type typ; "" if the type is not known.
func Writer(typ string) string { return writers[typ] }

// MaxText is the longest description, reason or note, in characters. MaxReference is the longest reference,
// code or id that another system made up.
const (
	MaxText      = 2000
	MaxReference = 200
)

// CaptureMethod is who captures an authorized payment.
type CaptureMethod string

// A payment is captured as soon as it is authorized, or when a manager commands it.
const (
	Automatic CaptureMethod = "automatic"
	Manual    CaptureMethod = "manual"
)

// OperationKind is a kind of thing that payments-core asks of the gateway.
type OperationKind string

// The kinds; NoOperation where there is nothing to do.
const (
	NoOperation OperationKind = ""
	Authorize   OperationKind = "authorize"
	Capture     OperationKind = "capture"
	Release     OperationKind = "release"
	Refund      OperationKind = "refund"
)

// Body is the data of one type of event. Who wrote it, and when, is in the envelope.
type Body = aggregate.Body

// Requested: a contractor asks to be paid.
type Requested struct {
	PaymentID     string        `json:"payment_id"` // the event's subject
	ContractorID  string        `json:"contractor_id"`
	Amount        money.Amount  `json:"amount"` // 1 to money.Max minor units
	Description   string        `json:"description"`
	Reference     string        `json:"reference,omitempty"` // what people call it by; see Reference
	OrderID       string        `json:"order_id,omitempty"`
	Supersedes    string        `json:"supersedes,omitempty"` // the payment asked for again
	CaptureMethod CaptureMethod `json:"capture_method"`
}

// Withdrawn: the contractor takes the request back.
type Withdrawn struct {
	Reason string `json:"reason,omitempty"`
}

// Rejected: a manager says no, and why.
type Rejected struct {
	Reason string `json:"reason"`
}

// Accepted: a manager says yes.
type Accepted struct {
	Note string `json:"note,omitempty"`
}

// Reopened: a manager takes the acceptance back before anything is asked of the gateway. The payment waits
// again. Only payments-core knows whether anything is, so it writes this.
type Reopened struct {
	AcceptanceID string `json:"acceptance_id"` // the id of the event that is taken back
}

// Authorized: the gateway holds the payment's amount.
type Authorized struct {
	GatewayReference string `json:"gateway_reference"`
}

// Declined: the gateway refuses to hold it. Final means that it is not tried again.
type Declined struct {
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"`
	Final  bool   `json:"final"`
}

// Captured: the gateway has moved the money.
type Captured struct {
	Amount           money.Amount `json:"amount"` // at most what is authorized
	GatewayReference string       `json:"gateway_reference"`
}

// Released: the hold is gone, and no money has moved.
type Released struct {
	Reason string `json:"reason,omitempty"`
}

// Refunded: the captured money has gone back.
type Refunded struct {
	Reason           string `json:"reason,omitempty"`
	GatewayReference string `json:"gateway_reference"`
}

// Cancelled: payments-core ends the payment before money moved, since its order has ended.
type Cancelled struct {
	Reason string `json:"reason,omitempty"`
}

// Stuck: an operation must be done and cannot be asked of the gateway any more, until an operator retries or
// settles it. No money has moved.
type Stuck struct {
	Operation OperationKind `json:"operation"`
	Reason    string        `json:"reason"`
}

// EventType is the name of the event that carries this body.
func (Requested) EventType() string  { return TypeRequested }
func (Withdrawn) EventType() string  { return TypeWithdrawn }
func (Rejected) EventType() string   { return TypeRejected }
func (Accepted) EventType() string   { return TypeAccepted }
func (Reopened) EventType() string   { return TypeReopened }
func (Authorized) EventType() string { return TypeAuthorized }
func (Declined) EventType() string   { return TypeDeclined }
func (Captured) EventType() string   { return TypeCaptured }
func (Released) EventType() string   { return TypeReleased }
func (Refunded) EventType() string   { return TypeRefunded }
func (Cancelled) EventType() string  { return TypeCancelled }
func (Stuck) EventType() string      { return TypeStuck }

// decoders reads the body of each type, and is the list of the types that exist.
var decoders = schema.Decoders[Body]{
	TypeRequested: func(o *schema.Object) Body {
		return Requested{
			PaymentID:     o.ID("payment_id"),
			ContractorID:  o.Text("contractor_id", MaxReference),
			Amount:        o.Amount("amount"),
			Description:   o.Text("description", MaxText),
			Reference:     o.OptionalMatching("reference", references, exampleReference),
			OrderID:       o.OptionalID("order_id"),
			Supersedes:    o.OptionalID("supersedes"),
			CaptureMethod: CaptureMethod(o.OneOf("capture_method", string(Automatic), string(Manual))),
		}
	},
	TypeWithdrawn: func(o *schema.Object) Body { return Withdrawn{Reason: o.OptionalText("reason", MaxText)} },
	TypeRejected:  func(o *schema.Object) Body { return Rejected{Reason: o.Text("reason", MaxText)} },
	TypeAccepted:  func(o *schema.Object) Body { return Accepted{Note: o.OptionalText("note", MaxText)} },
	TypeReopened:  func(o *schema.Object) Body { return Reopened{AcceptanceID: o.ID("acceptance_id")} },
	TypeAuthorized: func(o *schema.Object) Body {
		return Authorized{GatewayReference: o.Text("gateway_reference", MaxReference)}
	},
	TypeDeclined: func(o *schema.Object) Body {
		return Declined{
			Code:   o.Text("code", MaxReference),
			Reason: o.OptionalText("reason", MaxText),
			Final:  o.Boolean("final"),
		}
	},
	TypeCaptured: func(o *schema.Object) Body {
		return Captured{Amount: o.Amount("amount"), GatewayReference: o.Text("gateway_reference", MaxReference)}
	},
	TypeReleased: func(o *schema.Object) Body { return Released{Reason: o.OptionalText("reason", MaxText)} },
	TypeRefunded: func(o *schema.Object) Body {
		return Refunded{
			Reason:           o.OptionalText("reason", MaxText),
			GatewayReference: o.Text("gateway_reference", MaxReference),
		}
	},
	TypeCancelled: func(o *schema.Object) Body { return Cancelled{Reason: o.OptionalText("reason", MaxText)} },
	TypeStuck: func(o *schema.Object) Body {
		return Stuck{
			Operation: OperationKind(o.OneOf("operation", string(Authorize), string(Capture), string(Release), string(Refund))),
			Reason:    o.Text("reason", MaxText),
		}
	},
}

//go:embed schemas/*.json
var schemas embed.FS

// Types returns every event type of a payment, in the order of its life.
func Types() []schema.Type {
	return schema.Types(schemas, Writer, TypeRequested, TypeWithdrawn, TypeRejected, TypeAccepted, TypeReopened,
		TypeAuthorized, TypeDeclined, TypeCaptured, TypeReleased, TypeRefunded, TypeCancelled, TypeStuck)
}

// The errors of Decode and Check.
var (
	// ErrUnknownType means that no payment event has this type. A newer writer may know it.
	ErrUnknownType = schema.ErrUnknownType
	// ErrInvalidEvent means that an event does not fit its schema or its envelope.
	ErrInvalidEvent = schema.ErrInvalidEvent
)

// Decode reads the data of an event of type typ, as strictly as its JSON Schema. Its errors are
// ErrUnknownType or ErrInvalidEvent, wrapped.
func Decode(typ string, data []byte) (Body, error) { return decoders.Decode(typ, data) }

// Events is the topic of all payments.
var Events = event.Topic{
	Name: Topic, Partitions: Partitions, Prefixes: []string{Stream("")}, Stream: func(e event.Event) string { return Stream(e.Subject) },
	Check: Check, Unknown: ErrUnknownType, Writer: Writer,
}

// New returns an event about the payment subject. The caller sets its Time and Meta.
func New(source, subject string, b Body) event.Event { return aggregate.New(source, subject, b) }

// Check returns nil for an event that fits its schema and its envelope, ErrUnknownType (store it, it has no
// effect) or ErrInvalidEvent (the event is poison). Whether the event is valid now, only Fold knows.
func Check(e event.Event) error {
	_, err := read(e)
	return err
}

// OrderOf is the order that an event requests its payment for; "" if it requests none, or cannot be read.
func OrderOf(e event.Event) string {
	if e.Type != TypeRequested {
		return ""
	}
	body, _ := Decode(e.Type, e.Data)
	requested, _ := body.(Requested)
	return requested.OrderID
}

// read decodes an event, and compares it with its envelope.
func read(e event.Event) (Body, error) {
	body, err := Decode(e.Type, e.Data)
	if err != nil {
		return nil, err
	}
	if !schema.IsID(e.Subject) {
		return nil, fmt.Errorf("%w: subject is not a UUID in lower case", ErrInvalidEvent)
	}
	if requested, ok := body.(Requested); ok && requested.PaymentID != e.Subject {
		return nil, fmt.Errorf("%w: payment_id is not the subject", ErrInvalidEvent)
	}
	return body, nil
}
