package catalog

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"countersign.example/pkg/money"
)

// The longest texts, in characters.
const (
	MaxName  = 200
	MaxSKU   = 60
	MaxEmail = 200
)

// Problem is what is wrong with a field, in words for the person who typed it.
type Problem struct{ Field, Message string }

// CheckProduct says what is wrong with what a product is to be; nothing if it can be one.
func CheckProduct(sku, name string, price money.Amount) (wrong []Problem) {
	wrong = append(line("name", "a name", name, MaxName), line("sku", "an SKU", sku, MaxSKU)...)
	if !money.IsKnown(price.Currency) {
		wrong = append(wrong, Problem{"currency", "Choose a currency from the list."})
	}
	if price.Minor < 1 || price.Minor > money.Max {
		wrong = append(wrong, Problem{"price", fmt.Sprintf("Enter a price above zero, and %s at most.", money.Amount{Minor: money.Max, Currency: price.Currency})})
	}
	return wrong
}

// CheckCustomer says what is wrong with what a customer is to be; nothing if it can be one.
func CheckCustomer(name, email string) (wrong []Problem) {
	wrong = append(line("name", "a name", name, MaxName), line("email", "an e-mail address", email, MaxEmail)...)
	if before, after, at := strings.Cut(email, "@"); len(wrong) == 0 && (!at || before == "" || after == "" || strings.ContainsAny(email, " \t<>,;") || strings.Contains(after, "@")) {
		wrong = append(wrong, Problem{"email", "Enter an e-mail address, for example office@example.com."})
	}
	return wrong
}

// line checks a text of one line.
func line(field, what, text string, most int) []Problem {
	switch {
	case text == "":
		return []Problem{{field, fmt.Sprintf("Enter %s.", what)}}
	case strings.TrimSpace(text) != text:
		return []Problem{{field, "Leave the spaces around it out."}}
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return []Problem{{field, "Use letters, digits and signs in one line."}}
	case utf8.RuneCountInString(text) > most:
		return []Problem{{field, fmt.Sprintf("Write %d characters at most.", most)}}
	}
	return nil
}

// Key is how SKUs, and e-mail addresses, are told apart: in small letters.
func Key(text string) string { return strings.ToLower(text) }
