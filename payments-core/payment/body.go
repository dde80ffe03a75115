package payment

import (
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
)

// The event types.
const (
	TypeRequested  = "payment_requested"
	TypeWithdrawn  = "payment_withdrawn"
	TypeRejected   = "payment_rejected"
	TypeAccepted   = "payment_accepted"
	TypeAuthorized = "payment_authorized"
	TypeDeclined   = "payment_declined"
	TypeCaptured   = "payment_captured"
	TypeReleased   = "payment_released"
	TypeRefunded   = "payment_refunded"
	TypeCancelled  = "payment_cancelled"
	TypeStuck      = "payment_stuck"
)

// MaxText is the longest description, reason or note, in characters; MaxReference the
// longest reference, code or id that somebody else made up.
const (
	MaxText      = 2000
	MaxReference = 200
)

// CaptureMethod says who captures an authorized payment.
type CaptureMethod string

// A payment is captured as soon as it is authorized, or when a manager says so.
const (
	Automatic CaptureMethod = "automatic"
	Manual    CaptureMethod = "manual"
)

// Body is what one type of event says; the envelope says who and when.
type Body interface {
	EventType() string
}

// Requested: a contractor asks to be paid.
type Requested struct {
	PaymentID     string        `json:"payment_id"` // the event's subject
	ContractorID  string        `json:"contractor_id"`
	Amount        money.Amount  `json:"amount"` // 1 to money.Max minor units
	Description   string        `json:"description"`
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

// Authorized: the gateway holds the payment's amount.
type Authorized struct {
	GatewayReference string `json:"gateway_reference"`
}

// Declined: the gateway refused to hold it. Final means that it is not tried again.
type Declined struct {
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"`
	Final  bool   `json:"final"`
}

// Captured: the gateway moved the money.
type Captured struct {
	Amount           money.Amount `json:"amount"` // at most what is authorized
	GatewayReference string       `json:"gateway_reference"`
}

// Released: the hold is gone without the money having moved.
type Released struct {
	Reason string `json:"reason,omitempty"`
}

// Refunded: what was captured went back.
type Refunded struct {
	Reason           string `json:"reason,omitempty"`
	GatewayReference string `json:"gateway_reference"`
}

// Cancelled: payments-core ended the payment before money moved, since its order died.
type Cancelled struct {
	Reason string `json:"reason,omitempty"`
}

// Stuck: what the money needs cannot be asked of the gateway any more, until an operator retries or settles it. Nothing moved.
type Stuck struct {
	Operation Operation `json:"operation"`
	Reason    string    `json:"reason"`
}

// EventType is the name of the event that carries this body.
func (Requested) EventType() string  { return TypeRequested }
func (Withdrawn) EventType() string  { return TypeWithdrawn }
func (Rejected) EventType() string   { return TypeRejected }
func (Accepted) EventType() string   { return TypeAccepted }
func (Authorized) EventType() string { return TypeAuthorized }
func (Declined) EventType() string   { return TypeDeclined }
func (Captured) EventType() string   { return TypeCaptured }
func (Released) EventType() string   { return TypeReleased }
func (Refunded) EventType() string   { return TypeRefunded }
func (Cancelled) EventType() string  { return TypeCancelled }
func (Stuck) EventType() string      { return TypeStuck }

// decoders reads each type's body, and is the list of the types there are.
var decoders = schema.Decoders[Body]{
	TypeRequested: func(o *schema.Object) Body {
		return Requested{
			PaymentID:     o.ID("payment_id"),
			ContractorID:  o.Text("contractor_id", MaxReference),
			Amount:        o.Amount("amount"),
			Description:   o.Text("description", MaxText),
			OrderID:       o.OptionalID("order_id"),
			Supersedes:    o.OptionalID("supersedes"),
			CaptureMethod: CaptureMethod(o.OneOf("capture_method", string(Automatic), string(Manual))),
		}
	},
	TypeWithdrawn: func(o *schema.Object) Body { return Withdrawn{Reason: o.OptionalText("reason", MaxText)} },
	TypeRejected:  func(o *schema.Object) Body { return Rejected{Reason: o.Text("reason", MaxText)} },
	TypeAccepted:  func(o *schema.Object) Body { return Accepted{Note: o.OptionalText("note", MaxText)} },
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
			Operation: Operation(o.OneOf("operation", string(Authorize), string(Capture), string(Release), string(Refund))),
			Reason:    o.Text("reason", MaxText),
		}
	},
}
