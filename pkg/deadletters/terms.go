package deadletters

import "countersign.example/pkg/journal/inbox"

// The inbox's terms, for clients: a page of dead letters knows this package alone.
type (
	Selection = inbox.Selection
	Summary   = inbox.Summary
	Place     = inbox.Place
	Task      = inbox.Task
	Failure   = inbox.Failure
	Kind      = inbox.Kind
	State     = inbox.State
	Action    = inbox.Action
)

// Kinds, states, actions and bounds as the inbox has them.
const (
	Poison     = inbox.Poison
	Parked     = inbox.Parked
	Malformed  = inbox.Malformed
	Disallowed = inbox.Disallowed

	Waiting   = inbox.Waiting
	Replayed  = inbox.Replayed
	Discarded = inbox.Discarded

	Try     = inbox.Try
	Replay  = inbox.Replay
	Discard = inbox.Discard

	LongestWord   = inbox.LongestWord
	LongestReason = inbox.LongestReason
)
