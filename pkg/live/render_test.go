package live_test

import (
	"slices"
	"testing"

	"countersign.example/pkg/live"
)

// A client subscribes to what it likes: only an id as streams have it gets into a statement.
func TestIDs(t *testing.T) {
	const id = "01234567-89ab-4cde-8f01-23456789abcd"
	streams := []string{"thing-" + id, "other-" + id, "thing-{" + id + "}", "thing-urn:uuid:" + id, "thing-0123456789ab4cde8f0123456789abcd",
		"thing-01234567-89AB-4CDE-8F01-23456789ABCD", "thing-", "thing-\x00"}
	if got := live.IDs(streams, "thing-"); !slices.Equal(got, []string{id}) {
		t.Errorf("%q", got)
	}
}
