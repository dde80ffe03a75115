// Package search cuts texts into words to be found by, in the same way when they are written and when they are searched for.
//
// PostgreSQL's own parser does neither: it depends on the database's locale, and takes 2026/11/42 for a file.
package search

import (
	"regexp"
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

// number is one such as 2026/11/000042. It is a word as a whole, too: by its first parts alone half of all rows would be found.
// asked is the beginning of one, as far as it has its zeros: who types 2026/11/42 means 000042.
var (
	number = regexp.MustCompile(`^[0-9]+(/[0-9]+)+$`)
	asked  = regexp.MustCompile(`^[0-9]+(/[0-9]+)*/(0[0-9]*)?$`)
)

// Words cuts texts into their runs of letters and digits, and numbers with strokes, in small letters, each once.
func Words(texts ...string) []string {
	text := strings.ToLower(strings.Join(texts, " "))
	found := runs(text)
	for _, w := range strings.Fields(text) {
		if number.MatchString(w) {
			found = append(found, w)
		}
	}
	return each(found)
}

func runs(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
}

// each is words, none too long, each once.
func each(found []string) []string {
	for i, w := range found {
		if runes := []rune(w); len(runes) > maxWord {
			found[i] = string(runes[:maxWord])
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Join is Words for a column, of which array_to_tsvector(string_to_array(words, ' ')) makes what is searched.
func Join(texts ...string) string { return strings.Join(Words(texts...), " ") }

// Mark is a word beside those of Join that nobody can type: that a row is somebody's, so that a search need not read another's rows.
func Mark(owner string) string { return "@" + strings.Join(strings.Fields(owner), "_") }

// Marked is Join with a mark besides.
func Marked(mark string, texts ...string) string {
	return strings.Join(append(Words(texts...), mark), " ")
}

// Query is a tsquery for rows that have, for every word of text, one that begins with it, and all of marks; "" if there is no
// word, which finds nothing.
func Query(text string, marks ...string) string {
	var found []string
	for _, w := range strings.Fields(strings.ToLower(text)) {
		if asked.MatchString(w) {
			found = append(found, w)
		} else {
			found = append(found, runs(w)...)
		}
	}
	if found = each(found); len(found) == 0 {
		return ""
	}
	terms := make([]string, 0, len(marks)+len(found))
	for _, m := range marks {
		terms = append(terms, "'"+strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(m)+"'")
	}
	for _, w := range found[:min(len(found), maxSearchWords)] {
		terms = append(terms, "'"+w+"':*") // a word has neither quotes nor backslashes
	}
	return strings.Join(terms, " & ")
}

// IDRange is the range of ids that begin with text; ok if text looks like the beginning of an id.
func IDRange(text string) (from, to string, ok bool) {
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
