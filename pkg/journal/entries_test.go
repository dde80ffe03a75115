package journal_test

import (
	"testing"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
)

func TestEntriesOfAStream(t *testing.T) {
	// given a stream of which the log has confirmed the first event
	stream := journal.Stream{Records: []journal.Record{{Event: event.Event{Type: "begun"}, Log: 1}, {Event: event.Event{Type: "ended"}}}}
	// when it is read as entries
	entries := journal.Entries(stream)
	// then
	if len(entries) != 2 || entries[0].Type != "begun" || !entries[0].Confirmed || entries[1].Type != "ended" || entries[1].Confirmed {
		t.Errorf("read %+v", entries)
	}
}
