package web

import (
	"fmt"
	"math"
	"time"

	"countersign.example/pkg/locale"
)

// relativeTime says how long ago something was, or how long it is until then, in the same words as
// relative-time.js.
func relativeTime(then, now time.Time) string {
	seconds := now.Sub(then).Seconds()
	format, day := "%.0f %s ago", "yesterday"
	if seconds < 0 {
		seconds, format, day = -seconds, "in %.0f %s", "tomorrow"
	}
	minutes, hours, days := math.Round(seconds/60), math.Round(seconds/3600), math.Round(seconds/86400)
	switch {
	case seconds < 45:
		return "just now"
	case minutes < 60:
		return fmt.Sprintf(format, minutes, "min")
	case hours < 24:
		return fmt.Sprintf(format, hours, "h")
	case days == 1:
		return day
	case days < 30:
		return fmt.Sprintf(format, days, "days")
	}
	return locale.Day(then)
}

func isoTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
