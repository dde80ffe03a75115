package pages

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a container may have no time zones

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/numbers"
	"countersign.example/pkg/money"
	"countersign.example/pkg/web"
)

const numbersPath = "/numbers"

// numbersQuery is what an address of the numbers asks for.
type numbersQuery struct {
	numbers.Period
	Named    string // the period's name; "" for days of one's own
	Currency string // "" for all
	form     *web.Form
	asked    map[string]string // the address' parameters
}

// numberPeriods are those with a name, the usual one first.
var numberPeriods = []struct {
	name, label string
	days        func(today time.Time) (first, last time.Time)
}{
	{"7-days", "7 days", func(today time.Time) (first, last time.Time) { return today.AddDate(0, 0, -6), today }},
	{"today", "Today", func(today time.Time) (first, last time.Time) { return today, today }},
	{"month", "This month", func(today time.Time) (first, last time.Time) {
		first = today.AddDate(0, 0, 1-today.Day())
		return first, first.AddDate(0, 1, -1)
	}},
	{"last-month", "Last month", func(today time.Time) (first, last time.Time) {
		first = today.AddDate(0, 0, 1-today.Day())
		return first.AddDate(0, -1, 0), first.AddDate(0, 0, -1)
	}},
	{"year", "This year", func(today time.Time) (first, last time.Time) {
		return time.Date(today.Year(), 1, 1, 0, 0, 0, 0, time.UTC), time.Date(today.Year(), 12, 31, 0, 0, 0, 0, time.UTC)
	}},
}

// readNumbersQuery reads an address. What is wrong is said beside its field, and nothing is counted then.
func readNumbersQuery(c echo.Context, now time.Time) (q numbersQuery, err error) {
	q.asked = map[string]string{}
	for _, name := range []string{"period", "from", "to", "currency", "zone"} {
		if q.asked[name], err = web.ReadSearch(c.QueryParam(name)); err != nil {
			return q, err
		}
	}
	q.form, q.Currency = web.NewForm(q.asked), q.typed("currency")
	if q.Currency != "" && !money.IsKnown(q.Currency) {
		q.form.Fail("currency", "Choose a currency from the list.")
	}
	if q.Zone, err = zoneOf(q.typed("zone")); err != nil {
		q.form.Fail("zone", "There is no such time zone. Write it as in Europe/Berlin, or UTC.")
	}
	q.readPeriod(numbers.DayOf(now, q.Zone))
	return q, nil
}

func (q *numbersQuery) typed(name string) string { return strings.TrimSpace(q.asked[name]) }

// zoneOf is the time zone of a name; UTC for none, and with an error.
func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // which is the server's
		return time.UTC, fmt.Errorf("no time zone %q", name)
	}
	return zone, nil
}

func (q *numbersQuery) readPeriod(today time.Time) {
	if q.typed("from")+q.typed("to") != "" {
		q.First, q.Last = q.day("from"), q.day("to")
		switch {
		case !q.form.OK():
		case q.Last.Before(q.First):
			q.form.Fail("to", "The last day is before the first one.")
		case q.Days() > numbers.MostDays:
			q.form.Fail("to", "This is more than five years. Choose a shorter period.")
		}
		return
	}
	i := slices.IndexFunc(numberPeriods, func(p struct {
		name, label string
		days        func(time.Time) (time.Time, time.Time)
	}) bool {
		return p.name == q.typed("period")
	})
	if q.typed("period") == "" {
		i = 0
	}
	if i < 0 {
		q.form.Fail("from", "There is no such period. Choose one above, or the days.")
		return
	}
	q.Named = numberPeriods[i].name
	q.First, q.Last = numberPeriods[i].days(today)
}

// day reads a day of a field.
func (q *numbersQuery) day(name string) time.Time {
	typed := q.typed(name)
	if typed == "" {
		q.form.Fail(name, "Choose this day too.")
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, typed)
	switch {
	case err != nil:
		q.form.Fail(name, "Write the day as year, month and day, for example 2026-11-30.")
	case day.Year() < numbers.FirstYear || day.Year() > 9000:
		q.form.Fail(name, fmt.Sprintf("Choose a day from %d on.", numbers.FirstYear))
	}
	return day
}

// address is a path with the query's parameters: name, value, name, value in place of some.
func (q numbersQuery) address(path string, other ...string) string {
	parameters := map[string]string{"currency": q.Currency, "zone": q.typed("zone")}
	if q.Named == "" {
		parameters["from"], parameters["to"] = q.typed("from"), q.typed("to")
	} else if q.Named != numberPeriods[0].name {
		parameters["period"] = q.Named
	}
	for i := 0; i+1 < len(other); i += 2 {
		parameters[other[i]] = other[i+1]
	}
	return web.Address(path, parameters)
}

// exact is the address with the days themselves, for a file that is taken later.
func (q numbersQuery) exact(path, chart string) string {
	return q.address(path, "chart", chart, "period", "", "from", q.First.Format(time.DateOnly), "to", q.Last.Format(time.DateOnly))
}
