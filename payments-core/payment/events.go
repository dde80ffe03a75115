package payment

import (
	"embed"

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

//go:embed schemas/*.json
var schemas embed.FS

// events has the types in the order of a payment's life.
var events = &aggregate.Events[Body]{
	Topic: Topic, Partitions: Partitions, Prefixes: []string{Stream("")}, Schemas: schemas,
	Stream: func(e event.Event) string { return Stream(e.Subject) },
	About: func(b Body) string {
		requested, _ := b.(Requested)
		return requested.PaymentID
	},
	Types: []aggregate.Type[Body]{
		{Name: TypeRequested, Writer: sourceContractors, Verb: "requested", Read: func(o *schema.Object) Body {
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
		}},
		{Name: TypeWithdrawn, Writer: sourceContractors, Verb: "withdrawn", Read: func(o *schema.Object) Body {
			return Withdrawn{Reason: o.OptionalText("reason", MaxText)}
		}},
		{Name: TypeRejected, Writer: sourceManagers, Verb: "rejected", Read: func(o *schema.Object) Body {
			return Rejected{Reason: o.Text("reason", MaxText)}
		}},
		{Name: TypeAccepted, Writer: sourceManagers, Verb: "accepted", Read: func(o *schema.Object) Body {
			return Accepted{Note: o.OptionalText("note", MaxText)}
		}},
		{Name: TypeReopened, Writer: sourceCore, Verb: "reopened", Read: func(o *schema.Object) Body {
			return Reopened{AcceptanceID: o.ID("acceptance_id")}
		}},
		{Name: TypeAuthorized, Writer: sourceCore, Verb: "authorized", Read: func(o *schema.Object) Body {
			return Authorized{GatewayReference: o.Text("gateway_reference", MaxReference)}
		}},
		{Name: TypeDeclined, Writer: sourceCore, Verb: "declined", Read: func(o *schema.Object) Body {
			return Declined{Code: o.Text("code", MaxReference), Reason: o.OptionalText("reason", MaxText), Final: o.Boolean("final")}
		}},
		{Name: TypeCaptured, Writer: sourceCore, Verb: "captured", Read: func(o *schema.Object) Body {
			return Captured{Amount: o.Amount("amount"), GatewayReference: o.Text("gateway_reference", MaxReference)}
		}},
		{Name: TypeReleased, Writer: sourceCore, Verb: "released", Read: func(o *schema.Object) Body {
			return Released{Reason: o.OptionalText("reason", MaxText)}
		}},
		{Name: TypeRefunded, Writer: sourceCore, Verb: "refunded", Read: func(o *schema.Object) Body {
			return Refunded{Reason: o.OptionalText("reason", MaxText), GatewayReference: o.Text("gateway_reference", MaxReference)}
		}},
		{Name: TypeCancelled, Writer: sourceCore, Verb: "cancelled", Read: func(o *schema.Object) Body {
			return Cancelled{Reason: o.OptionalText("reason", MaxText)}
		}},
		{Name: TypeStuck, Writer: sourceCore, Verb: "stuck", Read: func(o *schema.Object) Body {
			kinds := []string{string(Authorize), string(Capture), string(Release), string(Refund)}
			return Stuck{Operation: OperationKind(o.OneOf("operation", kinds...)), Reason: o.Text("reason", MaxText)}
		}},
	},
}

// Events is the topic of all payments.
var Events = events.InTopic()

// Types returns every event type of a payment, in the order of its life.
func Types() []schema.Type { return events.Described() }

// Writer is the source of the one service that writes events of type typ; "" if the type is not known.
func Writer(typ string) string { return events.Writer(typ) }

// Verb is an event type as a participle, "" for one that this version does not know.
func Verb(typ string) string { return events.Verb(typ) }

// Decode reads the data of an event of type typ, as strictly as its JSON Schema.
func Decode(typ string, data []byte) (Body, error) { return events.Decode(typ, data) }

// Check returns nil for an event that fits its schema and its envelope; see aggregate.Events.
func Check(e event.Event) error { return events.Check(e) }

// New returns an event about the payment subject. The caller sets its Time and Meta.
func New(source, subject string, b Body) event.Event { return aggregate.New(source, subject, b) }

// OrderOf is the order that an event requests its payment for; "" if it requests none, or cannot be read.
func OrderOf(e event.Event) string {
	if e.Type != TypeRequested {
		return ""
	}
	body, _ := Decode(e.Type, e.Data)
	requested, _ := body.(Requested)
	return requested.OrderID
}
