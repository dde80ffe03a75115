package web

import (
	"testing"
	"time"

	"countersign.example/pkg/locale"
)

func TestTimesAreRelativeBothWays(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]string{
		0: "just now", -44 * time.Second: "just now", 44 * time.Second: "just now",
		-2 * time.Minute: "2 min ago", 2 * time.Minute: "in 2 min", -90 * time.Minute: "2 h ago", 23 * time.Hour: "in 23 h",
		-24 * time.Hour: "yesterday", 24 * time.Hour: "tomorrow", 72 * time.Hour: "in 3 days", -60 * 24 * time.Hour: "3 Sept 2026",
	} {
		if got := locale.English.Write(relativeTime(now.Add(after), now)); got != want {
			t.Errorf("%s: %q, not %q", after, got, want)
		}
	}
}
