package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestNumbersAndDatesFollowTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	german, english := browser.Speaking(t, "de-DE,de,en"), browser.New(t)
	ada, tom := german.Tab(t, sys.URL(testsystem.Contractor)), english.Tab(t, sys.URL(testsystem.Manager))
	mia := german.Tab(t, sys.URL(testsystem.Manager), browser.InTokyo)
	mia.See("Live", "header")
	mark(mia)

	request(sys, ada, "1.234,50", "Scaffolding for the gable")
	ada.See("1.234,50 EUR", "#flashes")
	tom.See("1,234.50 EUR", "#payments")
	mia.See("1.234,50 EUR", "#payments")
	mia.See("1.234,50 EUR", `[data-live-fragment="waiting-totals"]`)
	wasNotReloaded(t, mia)

	t.Run("times are the browser's, and their title is in UTC", func(t *testing.T) {
		mia.Press("Scaffolding for the gable")
		mia.See("What happened")
		at, err := time.Parse(time.RFC3339Nano, browser.Eval[string](mia, `document.querySelector("time[data-exact]").dateTime`))
		require.NoError(t, err)
		mia.See(at.In(time.FixedZone("Tokyo", 9*3600)).Format("02.01.2006, 15:04:05"), ".history")
		require.Equal(t, at.Format("02.01.2006, 15:04:05 UTC"), browser.Eval[string](mia, `document.querySelector("time[data-exact]").title`))
		require.Contains(t, browser.Eval[string](mia, "document.title"), " · 1.234,50 EUR for Ada Nowak · Manager · Countersign")
	})
	t.Run("what can be read in two ways is asked back, in the way of the language", func(t *testing.T) {
		ada.Open(sys.URL(testsystem.Contractor) + "/payments/new")
		ada.Fill("Amount", "1,234")
		ada.Fill("Description", "Planks")
		ada.Press("Request payment")
		ada.See("1,234 can be read in two ways. Write 1234,00 or 1,23.")
		ada.Press("1.234,00 EUR")
		ada.Press("Request payment")
		ada.See("You asked for 1.234,00 EUR.", "#flashes")
		tom.See("1,234.00 EUR", "#payments")
	})
	t.Run("a browser without scripts gets the same", func(t *testing.T) {
		tab := german.Tab(t, sys.URL(testsystem.Manager), browser.WithoutJavaScript)
		tab.See("1.234,50 EUR", "#payments")
	})
}

// The server writes the numbers, and browsers the times in their zone. Both are as the browser's own Intl has
// them.
func TestTheServersLocalesAreTheBrowsers(t *testing.T) {
	t.Parallel()
	tab := browser.New(t).Tab(t, "about:blank")
	var amounts []money.Amount
	for _, minor := range []int64{5, 1234, 99999, 123456, 123456789, -123456} {
		for _, code := range []string{"EUR", "JPY", "KWD", "CHF", "SEK"} {
			amounts = append(amounts, money.Amount{Minor: minor, Currency: code})
		}
	}
	for _, l := range locale.Known() {
		var wanted, values []string
		for _, a := range amounts {
			wanted = append(wanted, l.Write(locale.Number(a)))
			values = append(values, fmt.Sprintf("[%s, %q]", strings.TrimSuffix(a.Decimal(), "."), a.Currency))
		}
		intl := browser.Eval[[]string](tab, fmt.Sprintf(`[%s].map(([value, currency]) => new Intl.NumberFormat(%q, { style: "currency", currency, currencyDisplay: "code" })
			.formatToParts(value).filter(({ type }) => type !== "currency" && type !== "literal").map(({ value }) => value).join(""))`, strings.Join(values, ","), l))
		require.Equal(t, wanted, intl, l)

		percent := browser.Eval[string](tab, fmt.Sprintf(`new Intl.NumberFormat(%q, { style: "percent", maximumFractionDigits: 2 }).format(0.125)`, l))
		require.Equal(t, percent, l.Write(locale.Percent("12.5%")), l)

		var days, dates []string
		for month := range time.December {
			day := time.Date(2026, month+1, 3, 0, 0, 0, 0, time.UTC)
			days, dates = append(days, l.Write(locale.Day(day))), append(dates, day.Format(time.DateOnly))
		}
		list, err := json.Marshal(dates)
		require.NoError(t, err)
		named := l
		if l == locale.English {
			named = "en-GB"
		}
		require.Equal(t, days, browser.Eval[[]string](tab, fmt.Sprintf(`%s.map((day) => new Intl.DateTimeFormat(%q, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(day)))`, list, named)), l)
	}
}
