package event_test

import (
	"encoding/json"
	"testing"
	"time"

	"countersign.example/pkg/event"
)

func TestKeptTimesCanBeWritten(t *testing.T) {
	ordinary := time.Date(2026, 11, 23, 12, 0, 0, 1234, time.FixedZone("", 3600))
	if got := event.Kept(ordinary); !got.Equal(ordinary.Truncate(time.Microsecond)) || got.Location() != time.UTC {
		t.Errorf("%s becomes %s", ordinary, got)
	}
	if !event.Kept(time.Time{}).IsZero() {
		t.Error("no time becomes one")
	}
	before := time.Time{}
	for _, year := range []int{-4712, -1, 0, 1, 1582, 2026, 9999, 10_000, 294_276} {
		for _, offset := range []int{-23 * 3600, 0, 23 * 3600} {
			kept := event.Kept(time.Date(year, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", offset)))
			data, err := json.Marshal(kept)
			var read time.Time
			if err != nil || json.Unmarshal(data, &read) != nil || !read.Equal(kept) || kept.IsZero() {
				t.Errorf("year %d: %s, %v", year, data, err)
			}
			if offset == 0 && kept.Before(before) {
				t.Errorf("year %d comes before the one before", year)
			} else if offset == 0 {
				before = kept
			}
		}
	}
}
