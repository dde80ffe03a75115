package text

import (
	"unicode"
	"unicode/utf8"
)

// Capital is a text that begins with a capital letter.
func Capital(text string) string { return first(text, unicode.ToUpper) }

// Small is a text that begins with a small letter.
func Small(text string) string { return first(text, unicode.ToLower) }

func first(text string, to func(rune) rune) string {
	r, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(to(r)) + text[size:]
}
