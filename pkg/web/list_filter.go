package web

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/readmodel"
)

// filterFields are the fields of a list's filter, and its parameters.
var filterFields = []string{"from", "to", "currency", "least", "most"}

// readFilter makes conditions of what is typed into the filter: days in UTC, and amounts as people write
// them, in the currency that is chosen.
func (l *List) readFilter(c echo.Context) {
	l.Filter = NewForm(map[string]string{})
	l.Filter.locale = LocaleOf(c)
	for _, name := range filterFields {
		if picked := c.QueryParam(offered + name); picked != "" {
			l.parameters[name] = picked // one of the two that an amount may be
		}
		l.Filter.values[name] = l.parameters[name]
	}
	if l.options.Time != "" {
		from, to := l.day("from"), l.day("to")
		if !from.IsZero() && !to.IsZero() && to.Before(from) {
			l.Filter.Fail("to", "The last day is before the first one.")
		}
		if l.Filter.OK() {
			l.days(from, to)
		}
	}
	if l.options.Money.SQL != "" {
		l.amounts()
	}
	l.Narrowed = len(l.Where) > 0
}

func (l *List) day(name string) time.Time {
	typed := l.Filter.Value(name)
	if typed == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, typed)
	if err != nil || day.Year() < 1 {
		l.Filter.Fail(name, "Write the day as year, month and day, for example 2026-11-30.")
	}
	return day
}

func (l *List) days(from, to time.Time) {
	if !from.IsZero() {
		l.filterBy(l.options.Time, ">= ?", from, "From "+locale.Day(from), "from", "")
	}
	if !to.IsZero() {
		l.filterBy(l.options.Time, "< ?", to.AddDate(0, 0, 1), "To "+locale.Day(to), "to", "")
	}
}

// amounts are filtered by ranges of the key that they are sorted by, which begins with the currency.
func (l *List) amounts() {
	currency, least, most := l.Filter.Value("currency"), l.Filter.Value("least"), l.Filter.Value("most")
	switch {
	case currency == "" && least+most == "":
		return
	case currency == "":
		l.Filter.Fail("currency", "Choose the currency that the amounts are in.")
		return
	case !money.IsKnown(currency):
		l.Filter.Fail("currency", "Choose a currency from the list.")
		return
	}
	low, high := l.amount("least", least, currency), l.amount("most", most, currency)
	if low != nil && high != nil && high.Minor < low.Minor {
		l.Filter.Fail("most", "This is less than the other amount.")
	}
	if l.Filter.Error("least")+l.Filter.Error("most") != "" {
		return
	}
	if low == nil {
		low = &money.Amount{Currency: currency}
	}
	l.Where = append(l.Where, l.options.Money.AtLeast(*low))
	if high == nil {
		l.Where = append(l.Where, l.options.Money.UpTo(currency))
	} else {
		l.Where = append(l.Where, l.options.Money.AtMost(*high))
		l.Chips = append(l.Chips, Chip{"At most " + locale.Amount(*high), l.Address("most", "")})
	}
	if least != "" {
		l.Chips = append(l.Chips, Chip{"At least " + locale.Amount(*low), l.Address("least", "")})
	}
	if least+most == "" {
		l.Chips = append(l.Chips, Chip{"In " + currency, l.Address("currency", "")})
	}
}

// amount reads an amount; nil for none, and for one that is wrong.
func (l *List) amount(name, typed, currency string) *money.Amount {
	if typed == "" {
		return nil
	}
	a, err := l.Filter.Amount(typed, currency)
	if err != nil {
		l.Filter.Fail(name, err.Error())
		l.Filter.OfferAmounts(name, money.ReadingsOf(err))
		return nil
	}
	return &a
}

// filterBy adds a condition on what the list has an index by, and unless said is "" what it says, which goes
// with other parameters.
func (l *List) filterBy(by, compared string, value any, said string, without ...string) {
	l.Where = append(l.Where, readmodel.Where(by+" "+compared, value).On(by))
	if said != "" {
		l.Chips = append(l.Chips, Chip{said, l.Address(without...)})
	}
}

// FilterForm is the form of a list's filter: it is sent to the list's own address.
type FilterForm struct {
	Action                          string
	Keep                            map[string]string
	From, To, Currency, Least, Most Field
	Order                           Field
	Choices                         []Field // of the app's own
	Days, Amounts                   bool    // whether it has fields for them
	Note                            string  // about what the filter cannot find
	Open                            bool
	Chips                           []Chip
	Everything                      string
	Found                           string // what is found, in a line; "" where nothing is narrowed
}

// IsEmpty is for a filter that has nothing but the order.
func (f FilterForm) IsEmpty() bool { return !f.Days && !f.Amounts && len(f.Choices) == 0 }

// FilterForm makes the form, with the orders of the list's heads and fields of the app's own. Thing is what the
// list has: "payment".
func (l List) FilterForm(found readmodel.Sums, thing string, heads []Head, own ...Field) FilterForm {
	currencies := []Choice{{"", "Any"}}
	for _, code := range money.Currencies() {
		currencies = append(currencies, Choice{code, code})
	}
	day := func(name, label string) Field {
		f := l.Filter.Field(name, label)
		f.Type = "date"
		if f.Error != "" {
			f.Type = "text" // a field for dates would not show what was typed
		}
		return f
	}
	f := FilterForm{
		Action: l.options.Path, Open: !l.Filter.OK(), Chips: l.Chips, Everything: l.Everything(),
		Days: l.options.Time != "", Amounts: l.options.Money.SQL != "", Note: l.options.Note,
		From: day("from", "From"), To: day("to", "To"), Order: l.orders(heads), Choices: own,
		Currency: l.Filter.Field("currency", "Currency").Select(currencies),
		Least:    l.Filter.Field("least", "At least").Decimal(), Most: l.Filter.Field("most", "At most").Decimal(),
	}
	fields := []string{"sort"}
	if f.Days {
		fields = append(fields, "from", "to")
	}
	if f.Amounts {
		fields = append(fields, "currency", "least", "most")
	}
	for _, field := range own {
		fields = append(fields, field.Name)
	}
	f.Keep = l.Without(fields...)
	if l.IsNarrowed() {
		f.Found = FoundText(found, thing)
	}
	return f
}

// FoundText is how much a list has, as people read it: "312 payments, 48,210.00 EUR".
func FoundText(found readmodel.Sums, thing string) string {
	switch {
	case found.More && found.Count == 0:
		return "None so far"
	case found.More:
		return locale.Count(found.Count) + "+ " + thing + "s"
	}
	parts := []string{locale.Count(found.Count) + " " + thing + "s"}
	if found.Count == 1 {
		parts[0] = "1 " + thing
	}
	for _, amount := range found.Amounts {
		parts = append(parts, locale.Amount(amount))
	}
	if found.Unpriced > 0 && len(found.Amounts) > 0 {
		parts = append(parts, locale.Count(found.Unpriced)+" of them without a fixed total")
	}
	return strings.Join(parts, ", ")
}
