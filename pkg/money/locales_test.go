package money_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bojanz/currency"
	"pgregory.net/rapid"

	"countersign.example/pkg/money"
)

// locale is how a country writes numbers.
type locale struct{ name, group, decimal string }

var locales = []locale{
	{"en", ",", "."}, {"de", ".", ","}, {"fr", "\u202f", ","}, {"sv", "\u00a0", ","}, {"de-CH", "’", "."}, {"de-CH typed", "'", "."},
	{"de-AT", " ", ","}, {"SI", "\u2009", "."}, {"plain", "", "."}, {"plain comma", "", ","}, {"pl", "\u2007", ","},
}

// write is an amount as people of a locale write it, with all of its decimals or, where they are nothing,
// without.
func (l locale) write(a money.Amount, short bool) string {
	whole, decimals, _ := strings.Cut(a.Decimal(), ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(l.group)
		}
		b.WriteRune(digit)
	}
	if decimals != "" && (!short || strings.Trim(decimals, "0") != "") {
		b.WriteString(l.decimal + decimals)
	}
	return b.String()
}

// An amount that anybody writes in any currency is read as that amount, or asked back with it among the
// readings. The one exception is the app's own notation, which wins: a point with three decimals in a
// currency of three.
func TestNeverAWrongSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wanted := money.Amount{Currency: rapid.SampledFrom(money.Known()).Draw(t, "currency")}
		unit := int64(1)
		for range money.Exponent(wanted.Currency) {
			unit *= 10
		}
		wanted.Minor = rapid.OneOf(rapid.Int64Range(1, money.Max), rapid.Int64Range(1, 9_999_999),
			rapid.Map(rapid.Int64Range(1, 9_999), func(n int64) int64 { return n * unit })).Draw(t, "minor")
		l := rapid.SampledFrom(locales).Draw(t, "locale")
		typed := l.write(wanted, rapid.Bool().Draw(t, "short"))
		number := typed
		if rapid.Bool().Draw(t, "wide") {
			typed = strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return r - '0' + '０'
				}
				return r
			}, typed)
		}
		names := []string{wanted.Currency, strings.ToLower(wanted.Currency)}
		if sign, ok := currency.GetSymbol(wanted.Currency, currency.NewLocale("en")); ok && slices.Contains([]string{"€", "£", "$", "¥"}, sign) {
			names = append(names, sign)
		}
		name := rapid.SampledFrom(names).Draw(t, "name")
		space := rapid.SampledFrom([]string{"", " ", "\u00a0", "\u202f"}).Draw(t, "space")
		typed = rapid.SampledFrom([]string{typed, name + space + typed, typed + space + name, " " + typed + "\n", "\u200e" + typed + "\u200b"}).Draw(t, "typed")

		got, err := money.Parse(typed, wanted.Currency)
		ownNotation := strings.Count(number, ".") == 1 && !strings.Contains(number, ",") && l.group == "." && money.Exponent(wanted.Currency) >= 3
		switch {
		case ownNotation: // told apart from a decimal point by nothing but the currency
		case err == nil && got == wanted:
		case money.ProblemOf(err) == money.Ambiguous && slices.Contains(money.ReadingsOf(err), wanted):
		default:
			t.Fatalf("%s writes %v as %q, which is read as %v, %v, %v", l.name, wanted, typed, got, err, money.ReadingsOf(err))
		}
	})
}

// Whatever is pressed of two readings is read as that, and an amount that names another currency is never
// taken.
func TestReadingsAreReadAsWhatTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom(money.Known()).Draw(t, "currency")
		typed := rapid.StringMatching(`[1-9][0-9]{0,2}[.,][0-9]{3}`).Draw(t, "typed")
		_, err := money.Parse(typed, code)
		readings := money.ReadingsOf(err)
		if (money.ProblemOf(err) == money.Ambiguous) != (len(readings) == 2) {
			t.Fatalf("%q: %v, %v", typed, err, readings)
		}
		for _, reading := range readings {
			if again, err := money.Parse(reading.Decimal(), code); err != nil || again != reading {
				t.Fatalf("%q may be %v, which is read as %v, %v", typed, reading, again, err)
			}
		}
		if other := rapid.SampledFrom(money.Known()).Draw(t, "other"); other != code {
			if got, err := money.Parse(typed+" "+other, code); err == nil {
				t.Fatalf("%s %s is read as %v", typed, other, got)
			}
		}
	})
}

// Digits and separators at random: what is read at all has the digits that were typed, and nothing else.
func TestSeparatorsAtRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom([]string{"EUR", "JPY", "KWD", "CLF"}).Draw(t, "currency")
		typed := rapid.StringMatching(`[0-9]{1,4}([., '’\x{202f}][0-9]{1,4}){0,4}`).Draw(t, "typed")
		got, err := money.Parse(typed, code)
		if err != nil {
			return
		}
		digits := strings.TrimLeft(strings.NewReplacer(".", "", ",", "", " ", "", "'", "", "’", "", "\u202f", "").Replace(typed), "0")
		read := strings.TrimLeft(strings.ReplaceAll(got.Decimal(), ".", ""), "0")
		if strings.TrimRight(read, "0") != strings.TrimRight(digits, "0") || len(read) < len(digits) {
			t.Fatalf("%q is read as %v", typed, got)
		}
	})
}
