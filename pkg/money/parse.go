package money

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"countersign.example/pkg/text"
)

// Problem is what is wrong with a text that should be an amount.
type Problem string

// The problems.
const (
	UnknownCurrency Problem = "unknown_currency"
	Empty           Problem = "empty"
	OtherCurrency   Problem = "other_currency" // it names another currency than the one that was chosen
	NotANumber      Problem = "not_a_number"
	Negative        Problem = "negative"
	Separator       Problem = "separator" // its commas, points, spaces or apostrophes are nobody's way of writing a number
	Ambiguous       Problem = "ambiguous" // it can be read in two ways
	TooManyDecimals Problem = "too_many_decimals"
	OverLimit       Problem = "over_limit"
	NotPositive     Problem = "zero"
)

// ParseError says what is wrong with an amount that somebody typed. Its text is fit for a
// message beside the field, and says what to type instead.
type ParseError struct {
	Problem  Problem
	Readings []Amount // of what is Ambiguous to Parse: two, the larger first
	message  string
}

func (e *ParseError) Error() string { return e.message }

// longest is how many bytes an amount may have: more than any spelling of Max.
const longest = 200

// Parse reads an amount as people write it, more than zero and at most Max:
//
//   - digits, also full-width ones, with the decimals after a point or a comma: "1250", "9.99", "9,99";
//   - the thousands apart by commas, points, spaces of any width or apostrophes: "1,234.56", "1.234,56", "1
//     234,56", "1'234.56";
//   - the currency before or after it, as its code or a sign that it has: "€12", "12 EUR". It must be the one
//     that was chosen.
//
// Nothing is guessed, for a wrong guess would be a wrong payment. One separator with three digits behind it
// may be either kind:
//
//   - A point in a currency of three decimals or more is before its decimals, as Decimal and String write it.
//   - A comma in a currency of two decimals or fewer is between thousands, as String writes it: it has no
//     amount of three decimals.
//   - In a currency without decimals a point is between thousands, too.
//   - Behind more than one digit of which the first is a zero, as in "001,234", it is refused.
//   - A point where there are one or two decimals, and a comma where there are three or more, are Ambiguous:
//     the error has both readings.
//
// Every other error is a *ParseError, too.
func Parse(typed, code string) (Amount, error) { return parse(typed, code, pointDecimals) }

// ParseTyped is Parse for what somebody types whose language may have the comma before the decimals. Point
// and comma change their parts then, but that a point with three digits behind it is Ambiguous in a currency
// of three decimals or more, since the app writes it so elsewhere.
func ParseTyped(typed, code string, decimalComma bool) (Amount, error) {
	if decimalComma {
		return parse(typed, code, commaTyped)
	}
	return parse(typed, code, pointDecimals)
}

// ParseDecimalComma is Parse for where the comma is known to be the decimal sign: "1,234" has three decimals
// in every currency, and what a point stands in alone with three digits behind it is Ambiguous, without
// readings.
func ParseDecimalComma(typed, code string) (Amount, error) { return parse(typed, code, commaInFile) }

// notation is what a text's author is known to put before the decimals.
type notation int

const (
	pointDecimals notation = iota
	commaInFile
	commaTyped
)

// thousands is the form of a lone separator that may be before decimals elsewhere, and is before thousands
// here.
func (n notation) thousands() int {
	if n == commaTyped {
		return eitherPoint
	}
	return eitherComma
}

// example is an amount as a form takes it, in words that say what to type.
func (n notation) example(a Amount) string {
	if n == commaTyped {
		return strings.Replace(a.Decimal(), ".", ",", 1)
	}
	return a.Decimal()
}

// written is an amount as the app shows it.
func (n notation) written(a Amount) string {
	if n == commaTyped {
		return strings.NewReplacer(",", ".", ".", ",").Replace(a.String())
	}
	return a.String()
}

func parse(typed, code string, in notation) (Amount, error) {
	if !IsKnown(code) {
		return Amount{}, &ParseError{Problem: UnknownCurrency, message: "Choose a currency from the list."}
	}
	some := Amount{1250, code}
	for range Exponent(code) {
		some.Minor *= 10
	}
	example := in.example(some)
	problem := func(p Problem, format string, args ...any) (Amount, error) {
		return Amount{}, &ParseError{Problem: p, message: fmt.Sprintf(format, args...)}
	}
	number, named, isText := bare(typed)
	switch {
	case number == "" && len(named) == 0 && isText:
		return problem(Empty, "Enter an amount, for example %s.", example)
	case !isText:
		return problem(NotANumber, "Write the amount in digits, for example %s.", example)
	}
	negative := strings.HasPrefix(number, "-")
	whole, decimals, grouped, form := split(strings.TrimSpace(strings.TrimPrefix(number, "-")))
	if form == noNumber {
		return problem(NotANumber, "Write the amount in digits, for example %s.", example)
	}
	for _, name := range named {
		if other, ok := otherThan(code, name); !ok {
			return problem(NotANumber, "Write the amount in digits, for example %s.", example)
		} else if other != "" {
			return problem(OtherCurrency, "This amount is in %s, and the currency chosen is %s. Change one of them.", other, code)
		}
	}
	exponent := Exponent(code)
	switch {
	case negative:
		return problem(Negative, "Enter an amount above zero, without a minus sign.")
	case form == noForm:
		sign := "point"
		if in == commaTyped {
			sign = "comma"
		}
		return problem(Separator, "Write it with a %s before the decimals, and the thousands not apart: %s.", sign, example)
	case in == commaInFile && form == eitherPoint:
		return problem(Ambiguous, "“%s%s%s” can be read in two ways. Write the decimals after a comma, and no point.", whole, grouped, decimals)
	case in == commaInFile: // and what is behind a comma is decimals, as split has it
	case (form == eitherPoint || form == eitherComma) && exponent == 0, form == in.thousands() && exponent <= 2:
		whole, decimals = whole+decimals, ""
	case (form == eitherPoint || form == eitherComma) && exponent <= 2, form == in.thousands():
		return Amount{}, ambiguous(whole, decimals, code, grouped, in)
	}
	if len(decimals) > exponent {
		if exponent == 0 {
			return problem(TooManyDecimals, "%s has no decimals. Write a whole number, for example %s.", code, example)
		}
		return problem(TooManyDecimals, "%s has %d decimals at most, for example %s.", code, exponent, example)
	}
	amount, ok := amountOf(whole, decimals, code)
	switch {
	case !ok:
		return problem(OverLimit, "Enter %s at most.", in.written(Amount{Max, code}))
	case amount.IsZero():
		return problem(NotPositive, "Enter an amount above zero.")
	}
	return amount, nil
}

// ambiguous is the error for what is written like 1.234 or 1,234 and may be a thousand or little more than
// one: the one or the other, to the nearest amount that there is.
func ambiguous(whole, decimals, code, sign string, in notation) error {
	thousands, _ := amountOf(whole+decimals, "", code) // six digits are within the limit
	exponent := Exponent(code)
	kept := decimals[:min(len(decimals), exponent)]
	little, _ := amountOf(whole, kept, code)
	if exponent < len(decimals) && decimals[exponent] >= '5' {
		little.Minor++
	}
	return &ParseError{Problem: Ambiguous, Readings: []Amount{thousands, little}, message: fmt.Sprintf(
		"%s%s%s can be read in two ways. Write %s or %s.", whole, sign, decimals, in.example(thousands), in.example(little))}
}

// amountOf makes an amount of digits; false beyond Max.
func amountOf(whole, decimals, code string) (Amount, bool) {
	minor, err := strconv.ParseInt(whole+decimals+strings.Repeat("0", Exponent(code)-len(decimals)), 10, 64)
	return Amount{minor, code}, err == nil && minor <= Max // out of range is the only error
}

// ProblemOf returns what Parse found, or "" if err is not from Parse.
func ProblemOf(err error) Problem {
	if parse, ok := errors.AsType[*ParseError](err); ok {
		return parse.Problem
	}
	return ""
}

// ReadingsOf returns the two amounts that an Ambiguous text may be, the larger first; none for every other
// error.
func ReadingsOf(err error) []Amount {
	if parse, ok := errors.AsType[*ParseError](err); ok {
		return parse.Readings
	}
	return nil
}

// bare is a text without what stands around a number: spaces, what cannot be seen, and names of currencies,
// which it returns. Wide digits, spaces and signs are the ordinary ones in it; a minus is its first
// character. isText is false for what is no text of one line, or looks like another number than it is.
func bare(typed string) (number string, named []string, isText bool) {
	if len(typed) > longest { // digits beyond counting are a number still
		return strings.Trim(typed, " \t\r\n"), nil, true
	}
	number, wrong := text.Line(typed)
	isText = (wrong == "" || wrong == text.Direction) && !strings.ContainsFunc(typed, misleads)
	number = text.Visibly(norm.NFKC.String(strings.ReplaceAll(number, "´", "'")))
	number = strings.NewReplacer("\u2212", "-", "’", "'", "‘", "'", "\u02bc", "'", "ʹ", "'", "′", "'").Replace(number)
	sign := ""
	for {
		number = strings.TrimSpace(number)
		if rest, minus := strings.CutPrefix(number, "-"); minus && sign == "" {
			number, sign = rest, "-"
			continue
		}
		start := strings.IndexFunc(number, digit)
		if start < 0 {
			break
		}
		end := strings.LastIndexFunc(number, digit) + 1
		before, after := number[:start], number[end:]
		if name := strings.TrimSpace(strings.TrimRight(before, "-")); name != "" {
			if strings.HasSuffix(before, "-") && sign == "" {
				sign = "-"
			}
			named, number = append(named, name), number[start:]
			continue
		}
		if name := strings.TrimSpace(after); name != "" {
			named, number = append(named, name), number[:end]
			continue
		}
		break
	}
	return sign + number, named, isText
}

// misleads reports whether a character makes a number look like another one than it would be read as: small
// and circled digits and fractions, which "9⁹⁹" has for 9.99, and what turns the order of those behind it.
func misleads(r rune) bool { return unicode.Is(unicode.No, r) || r == '\u202e' }

func digit(r rune) bool { return r >= '0' && r <= '9' }

// The forms of a number.
const (
	noNumber    = iota // it has more than digits and separators
	noForm             // its separators are nobody's
	clear              // one reading
	eitherPoint        // 1.234
	eitherComma        // 1,234
)

// split takes a number apart: the digits before and after the decimal sign, and the one separator where it
// may be either kind.
func split(number string) (whole, decimals, sign string, form int) {
	if number == "" || !digit(rune(number[0])) || !digit(rune(number[len(number)-1])) {
		return "", "", "", noNumber
	}
	var groups, signs []string
	for rest := number; ; {
		end := strings.IndexFunc(rest, func(r rune) bool { return !digit(r) })
		if end < 0 {
			groups = append(groups, rest)
			break
		}
		groups, signs = append(groups, rest[:end]), append(signs, rest[end:end+1])
		if !strings.Contains(".,' ", rest[end:end+1]) {
			return "", "", "", noNumber
		}
		rest = rest[end+1:]
		if rest == "" || !digit(rune(rest[0])) {
			return "", "", "", noForm
		}
	}
	last := len(signs) - 1
	switch {
	case last < 0:
		return number, "", "", clear
	case thousands(groups, signs):
		if form = clear; last == 0 && signs[0] == "." {
			return groups[0], groups[1], ".", eitherPoint
		} else if last == 0 && signs[0] == "," {
			return groups[0], groups[1], ",", eitherComma
		}
		return strings.Join(groups, ""), "", "", form
	case len(groups[0]) > 1 && groups[0][0] == '0' && len(groups[last+1]) == 3: // "001,234": a thousand of a fixed width, or decimals
		return "", "", "", noForm
	case signs[last] != "." && signs[last] != "," || slices.Contains(signs[:last], signs[last]) || last > 0 && !thousands(groups[:last+1], signs[:last]):
		return "", "", "", noForm
	}
	return strings.Join(groups[:last+1], ""), groups[last+1], "", clear
}

// thousands reports whether groups of digits are the thousands of one number: three each but the first, and
// one kind of sign between them.
func thousands(groups, signs []string) bool {
	for i, group := range groups {
		if i > 0 && (len(group) != 3 || signs[i-1] != signs[0]) {
			return false
		}
	}
	return len(groups[0]) <= 3 && groups[0][0] != '0'
}
