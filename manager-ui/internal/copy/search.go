package copy

import (
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"
)

const (
	maxWord        = 60 // characters of a word that are searched; PostgreSQL refuses a lexeme of 2 KB
	maxSearchWords = 10
	minIDPrefix    = 6 // hexadecimal digits from which on a word may be the beginning of an id
)

// words cuts a text into its runs of letters and digits, in lower case, each once.
func words(text string) []string {
	found := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
	for i, w := range found {
		if runes := []rune(w); len(runes) > maxWord {
			found[i] = string(runes[:maxWord])
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func joinWords(text string) string { return strings.Join(words(text), " ") }

// tsquery asks for rows that have, for every word of text, one that begins with it; "" if there is no word.
func tsquery(text string) string {
	found := words(text)
	if len(found) > maxSearchWords {
		found = found[:maxSearchWords]
	}
	for i, w := range found {
		found[i] = "'" + w + "':*" // a word has neither quotes nor backslashes
	}
	return strings.Join(found, " & ")
}

// idRange is the range of ids that begin with text; ok if text looks like the beginning of an id.
func idRange(text string) (from, to string, ok bool) {
	digits := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(text)), "-", "")
	if len(digits) < minIDPrefix || len(digits) > 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", "", false
	}
	low, err := uuid.Parse(digits + strings.Repeat("0", 32-len(digits)))
	if err != nil {
		return "", "", false
	}
	high, err := uuid.Parse(digits + strings.Repeat("f", 32-len(digits)))
	return low.String(), high.String(), err == nil
}
