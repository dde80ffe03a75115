package journal

import "countersign.example/pkg/event"

// Entries is a stream as a domain folds it: E is the domain's own type, so that it needs nothing of the
// journal.
func Entries[E ~struct {
	event.Event
	Confirmed bool
}](s Stream) []E {
	entries := make([]E, len(s.Records))
	for i, record := range s.Records {
		entries[i] = E{Event: record.Event, Confirmed: record.Log > 0}
	}
	return entries
}
