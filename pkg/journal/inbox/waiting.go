package inbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// namedAtMost is how many dead letters of one reason are named.
const namedAtMost = 5

// StillWaitingError says which of many dead letters that were replayed wait as before: how many for each
// reason, the first of them, and what the very first one's cause is. There may be a million for one cause.
type StillWaitingError struct{ reasons []waitingFor }

type waitingFor struct {
	reason string
	count  int
	first  []int64
	cause  error
}

// add takes what the replay of a dead letter has returned. It reports false for an error that is not about
// the dead letter, and ends the replay of others.
func (e *StillWaitingError) add(id int64, err error) bool {
	if joined, is := err.(interface{ Unwrap() []error }); is { // of those parked behind it
		return !slices.ContainsFunc(joined.Unwrap(), func(one error) bool { return !e.add(id, one) })
	}
	again, failed := errors.AsType[*FailedAgainError](err)
	switch {
	case err == nil:
	case failed:
		reason := string(again.Kind)
		if v, is := errors.AsType[violation](again.Cause); is {
			reason = fmt.Sprintf("%s (%s)", Disallowed, v.reason)
		}
		e.count(reason, again.DeadLetter, again)
	case errors.Is(err, errNotNow):
		e.count("behind a poison message of its key", id, err)
	case errors.Is(err, ErrNoDeadLetter):
		e.count("settled meanwhile", id, err)
	default:
		return false
	}
	return true
}

func (e *StillWaitingError) count(reason string, id int64, err error) {
	n := slices.IndexFunc(e.reasons, func(w waitingFor) bool { return w.reason == reason })
	if n < 0 {
		n = len(e.reasons)
		e.reasons = append(e.reasons, waitingFor{reason: reason, cause: err})
	}
	w := &e.reasons[n]
	if w.count++; w.count <= namedAtMost {
		w.first = append(w.first, id)
	}
}

func (e *StillWaitingError) orNil() error {
	if len(e.reasons) == 0 {
		return nil
	}
	return e
}

// Error has a line for each reason.
func (e *StillWaitingError) Error() string {
	var text strings.Builder
	text.WriteString("some were not recorded:")
	for _, w := range e.reasons {
		ids := strings.Trim(strings.ReplaceAll(fmt.Sprint(w.first), " ", ", "), "[]")
		if w.count > len(w.first) {
			ids += " ..."
		}
		cause, _, _ := strings.Cut(w.cause.Error(), "\n")
		fmt.Fprintf(&text, "\n%d %s: %s; %s", w.count, w.reason, ids, cause)
	}
	return text.String()
}
