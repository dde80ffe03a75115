package order

import (
	"fmt"
	"time"
	"unicode/utf8"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
)

// Code is why something cannot be done, for programs.
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
	InvalidEvent      Code = "malformed"          // an event that cannot be read
)

// Refusal is why a command was refused, or why an event had no effect. Its text is fit for a person.
type Refusal struct {
	Code Code
	// Tried is the event type that was refused.
	Tried string
	// Stood is the type of the earlier event that rules it out, with who did it and when; all empty if no
	// event does.
	Stood  string
	By     string
	ByName string
	At     time.Time
	// Field is the input that is to be mended, as a command's JSON names it: what is wrong where Code is
	// Invalid, or what is to be chosen again. Message is for its author.
	Field   string
	Message string
	// Seen and Now are the totals that differ, where Code is TotalDiffers.
	Seen, Now money.Amount
}

func invalid(tried, field, message string) *Refusal {
	return &Refusal{Code: Invalid, Tried: tried, Field: field, Message: message}
}

func refused(code Code, tried, message string) *Refusal {
	return &Refusal{Code: code, Tried: tried, Message: message}
}

// Error is the refusal as an answer to whoever tried: "the order is already cancelled by Mia Weber".
func (r *Refusal) Error() string {
	switch r.Code {
	case NotDrafted:
		return "there is no such order"
	case NotAllowed:
		return "this order is another person's"
	case NotSubmitted:
		return "the order has not been submitted"
	case OtherWriter:
		return "only ordering-core says what happens to orders"
	case OutOfSequence:
		return "it is not the next thing that happened to the order"
	case UnknownType:
		return "this version does not know what that means"
	case InvalidEvent:
		return "it cannot be read"
	}
	if r.Stood == "" {
		return r.Message
	}
	return aggregate.By("the order is already "+Verb(r.Stood), aggregate.NameOf(r.By, r.ByName))
}

// Past is the refusal as a text about the past.
func (r *Refusal) Past() string {
	who := aggregate.NameOf(r.By, r.ByName)
	switch {
	case r.Code == NotDrafted:
		return "nobody had begun this order"
	case r.Code == NotSubmitted:
		return "it had not been submitted"
	case r.Stood == "":
		return r.Error()
	case who == "":
		return "it was already " + Verb(r.Stood)
	}
	return fmt.Sprintf("%s had already %s it", who, Verb(r.Stood))
}

// cleanText returns what is kept of a reason that somebody typed (see package text), or a refusal. missing is
// the message for an empty reason; "" if it may be empty.
func cleanText(tried, typed, missing string) (string, *Refusal) {
	kept, wrong := text.Lines(typed)
	switch n := utf8.RuneCountInString(kept); {
	case wrong != "":
		return "", invalid(tried, "reason", wrong.Message())
	case n > MaxText:
		return "", invalid(tried, "reason", fmt.Sprintf("Write %s characters at most (these are %s).", locale.Count(MaxText), locale.Count(n)))
	case n == 0 && missing != "":
		return "", invalid(tried, "reason", missing)
	}
	return kept, nil
}
