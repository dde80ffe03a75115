package numbers

import (
	"sort"
	"time"
)

// Step is a part of a period, of which a chart has one point.
type Step struct {
	From, To time.Time // To is the next one's From
	Day      time.Time // the first day, at midnight UTC, as people call it
}

// Unit is how long the steps of a period are.
type Unit string

// The units.
const (
	ByHour  Unit = "hour"
	ByDay   Unit = "day"
	ByWeek  Unit = "week" // which begins on Monday
	ByMonth Unit = "month"
)

// MostDays is how long a period may be.
const MostDays = 5 * 366

// FirstYear is from when on periods may begin. Since then each time zone's days begin at a quarter of an hour
// of UTC.
const FirstYear = 2015

// Period is from a day to another one, both of it, in a time zone. Days are at midnight UTC, whatever the
// zone.
type Period struct {
	First, Last time.Time
	Zone        *time.Location
}

// Days is how many there are.
func (p Period) Days() int { return int(p.Last.Sub(p.First)/(24*time.Hour)) + 1 }

// Unit is what the steps are: so many that a table of them can be read.
func (p Period) Unit() Unit {
	switch days := p.Days(); {
	case days <= 2:
		return ByHour
	case days <= 62:
		return ByDay
	case days <= 200:
		return ByWeek
	}
	return ByMonth
}

// Steps are all of the period, in order and without gaps: of its first and last week or month only what is of
// the period.
func (p Period) Steps() (steps []Step) {
	unit, end := p.Unit(), p.Last.AddDate(0, 0, 1)
	for first := p.First; first.Before(end); {
		next := first.AddDate(0, 0, 1)
		switch unit {
		case ByWeek:
			next = first.AddDate(0, 0, 7-int(first.Weekday()+6)%7)
		case ByMonth:
			next = time.Date(first.Year(), first.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		}
		if next.After(end) {
			next = end
		}
		from, to := Begins(first, p.Zone), Begins(next, p.Zone)
		if unit == ByHour {
			for at := from; at.Before(to); at = at.Add(time.Hour) {
				until := at.Add(time.Hour)
				if until.After(to) {
					until = to
				}
				steps = append(steps, Step{at, until, first})
			}
		} else {
			steps = append(steps, Step{from, to, first})
		}
		first = next
	}
	return steps
}

// Begins is when a day begins in a time zone: its first quarter of an hour, which need not be at midnight
// where the clocks are changed then.
func Begins(day time.Time, zone *time.Location) time.Time {
	earliest := day.Add(-16 * time.Hour)
	i := sort.Search(int(34*time.Hour/quarterHour), func(i int) bool {
		return !DayOf(earliest.Add(time.Duration(i)*quarterHour), zone).Before(day)
	})
	return earliest.Add(time.Duration(i) * quarterHour)
}

// DayOf is the day that a time is of in a time zone, at midnight UTC.
func DayOf(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// segment is a range of spans of one length.
type segment struct {
	step     int
	span     string
	from, to time.Time
}

// cover makes a range of as few spans as there are that begin and end with it: months in the middle, then
// days, hours and quarters to both sides.
func cover(step int, from, to time.Time) (segments []segment) {
	for from.Before(to) {
		longest := quarter
		for _, span := range spans {
			if beginOf(span, from).Equal(from) && !endOf(span, from).After(to) {
				longest = span
			}
		}
		end := endOf(longest, from)
		if last := len(segments) - 1; last >= 0 && segments[last].span == longest {
			segments[last].to = end
		} else {
			segments = append(segments, segment{step, longest, from, end})
		}
		from = end
	}
	return segments
}
