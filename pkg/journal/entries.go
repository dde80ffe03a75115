package journal

import "countersign.example/pkg/aggregate"

// Entries is a stream as its aggregate folds it.
func Entries(s Stream) []aggregate.Entry {
	entries := make([]aggregate.Entry, len(s.Records))
	for i, record := range s.Records {
		entries[i] = aggregate.Entry{Event: record.Event, Confirmed: record.Log > 0}
	}
	return entries
}
