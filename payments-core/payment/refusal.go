package payment

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/text"
)

// Code is why something cannot be done, for programs.
type Code string

// The codes. A web app answers Invalid with 422, and NotRequested and NotYours with 404, so that nobody
// learns whose payment it is. What it answers with the others is in docs/error-handling.md.
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
	Stale            Code = "stale"             // the payment is not any more what the person saw
	OtherWriter      Code = "other_writer"      // an event from a service that must not write it
	UnknownType      Code = "unknown_type"      // an event that this version does not know
	InvalidEvent     Code = "malformed"         // an event that cannot be read
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
	// Why is why a payment was cancelled, or its money went back. It may be news to people.
	Why string
	// Field is the wrong input, as the body's JSON names it, and Message is for its author: only where Code
	// is Invalid. Where it is Stale, Message is what has changed.
	Field   string
	Message string
}

func invalid(tried, field, message string) *Refusal {
	return &Refusal{Code: Invalid, Tried: tried, Field: field, Message: message}
}

// Error is the refusal as an answer to whoever tried: "already accepted by Mia Weber".
func (r *Refusal) Error() string {
	switch r.Code {
	case Invalid, Stale:
		return r.Message
	case NotRequested:
		return "nobody has asked for this payment"
	case NotYours:
		return "this is another person's payment"
	case NotAllowed:
		if r.Tried == TypeRequested {
			return "a payment can only be requested by the one to be paid"
		}
		if r.Tried == TypeReopened {
			return "an acceptance can only be taken back by another person than the one to be paid"
		}
		if r.Tried == TypeCaptured || r.Tried == TypeReleased {
			return "money must be captured or released by another person than the one to be paid"
		}
		return "a request must be decided by another person than the one to be paid"
	case NotAccepted:
		return "no manager has accepted it"
	case WrongAmount:
		return "the amount is not what is on hold"
	case BeingConfirmed:
		return "what ended it is still being confirmed; try again in a moment"
	case AlreadyAsked:
		return "it has been asked for again already"
	case OtherWriter:
		return "only " + strings.TrimPrefix(Writer(r.Tried), "/") + " may say that, and it has not"
	case UnknownType:
		return "this version does not know what that means"
	case InvalidEvent:
		return "it cannot be read"
	}
	if missing := r.missing(); missing != "" {
		return missing
	}
	return aggregate.Because(aggregate.By("already "+Verb(r.Stood), aggregate.NameOf(r.By, r.ByName)), r.Why)
}

// missing is what has not happened yet, where that explains more than what has.
func (r *Refusal) missing() string {
	if r.Code != WrongState {
		return ""
	}
	switch {
	case r.Stood == TypeRequested:
		return "it is waiting for a decision"
	case r.Tried == TypeRequested && (r.Stood == TypeAccepted || r.Stood == TypeAuthorized || r.Stood == TypeDeclined):
		return "it is accepted and under way"
	case r.Tried == TypeRefunded && (r.Stood == TypeAccepted || r.Stood == TypeAuthorized || r.Stood == TypeDeclined):
		return "no money has been paid out"
	case (r.Tried == TypeCaptured || r.Tried == TypeReleased) && (r.Stood == TypeAccepted || r.Stood == TypeDeclined):
		return "no money is on hold"
	}
	return ""
}

// Past is the refusal as a text about the past.
func (r *Refusal) Past() string {
	who := aggregate.NameOf(r.By, r.ByName)
	switch {
	case r.Code == NotRequested:
		return "nobody had asked for this payment"
	case r.Code == NotAccepted:
		return "no manager had accepted it"
	case r.Stood == "":
		return r.Error()
	case r.missing() != "":
		return strings.NewReplacer("it is", "it was", "has been", "had been", "money is", "money was").Replace(r.missing())
	case who == "":
		return aggregate.Because("it was already "+Verb(r.Stood), r.Why)
	}
	return fmt.Sprintf("%s had already %s it", who, Verb(r.Stood))
}

// cleanText returns what is kept of a text that somebody typed (see package text), or a refusal. missing is
// the message for an empty text; "" if it may be empty.
func cleanText(tried, field, typed, missing string) (string, error) {
	kept, wrong := text.Lines(typed)
	switch n := utf8.RuneCountInString(kept); {
	case wrong != "":
		return "", invalid(tried, field, wrong.Message())
	case n > MaxText:
		return "", invalid(tried, field, fmt.Sprintf("Write %s characters at most (these are %s).", locale.Count(MaxText), locale.Count(n)))
	case n == 0 && missing != "":
		return "", invalid(tried, field, missing)
	}
	return kept, nil
}

// clip makes a text of another system fit: it removes what our texts never have, and cuts it to MaxText
// characters.
func clip(s string) string { return clipTo(s, MaxText) }

// reference is clip for what must not be empty.
func reference(s string) string {
	if s = clipTo(s, MaxReference); s == "" {
		return "unknown"
	}
	return s
}

func clipTo(s string, limit int) string {
	kept := text.Mend(s)
	if runes := []rune(kept); len(runes) > limit {
		return text.Mend(string(runes[:limit]))
	}
	return kept
}
