package catalog

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
)

// The longest texts, in characters.
const (
	MaxName  = 200
	MaxSKU   = 60
	MaxEmail = 200
)

// Problem is what is wrong with a field. Its message is for the person who typed it.
type Problem struct{ Field, Message string }

// CheckProduct returns what is wrong with the values of a product; nothing if they can be stored.
func CheckProduct(sku, name string, price money.Amount) (wrong []Problem) {
	wrong = append(line("name", "a name", name, MaxName), line("sku", "an SKU", sku, MaxSKU)...)
	if !money.IsKnown(price.Currency) {
		wrong = append(wrong, Problem{"currency", "Choose a currency from the list."})
	}
	if price.Minor < 1 || price.Minor > money.Max {
		most := money.Amount{Minor: money.Max, Currency: price.Currency}
		wrong = append(wrong, Problem{"price", fmt.Sprintf("Enter a price above zero, and %s at most.", locale.Amount(most))})
	}
	return wrong
}

// CheckCustomer returns what is wrong with the values of a customer; nothing if they can be stored.
func CheckCustomer(name, email string) (wrong []Problem) {
	wrong = append(line("name", "a name", name, MaxName), line("email", "an e-mail address", email, MaxEmail)...)
	before, after, at := strings.Cut(email, "@")
	isAddress := at && before != "" && after != "" && !strings.ContainsAny(email, " \t<>,;") && !strings.Contains(after, "@")
	if len(wrong) == 0 && !isAddress {
		wrong = append(wrong, Problem{"email", "Enter an e-mail address, for example office@example.com."})
	}
	return wrong
}

// line checks a text of one line, by the rules of package text.
func line(field, what, typed string, most int) []Problem {
	kept, wrong := text.Line(typed)
	if field != "name" {
		kept, _ = text.Code(typed)
	}
	switch {
	case kept == "" && wrong == "":
		return []Problem{{field, fmt.Sprintf("Enter %s.", what)}}
	case wrong != "":
		return []Problem{{field, wrong.Message()}}
	case kept != typed && strings.TrimSpace(typed) != typed:
		return []Problem{{field, "Leave the spaces around it out."}}
	case kept != typed:
		return []Problem{{field, "Leave out what cannot be seen, and write accented letters as one character."}}
	case utf8.RuneCountInString(typed) > most:
		return []Problem{{field, fmt.Sprintf("Write %s characters at most.", locale.Count(most))}}
	}
	return nil
}

// CleanProduct cleans the texts of a product, for CheckProduct. A wrong text stays as it is.
func CleanProduct(sku, name string) (string, string) {
	return clean(sku, text.Code), clean(name, text.Line)
}

// CleanCustomer cleans the texts of a customer, for CheckCustomer. A wrong text stays as it is.
func CleanCustomer(name, email string) (string, string) {
	return clean(name, text.Line), clean(email, text.Code)
}

// clean cleans a text, and returns a wrong one as it is.
func clean(typed string, read func(string) (string, text.Problem)) string {
	if kept, wrong := read(typed); wrong == "" {
		return kept
	}
	return typed
}

// Key is what SKUs, and e-mail addresses, are compared by: it ignores their case and width.
func Key(s string) string { return text.Key(s) }
