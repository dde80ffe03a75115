// Package money is an amount of one currency in whole minor units, with strict text and
// JSON forms.
//
// Invariants:
//   - No floats: an amount is an int64 count of the currency's smallest unit (cents for
//     EUR, yen for JPY, fils for KWD), as ISO 4217 and CLDR give it.
//   - Arithmetic never wraps and never mixes currencies: both are errors.
//   - What Parse accepts, Decimal writes back, and Parse accepts again as the same amount.
package money

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/bojanz/currency"
)

// Max is the most that Parse accepts, in minor units: 999,999,999.99 EUR, 99,999,999,999 JPY.
// Ninety million such amounts can be added up before an int64 overflows, and a JSON number
// holds it exactly in every language.
const Max int64 = 99_999_999_999

var (
	// ErrOverflow says that a sum or difference does not fit an int64.
	ErrOverflow = errors.New("money: amount out of range")
	// ErrCurrencyMismatch says that two amounts are not of one currency.
	ErrCurrencyMismatch = errors.New("money: amounts of different currencies")
)

// Amount is so many minor units of a currency. The zero Amount is nothing of no currency.
type Amount struct {
	Minor    int64  // minor units: 1099 is 10.99 EUR, and 1,099 JPY
	Currency string // ISO 4217 code, such as "EUR"
}

// offered is what people can choose from: few enough for a select, with one currency
// without decimals and one with three.
var offered = []string{"EUR", "USD", "GBP", "CHF", "CZK", "DKK", "JPY", "KWD", "NOK", "PLN", "SEK"}

// Currencies returns the codes offered in forms, the usual one first.
func Currencies() []string { return slices.Clone(offered) }

// Known returns every code that an Amount may have, sorted.
func Known() []string { return slices.Sorted(slices.Values(currency.GetCurrencyCodes())) }

// IsKnown reports whether code is an ISO 4217 currency in use.
func IsKnown(code string) bool { return code != "" && currency.IsValid(code) }

// Exponent returns how many decimals the currency has: 2 for EUR, 0 for JPY, 3 for KWD,
// and 0 for an unknown one.
func Exponent(code string) int {
	digits, _ := currency.GetDigits(code)
	return int(digits)
}

// Zero returns nothing of the currency.
func Zero(code string) Amount { return Amount{Currency: code} }

// IsZero reports whether a is nothing, whatever the currency.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// Add returns a + b, or ErrOverflow or ErrCurrencyMismatch.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("%w: %s and %s", ErrCurrencyMismatch, a.Currency, b.Currency)
	}
	if (b.Minor > 0 && a.Minor > math.MaxInt64-b.Minor) || (b.Minor < 0 && a.Minor < math.MinInt64-b.Minor) {
		return Amount{}, ErrOverflow
	}
	return Amount{a.Minor + b.Minor, a.Currency}, nil
}

// Sub returns a - b, or ErrOverflow or ErrCurrencyMismatch.
func (a Amount) Sub(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("%w: %s and %s", ErrCurrencyMismatch, a.Currency, b.Currency)
	}
	if (b.Minor < 0 && a.Minor > math.MaxInt64+b.Minor) || (b.Minor > 0 && a.Minor < math.MinInt64+b.Minor) {
		return Amount{}, ErrOverflow
	}
	return Amount{a.Minor - b.Minor, a.Currency}, nil
}

// Cmp compares a with b: -1, 0 or +1, or ErrCurrencyMismatch.
func (a Amount) Cmp(b Amount) (int, error) {
	if a.Currency != b.Currency {
		return 0, fmt.Errorf("%w: %s and %s", ErrCurrencyMismatch, a.Currency, b.Currency)
	}
	return cmp.Compare(a.Minor, b.Minor), nil
}

// String is the amount for people: "1,250.00 EUR".
func (a Amount) String() string { return forPeople(strconv.FormatInt(a.Minor, 10), a.Currency) }

// Decimal is the amount as a form takes it: "1250.00".
func (a Amount) Decimal() string { return decimal(strconv.FormatInt(a.Minor, 10), a.Currency) }

// Sum is what amounts of one currency come to, however many they are: it is for people to read, and no
// Amount.
type Sum struct {
	Minor    *big.Int
	Currency string
}

// String is as an Amount's.
func (s Sum) String() string { return forPeople(s.Minor.String(), s.Currency) }

// Decimal is as an Amount's.
func (s Sum) Decimal() string { return decimal(s.Minor.String(), s.Currency) }

func forPeople(minor, currency string) string {
	sign, whole, decimals := digits(minor, currency)
	var grouped strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			grouped.WriteByte(',')
		}
		grouped.WriteRune(digit)
	}
	return strings.TrimSpace(sign + grouped.String() + decimals + " " + currency)
}

func decimal(minor, currency string) string {
	sign, whole, decimals := digits(minor, currency)
	return sign + whole + decimals
}

// digits returns the sign, the whole units, and the decimals with their point, of so many minor units.
func digits(minor, currency string) (sign, whole, decimals string) {
	whole = minor
	if whole[0] == '-' {
		sign, whole = "-", whole[1:]
	}
	exponent := Exponent(currency)
	if exponent == 0 {
		return sign, whole, ""
	}
	if missing := exponent + 1 - len(whole); missing > 0 {
		whole = strings.Repeat("0", missing) + whole
	}
	point := len(whole) - exponent
	return sign, whole[:point], "." + whole[point:]
}
