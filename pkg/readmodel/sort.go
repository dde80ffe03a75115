package readmodel

import (
	"fmt"

	"countersign.example/pkg/money"
)

// ByMoney is an order of amounts, by the columns of their currencies and of their minor units. Those of one
// currency follow each other: which of two currencies' amounts is more, nobody knows.
func ByMoney(name, currency, minor string) Sort {
	return Sort{Name: name, SQL: fmt.Sprintf(`((%s || lpad(%s::text, 19, '0')) collate "C")`, currency, minor), Type: "text"}.OfMoney(currency, minor)
}

// OfMoney says what as SQL has a row's currency and its minor units, of an order that is ByMoney but for rows
// that have none.
func (s Sort) OfMoney(currency, minor string) Sort {
	s.currency, s.minor = currency, minor
	return s
}

// AtLeast selects the amounts of a currency from one on, by an order that is ByMoney.
func (s Sort) AtLeast(a money.Amount) Condition {
	return s.amounts(">=", MoneyKey(a), lowestID, fmt.Sprintf("%s = ? and %s >= ?", s.currency, s.minor), a.Currency, a.Minor)
}

// AtMost selects the amounts of a currency up to one.
func (s Sort) AtMost(a money.Amount) Condition {
	return s.amounts("<=", MoneyKey(a), highestID, fmt.Sprintf("%s = ? and %s <= ?", s.currency, s.minor), a.Currency, a.Minor)
}

// UpTo selects what comes before the end of a currency.
func (s Sort) UpTo(currency string) Condition {
	return s.amounts("<", currency+":", lowestID, s.currency+" <= ?", currency) // ":" comes after the digits
}

const (
	lowestID  = "00000000-0000-0000-0000-000000000000"
	highestID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
)

func (s Sort) amounts(than, key, id, atHand string, args ...any) Condition {
	c := Where(s.SQL+" "+than+" ?", key).On(s.SQL)
	plain, placed := Where(atHand, args...), Where(fmt.Sprintf("(%s, id) %s (?, ?::uuid)", s.SQL, than), key, id)
	c.atHand, c.inOrder = &plain, &placed
	return c
}

// MoneyKey is what ByMoney has of an amount.
func MoneyKey(a money.Amount) string { return fmt.Sprintf("%s%019d", a.Currency, a.Minor) }

// ByText is the order of an alphabet, by the beginning of a column.
func ByText(name, column string) Sort {
	return Sort{Name: name, SQL: fmt.Sprintf(`(left(%s, %d) collate "und-x-icu")`, column, sortLength), Type: "text"}
}

// TextKey is what ByText has of a text.
func TextKey(text string) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), sortLength)])
}

// InAllTabs is the order by an index that has the rows of all tabs.
func (s Sort) InAllTabs() Sort {
	s.OfAll = true
	return s
}

// Backwards is the order from its other end.
func (s Sort) Backwards() Sort {
	s.Desc = !s.Desc
	return s
}

// direction is how SQL says which way the order goes.
func (s Sort) direction(backwards bool) string {
	if s.Desc != backwards {
		return " desc"
	}
	return ""
}

// order is how SQL orders rows by a key, and by their ids where it is the same.
func (s Sort) order(key string, backwards bool) string {
	direction := s.direction(backwards)
	return key + direction + ", id" + direction
}

// behind selects what comes behind a place.
func (s Sort) behind(p Place, backwards bool) Condition {
	than := ">"
	if s.direction(backwards) != "" {
		than = "<"
	}
	return Where(fmt.Sprintf("(%s, id) %s (?::%s, ?::uuid)", s.SQL, than, s.Type), p.Key, p.ID)
}
