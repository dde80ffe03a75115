package order

import (
	"time"

	"countersign.example/pkg/money"
)

// Code says why something cannot be done, for programs.
type Code string

// The codes. The API answers Invalid with 422, NotDrafted with 404, and the rest with 409.
const (
	Invalid           Code = "invalid"            // the input; Field says which
	NotDrafted        Code = "not_drafted"        // nobody began this order
	AlreadyDrafted    Code = "already_drafted"    // it was begun before
	NotAllowed        Code = "not_allowed"        // not this person's to do
	WrongState        Code = "wrong_state"        // what already happened rules it out
	StaleVersion      Code = "stale_version"      // it has changed since the person looked
	TotalDiffers      Code = "total_differs"      // from the one that the person saw; Seen and Now are both
	NeedsLine         Code = "needs_line"         // there is nothing in it
	NeedsCustomer     Code = "needs_customer"     // it is for nobody
	NotThatMany       Code = "not_that_many"      // fewer of the product are in it
	Archived          Code = "archived"           // the product or customer cannot be chosen any more
	TooMuch           Code = "too_much"           // more than a total, a quantity or an order can be
	CurrencyDiffers   Code = "currency_differs"   // an order has one
	TotalTooSmall     Code = "total_too_small"    // the discount leaves nothing to pay
	WrongTotal        Code = "wrong_total"        // a total that is not its lines' and discount's
	NotSubmitted      Code = "not_submitted"      // it cannot be paid yet
	AmountDiffers     Code = "amount_differs"     // a payment of another amount
	ContractorDiffers Code = "contractor_differs" // a payment of another contractor
	AlreadyRefused    Code = "already_refused"    // this payment was refused before
	OtherWriter       Code = "other_writer"       // an event that another service wrote
	OutOfSequence     Code = "out_of_sequence"    // an event that does not follow the one before
	UnknownType       Code = "unknown_type"       // an event that this version does not know
	Malformed         Code = "malformed"          // an event that cannot be read
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
	// Field is the input at fault, as the body's JSON names it, and Message what to tell
	// its author. Field only where Code is Invalid.
	Field   string
	Message string
	// Seen and Now are the totals that differ, where Code is TotalDiffers.
	Seen, Now money.Amount
}

// Error is the refusal in words: "already cancelled by Mia Weber".
func (r *Refusal) Error() string { return r.words() }

func invalid(tried, field, message string) *Refusal {
	return &Refusal{Code: Invalid, Tried: tried, Field: field, Message: message}
}

func refused(code Code, tried, message string) *Refusal {
	return &Refusal{Code: code, Tried: tried, Message: message}
}
