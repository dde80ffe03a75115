package order

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

// Product is a product of the catalog, as it is now.
type Product struct {
	ID, SKU, Name string
	Price         money.Amount
	Archived      bool
}

// QuotedLine is a line at the current price.
type QuotedLine struct {
	Line
	Was      money.Amount // the price when it was added, if that is another one; else zero
	Archived bool         // the product cannot be ordered any more
}

// Quoted is what an order would cost now.
type Quoted struct {
	Lines                     []QuotedLine
	Subtotal, Discount, Total money.Amount
}

// Quote is what a submit of lines would freeze now. A product that current lacks counts as archived, at its
// line's price. The error is a *Refusal of what is too much or in several currencies.
func Quote(lines []Line, current map[string]Product, basisPoints int64) (Quoted, error) {
	var q Quoted
	now := make([]Line, 0, len(lines))
	for _, l := range lines {
		p, known := current[l.ProductID]
		quoted := QuotedLine{Line: l, Archived: !known || p.Archived}
		if known && p.Price != l.Price {
			quoted.Was, quoted.Price = l.Price, p.Price
		}
		if quoted.Quantity < 1 || quoted.Quantity > MaxQuantity || quoted.Price.Minor < 0 || quoted.Price.Minor > money.Max {
			return Quoted{}, tooMuch(TypeSubmitted, quoted.Price.Currency)
		}
		quoted.Total = times(quoted.Price, l.Quantity)
		q.Lines, now = append(q.Lines, quoted), append(now, quoted.Line)
	}
	if len(now) == 0 {
		return q, nil
	}
	subtotal, refusal := sumOf(now)
	if refusal != nil {
		refusal.Tried = TypeSubmitted
		return Quoted{}, refusal
	}
	q.Subtotal, q.Total = subtotal, subtotal
	q.Discount = DiscountOf(subtotal, basisPoints)
	q.Total.Minor -= q.Discount.Minor
	return q, nil
}

// DiscountOf is basisPoints hundredths of a percent of an amount that is not negative, with half a minor unit
// rounded up. The product is 128 bits wide, so that nothing wraps.
func DiscountOf(subtotal money.Amount, basisPoints int64) money.Amount {
	if subtotal.Minor <= 0 || basisPoints <= 0 {
		return money.Zero(subtotal.Currency)
	}
	high, low := bits.Mul64(uint64(subtotal.Minor), uint64(min(basisPoints, 10_000)))
	low, carry := bits.Add64(low, 5_000, 0)
	quotient, _ := bits.Div64(high+carry, low, 10_000)
	return money.Amount{Minor: int64(quotient), Currency: subtotal.Currency} // at most the subtotal
}

// sum brings a draft's totals up to date; refuses has checked that they fit.
func (o *Order) sum() {
	o.Subtotal, o.Total = money.Amount{}, money.Amount{}
	if len(o.Lines) == 0 {
		return
	}
	if subtotal, refusal := sumOf(o.Lines); refusal == nil {
		o.Subtotal, o.Total = subtotal, subtotal
		o.Total.Minor -= DiscountOf(subtotal, o.BasisPoints).Minor
	}
}

// with returns lines after an addition. The whole quantity of the product gets the latest price.
func with(lines []Line, b ItemAdded) []Line {
	lines = slices.Clone(lines)
	i := slices.IndexFunc(lines, func(l Line) bool { return l.ProductID == b.ProductID })
	if i < 0 {
		lines, i = append(lines, Line{ProductID: b.ProductID}), len(lines)
	}
	l := &lines[i]
	l.SKU, l.Name, l.Price = b.SKU, b.Name, b.Price
	l.Quantity += b.Quantity
	l.Total = times(l.Price, l.Quantity)
	return lines
}

// without returns lines after a removal. A line with no quantity left is removed.
func without(lines []Line, b ItemRemoved) []Line {
	left := make([]Line, 0, len(lines))
	for _, l := range lines {
		if l.ProductID == b.ProductID {
			l.Quantity -= b.Quantity
			l.Total = times(l.Price, l.Quantity)
		}
		if l.Quantity > 0 {
			left = append(left, l)
		}
	}
	return left
}

// times is the price of a quantity. Prices are money.Max and quantities MaxQuantity at most:
// their product is a hundredth of what an int64 holds.
func times(price money.Amount, quantity int64) money.Amount {
	return money.Amount{Minor: price.Minor * quantity, Currency: price.Currency}
}

// sumOf adds up the totals of one line or more. They must have one currency, and their sum is money.Max at
// most.
func sumOf(lines []Line) (money.Amount, *Refusal) {
	sum := money.Zero(lines[0].Price.Currency)
	for _, l := range lines {
		if l.Price.Currency != sum.Currency || l.Total.Currency != sum.Currency {
			return sum, refused(CurrencyDiffers, "",
				fmt.Sprintf("an order has one currency, and this one has %s and %s", sum.Currency, l.Price.Currency))
		}
		if l.Total.Minor < 0 || l.Total.Minor > money.Max-sum.Minor {
			return sum, tooMuch("", sum.Currency)
		}
		sum.Minor += l.Total.Minor
	}
	return sum, nil
}

func tooMuch(tried, currency string) *Refusal {
	return refused(TooMuch, tried, "the order would be more than "+locale.Amount(money.Amount{Minor: money.Max, Currency: currency}))
}

// refusesItem returns why a quantity more of a product does not fit into the draft; nil if it fits.
func (o Order) refusesItem(b ItemAdded) *Refusal {
	line, there := o.Line(b.ProductID)
	switch {
	case line.Quantity+b.Quantity > MaxQuantity:
		return refused(TooMuch, b.EventType(),
			fmt.Sprintf("an order has %s of one product at most, and this one has %s", locale.Count(MaxQuantity), locale.Count(line.Quantity)))
	case !there && len(o.Lines) >= MaxLines:
		return refused(TooMuch, b.EventType(), fmt.Sprintf("an order has %s products at most", locale.Count(MaxLines)))
	}
	_, refusal := sumOf(with(o.Lines, b))
	if refusal == nil {
		return nil
	}
	refusal.Tried = b.EventType()
	if refusal.Code == CurrencyDiffers {
		refusal.Message = fmt.Sprintf("this order is in %s, and %s costs %s", o.Subtotal.Currency, b.Name, locale.Amount(b.Price))
	}
	return refusal
}

func notThatMany(line Line) *Refusal {
	message := "there are none of it in the order"
	if line.Quantity > 0 {
		message = fmt.Sprintf("there are only %s of it in the order", locale.Count(line.Quantity))
	}
	return refused(NotThatMany, TypeItemRemoved, message)
}

// refusesTotals returns why the frozen totals are not those of the frozen lines; nil if they are.
func refusesTotals(b Submitted) *Refusal {
	for i, l := range b.Lines {
		earlier := func(m Line) bool { return m.ProductID == l.ProductID }
		if l.Total != times(l.Price, l.Quantity) || slices.ContainsFunc(b.Lines[:i], earlier) {
			return refused(WrongTotal, b.EventType(), "its lines do not add up")
		}
	}
	subtotal, refusal := sumOf(b.Lines)
	if refusal != nil {
		refusal.Tried = b.EventType()
		return refusal
	}
	total := subtotal
	total.Minor -= DiscountOf(subtotal, b.BasisPoints).Minor
	if b.Subtotal != subtotal || b.Total != total {
		return refused(WrongTotal, b.EventType(), "its total is not that of its lines")
	}
	return nil
}

// ParsePercent reads a discount as people type it, "12.5" or "12.5 %", in hundredths of a percent. Its error
// is a *Refusal with what to type instead.
func ParsePercent(text string) (basisPoints int64, err error) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%"))
	wrong := func(message string) (int64, error) { return 0, invalid(TypeDiscountSet, "basis_points", message) }
	whole, decimals, point := strings.Cut(text, ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	switch {
	case text == "":
		return wrong("Enter a percentage, for example " + locale.Percent("12.5%") + ".")
	case strings.Contains(text, ","):
		return wrong("Write the decimals like this: " + locale.Percent("12.5%") + ".")
	case strings.HasPrefix(text, "-") && digits(strings.Replace(text[1:], ".", "", 1)):
		return wrong("Enter a discount above 0 and below 100 percent.")
	case !digits(whole) || (point && !digits(decimals)):
		return wrong("Enter a percentage in digits, for example " + locale.Percent("12.5%") + ".")
	case len(strings.TrimRight(decimals, "0")) > 2:
		return wrong("Enter two decimals at most, for example " + locale.Percent("33.33%") + ".")
	}
	decimals = (strings.TrimRight(decimals, "0") + "00")[:2]
	if whole = strings.TrimLeft(whole, "0"); len(whole) <= 2 {
		basisPoints, _ = strconv.ParseInt(whole+decimals, 10, 64)
	}
	if basisPoints < 1 {
		return wrong("Enter a discount above 0 and below 100 percent.")
	}
	return basisPoints, nil
}

// Percent is a discount as people read it: "12.5%".
func Percent(basisPoints int64) string {
	text := fmt.Sprintf("%d.%02d", basisPoints/100, basisPoints%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}
