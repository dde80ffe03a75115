package orders

import (
	"errors"

	"countersign.example/ordering-core/order"
)

// maxChanges bounds the changes in a StaleError: a page shows them.
const maxChanges = 20

// StaleError is the refusal of what somebody wants of an order that has changed since they looked at it.
type StaleError struct {
	*order.Refusal
	Sequence int64        // what it is now
	Changes  []order.Step // since then; the last maxChanges
	Count    int          // of all since then
}

// Unwrap is for errors.As.
func (e *StaleError) Unwrap() error { return e.Refusal }

// withChanges adds to a refusal for a stale version what happened after seen, and leaves other errors as they
// are.
func withChanges(err error, locked *Locked, seen int64) error {
	var refusal *order.Refusal
	if !errors.As(err, &refusal) || refusal.Code != order.StaleVersion {
		return err
	}
	stale := &StaleError{Refusal: refusal, Sequence: locked.Order.Sequence}
	for _, step := range locked.Steps {
		if step.Effect && step.Entry.Sequence > seen {
			stale.Changes = append(stale.Changes, step)
		}
	}
	stale.Count = len(stale.Changes)
	stale.Changes = stale.Changes[max(0, stale.Count-maxChanges):]
	return stale
}
