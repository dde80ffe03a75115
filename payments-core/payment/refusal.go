package payment

import "time"

// Code says why something cannot be done, for programs.
type Code string

// The codes. A web app answers Invalid with 422; NotRequested and NotYours with 404 (whose
// payment it is, is nobody else's business); SameVerdict without an error; the rest with 409.
const (
	Invalid          Code = "invalid"           // the input; Field says which
	NotRequested     Code = "not_requested"     // nobody asked for this payment yet
	AlreadyRequested Code = "already_requested" // it was asked for before
	NotYours         Code = "not_yours"         // another person's payment
	NotAllowed       Code = "not_allowed"       // not this person's to do: one's own request, or nobody known
	SameVerdict      Code = "same_verdict"      // decided before, the same way
	OppositeVerdict  Code = "opposite_verdict"  // decided before, the other way
	NotAccepted      Code = "not_accepted"      // no manager has said yes
	WrongState       Code = "wrong_state"       // what already happened rules it out
	WrongAmount      Code = "wrong_amount"      // more than authorized, or another currency
	BeingConfirmed   Code = "being_confirmed"   // the log has not confirmed the ending yet
	AlreadyAsked     Code = "already_asked"     // another payment supersedes it
	OtherWriter      Code = "other_writer"      // an event that another service wrote than may write it
	UnknownType      Code = "unknown_type"      // an event that this version does not know
	Malformed        Code = "malformed"         // an event that cannot be read
)

// Refusal is why a command was refused, or why an event had no effect. Its text is fit for
// a person.
type Refusal struct {
	Code Code
	// Tried is the event type that was refused.
	Tried string
	// Stood is the event type that had already happened and stands in the way, with who
	// did it and when; all empty if it is not something that happened.
	Stood  string
	By     string
	ByName string
	At     time.Time
	// Why is why a payment was cancelled, or its money went back. Nobody may have been asked before that, so people
	// have to be told.
	Why string
	// Field is the input at fault, as the body's JSON names it, and Message what to tell
	// its author. Only where Code is Invalid.
	Field   string
	Message string
}

// Error is the refusal in words: "already accepted by Mia Weber".
func (r *Refusal) Error() string { return r.words() }

func invalid(tried, field, message string) *Refusal {
	return &Refusal{Code: Invalid, Tried: tried, Field: field, Message: message}
}
