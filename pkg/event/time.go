package event

import "time"

var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC) // the zero time says that there is none
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
)

// Kept is a time as it is stored and shown: in UTC, in whole microseconds, and of the years 1 to 9999. Those
// are what PostgreSQL and JSON can both write; a time of another year becomes the nearest one. The zero time
// stays.
func Kept(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Microsecond)
	switch {
	case t.Year() < 1:
		return earliest
	case t.After(latest):
		return latest
	}
	return t
}
