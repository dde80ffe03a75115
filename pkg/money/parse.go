package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Problem is what is wrong with a text that should be an amount.
type Problem string

// The problems, in the order in which Parse looks for them.
const (
	UnknownCurrency Problem = "unknown_currency"
	Empty           Problem = "empty"
	NotANumber      Problem = "not_a_number"
	Negative        Problem = "negative"
	Separator       Problem = "separator" // a comma, or more than one point
	TooManyDecimals Problem = "too_many_decimals"
	OverLimit       Problem = "over_limit"
	NotPositive     Problem = "zero"
)

// ParseError says what is wrong with an amount that somebody typed. Its text is fit for a
// message beside the field, and says what to type instead.
type ParseError struct {
	Problem Problem
	message string
}

func (e *ParseError) Error() string { return e.message }

// Parse reads an amount as a form sends it: digits, with a decimal point if the currency
// has decimals, more than zero and at most Max. Spaces around it are ignored, since pasted
// text has them. Nothing is guessed: "1,5", "1,250.00", "1e9" and "+5" are refused with a
// *ParseError, for a wrong guess would be a wrong payment.
func Parse(text, code string) (Amount, error) {
	if !IsKnown(code) {
		return Amount{}, &ParseError{UnknownCurrency, "Choose a currency from the list."}
	}
	text = strings.Trim(text, " \t\r\n")
	problem := func(p Problem, format string, args ...any) (Amount, error) {
		return Amount{}, &ParseError{p, fmt.Sprintf(format, args...)}
	}
	example := Amount{1250, code}
	for range Exponent(code) {
		example.Minor *= 10
	}
	if text == "" {
		return problem(Empty, "Enter an amount, for example %s.", example.Decimal())
	}
	if rest, minus := strings.CutPrefix(text, "-"); minus && looksNumeric(rest) {
		return problem(Negative, "Enter an amount above zero, without a minus sign.")
	}
	if !looksNumeric(text) {
		return problem(NotANumber, "Write the amount in digits, for example %s.", example.Decimal())
	}
	whole, decimals, point := strings.Cut(text, ".")
	if strings.ContainsAny(text, ",") || strings.Contains(decimals, ".") {
		return problem(Separator, "Write it without commas, with a point before the decimals: %s.", withoutSeparators(text, example))
	}
	if whole == "" || (point && decimals == "") {
		return problem(NotANumber, "Write the amount in digits, for example %s.", example.Decimal())
	}
	exponent := Exponent(code)
	if len(decimals) > exponent {
		if exponent == 0 {
			return problem(TooManyDecimals, "%s has no decimals. Write a whole number, for example %s.", code, example.Decimal())
		}
		return problem(TooManyDecimals, "%s has %d decimals at most, for example %s.", code, exponent, example.Decimal())
	}
	minor, err := strconv.ParseInt(whole+decimals+strings.Repeat("0", exponent-len(decimals)), 10, 64)
	if err != nil || minor > Max { // looksNumeric left out-of-range as the only error
		return problem(OverLimit, "Enter %s at most.", Amount{Max, code})
	}
	if minor == 0 {
		return problem(NotPositive, "Enter an amount above zero.")
	}
	return Amount{minor, code}, nil
}

// ProblemOf returns what Parse found, or "" if err is not from Parse.
func ProblemOf(err error) Problem {
	var parse *ParseError
	if errors.As(err, &parse) {
		return parse.Problem
	}
	return ""
}

// looksNumeric tells whether s has digits, points and commas only, and a digit at all.
func looksNumeric(s string) bool {
	digits := 0
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c != '.' && c != ',':
			return false
		}
	}
	return digits > 0
}

// withoutSeparators suggests how to write a text with commas, where only one reading is
// possible: thousands in groups of three before a point. Otherwise it is the example,
// since "1,5" and "1.234,56" do not say what was meant.
func withoutSeparators(text string, example Amount) string {
	whole, decimals, point := strings.Cut(text, ".")
	groups := strings.Split(whole, ",")
	plausible := point && len(text) <= 20 && len(groups) > 1 && len(decimals) == Exponent(example.Currency) &&
		looksNumeric(decimals) && !strings.ContainsAny(decimals, ".,") && len(groups[0]) >= 1 && len(groups[0]) <= 3
	for _, group := range groups[1:] {
		plausible = plausible && len(group) == 3
	}
	if !plausible {
		return example.Decimal()
	}
	return strings.Join(groups, "") + "." + decimals
}
