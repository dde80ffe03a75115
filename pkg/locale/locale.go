// Package locale writes numbers, amounts and dates as a reader's language has them, and reads back what
// people type. The words around them are English for everybody.
//
// A text for people is often made before anybody knows who reads it: a row is rendered once and pushed to
// all. So what makes such a text marks what is to be written out ([Amount], [Count], [Percent], [Day],
// [ToTheMinute], [ToTheSecond]): it stands there in English, between two characters that nobody sees. Whoever
// gives the text to a reader has their [Locale] write it out.
package locale

import (
	"regexp"
	"strings"
	"time"

	"github.com/bojanz/currency"
	"golang.org/x/text/language"

	"countersign.example/pkg/money"
)

// Locale is a language, or a language of a country, as BCP 47 names it. One that is not known is [English].
type Locale string

// English is what everybody gets whose browser asks for nothing that is known.
const English Locale = "en"

// shape is how a locale writes numbers and dates, as CLDR has it.
type shape struct {
	day     string // in the words of time.Format
	months  string // in place of Jan, Feb ...
	percent string // behind the number

	group, decimal string // read from the data of package currency
	grouped        int    // the fewest digits that are grouped
}

const (
	english    = "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec"
	french     = "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."
	spanish    = "ene feb mar abr may jun jul ago sept oct nov dic"
	portuguese = "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez."
)

var shapes = map[Locale]*shape{
	English: {day: "2 Jan 2006", months: english, percent: "%"},
	"de":    {day: "02.01.2006", percent: "\u00a0%"},
	"de-AT": {day: "02.01.2006", percent: "\u00a0%"},
	"de-CH": {day: "02.01.2006", percent: "%"},
	"fr":    {day: "2 Jan 2006", months: french, percent: "\u00a0%"},
	"es":    {day: "2 Jan 2006", months: spanish, percent: "\u00a0%"},
	"es-MX": {day: "2 Jan 2006", months: strings.Replace(spanish, "sept", "sep", 1), percent: "%"},
	"pt":    {day: "2 de Jan de 2006", months: portuguese, percent: "%"},
	"pt-PT": {day: "02/01/2006", percent: "%"},
	"ja":    {day: "2006/01/02", percent: "%"},
}

func init() {
	for name, s := range shapes {
		f := currency.NewFormatter(currency.NewLocale(string(name)))
		f.CurrencyDisplay = currency.DisplayNone
		write := func(number string) string {
			amount, _ := currency.NewAmount(number, "EUR")
			return f.Format(amount)
		}
		long := write("1234567.89") // with the signs between the digits
		s.group, _, _ = strings.Cut(strings.TrimPrefix(long, "1"), "234")
		s.decimal = strings.TrimSuffix(long[strings.Index(long, "567")+3:], "89")
		if s.grouped = 4; !strings.Contains(write("1234.00"), s.group) {
			s.grouped = 5
		}
	}
}

// Known are all locales that are told apart.
func Known() []Locale {
	var all []Locale
	for name := range shapes {
		all = append(all, name)
	}
	return all
}

// alike are countries that write numbers as another one does, and not as most of their language do. CLDR has
// the point before the decimals in most of Spanish America.
var alike = map[Locale]Locale{
	"de-LI": "de-CH", "es-419": "es-MX", "es-BZ": "es-MX", "es-CU": "es-MX", "es-DO": "es-MX", "es-GT": "es-MX", "es-HN": "es-MX",
	"es-NI": "es-MX", "es-PA": "es-MX", "es-PE": "es-MX", "es-PR": "es-MX", "es-SV": "es-MX", "es-US": "es-MX",
}

// Of is the best that a browser asks for in Accept-Language: the first that is known by itself, by a country
// that is alike, or by its language, in the order of their weights.
func Of(acceptLanguage string) Locale {
	tags, weights, _ := language.ParseAcceptLanguage(acceptLanguage) // sorted; none where it cannot be read
	for i, tag := range tags {
		base, sure := tag.Base()
		if weights[i] == 0 || sure == language.No {
			continue
		}
		region, _ := tag.Region()
		own := Locale(base.String() + "-" + region.String())
		for _, name := range []Locale{own, alike[own], Locale(base.String())} {
			if shapes[name] != nil {
				return name
			}
		}
	}
	return English
}

func (l Locale) shape() *shape {
	if s := shapes[l]; s != nil {
		return s
	}
	return shapes[English]
}

// What is to be written out stands between INVISIBLE SEPARATOR and INVISIBLE PLUS, which no reader would miss
// where nobody writes it out.
const (
	from = "\u2063"
	to   = "\u2064"
)

func marked(text string) string {
	if text == "" {
		return ""
	}
	return from + text + to
}

// Amount is an amount in a text: "1,250.00 EUR".
func Amount(a money.Amount) string { return marked(a.String()) }

// Sum is a sum in a text, as an amount is.
func Sum(s money.Sum) string { return marked(s.String()) }

// Number is an amount without its currency.
func Number(a money.Amount) string {
	number, _, _ := strings.Cut(a.String(), " ")
	return marked(number)
}

// Input is an amount in a field, which [Locale.Parse] reads back: "1250.00".
func Input(a money.Amount) string { return marked(a.Decimal()) }

// Count is a whole number in a text.
func Count[N int | int64](n N) string {
	return Number(money.Amount{Minor: int64(n), Currency: "JPY"}) // which has no decimals
}

// Percent is a percentage in a text: "12.5%".
func Percent(percent string) string { return marked(percent) }

const (
	day    = "2 Jan 2006"
	minute = day + ", 15:04 UTC"
	second = day + ", 15:04:05 UTC"
)

// Day is a date in a text.
func Day(t time.Time) string { return marked(t.UTC().Format(day)) }

// ToTheMinute is a time in a text.
func ToTheMinute(t time.Time) string { return marked(t.UTC().Format(minute)) }

// ToTheSecond is a time in a text.
func ToTheSecond(t time.Time) string { return marked(t.UTC().Format(second)) }

// What the functions above mark, and nothing that people type can be made to look like.
var written = regexp.MustCompile(from + `(?:(-?[0-9,]+(?:\.[0-9]+)?)(%| [A-Z]{3})?|([0-9]+ [A-Z][a-z]{2} [0-9]{4})(, [0-9:]+ UTC)?)` + to)

// Write writes out all that is marked in a text.
func (l Locale) Write(text string) string {
	s := l.shape()
	var b strings.Builder
	last := 0
	for _, at := range written.FindAllStringSubmatchIndex(text, -1) {
		part := func(i int) string { return text[max(0, at[2*i]):max(0, at[2*i+1])] }
		b.WriteString(text[last:at[0]])
		last = at[1]
		if t, err := time.Parse(day, part(3)); err == nil {
			b.WriteString(s.date(t) + part(4))
			continue
		}
		b.WriteString(s.number(part(1)) + strings.Replace(part(2), "%", s.percent, 1))
	}
	return b.String() + text[last:]
}

func (s *shape) date(t time.Time) string {
	written := t.Format(s.day)
	if s.months == "" {
		return written
	}
	return strings.Replace(written, t.Format("Jan"), strings.Fields(s.months)[t.Month()-1], 1)
}

// number writes "-1,234.50" with the locale's signs.
func (s *shape) number(english string) string {
	whole, decimals, point := strings.Cut(english, ".")
	if strings.Count(whole, "")-1-strings.Count(whole, ",")-strings.Count(whole, "-") < s.grouped {
		whole = strings.ReplaceAll(whole, ",", "")
	} else {
		whole = strings.ReplaceAll(whole, ",", s.group)
	}
	if point {
		whole += s.decimal
	}
	return whole + decimals
}

// Point is what was typed as a decimal number, with a point for the locale's sign: "12.5" for "12,5". Where
// that sign is the point, a comma stays.
func (l Locale) Point(typed string) string {
	if l.shape().decimal == "," && strings.Count(typed, ",") == 1 && !strings.Contains(typed, ".") {
		return strings.Replace(typed, ",", ".", 1)
	}
	return typed
}

// Parse reads an amount that somebody typed. What the locale writes is read as that amount, or asked back.
func (l Locale) Parse(typed, code string) (money.Amount, error) {
	return money.ParseTyped(typed, code, l.shape().decimal == ",")
}
