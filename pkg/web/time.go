package web

import (
	"fmt"
	"math"
	"time"
)

// relativeTime says how long ago something was, in the same words as relative-time.js.
func relativeTime(then, now time.Time) string {
	seconds := now.Sub(then).Seconds()
	minutes, hours, days := math.Round(seconds/60), math.Round(seconds/3600), math.Round(seconds/86400)
	switch {
	case seconds < 45:
		return "just now"
	case minutes < 60:
		return fmt.Sprintf("%.0f min ago", minutes)
	case hours < 24:
		return fmt.Sprintf("%.0f h ago", hours)
	case days == 1:
		return "yesterday"
	case days < 30:
		return fmt.Sprintf("%.0f days ago", days)
	}
	return then.Format("2 Jan 2006")
}

func exactTime(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") }
func isoTime(t time.Time) string   { return t.UTC().Format(time.RFC3339Nano) }
