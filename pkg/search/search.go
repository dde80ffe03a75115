// Package search makes what rows are found by, and what finds them: in the same way when they are written and
// when they are searched for.
//
// A text is cut at its spaces, and each piece is found by any part of three characters or more, and by any
// part with something else in it than plain letters and digits; "ab" finds what begins with it. Case, accents
// and width make no difference (text.Fold), and signs are characters like others. PostgreSQL's own parser
// depends on the database's locale and takes 2026/11/42 for a file; so do its trigrams, which see no letters
// but ASCII's in a database of locale C.
//
// Invariants:
//   - What a row is found by is cut into all the ends of its pieces by the SQL function search_lexemes, so
//     that a part of a piece is the beginning of a lexeme.
//   - A row that was just written is found by its text, and nothing is indexed in its transaction; an Indexer
//     does that soon after.
package search

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"countersign.example/pkg/text"
)

const (
	maxWord        = 40 // characters of a piece that are searched; PostgreSQL refuses a lexeme of 2 KB
	maxSearchWords = 10
	maxText        = 16 << 10 // bytes; their ends fit into the 1 MB that PostgreSQL keeps for a row
	minIDPrefix    = 6        // hexadecimal digits from which on a word may be the beginning of an id

	// start stands before what is the beginning of a word.
	start = "^"
	// around are signs that stand around words, and are found alone.
	around = `,.;:!?()[]{}<>"'“”„‘’‚«»‹›…`
)

// number is one such as 2026/11/000042. asked is the beginning of one, as far as it has its zeros: who types
// 2026/11/42 means 000042.
var (
	number = regexp.MustCompile(`^[0-9]+(/[0-9]+)+$`)
	asked  = regexp.MustCompile(`^[0-9]+(/[0-9]+)*/(0[0-9]*)?$`)
	plain  = regexp.MustCompile(`^[a-z0-9]{1,2}$`)
)

// piece is what stands between two spaces: its middle, and the signs around it.
func piece(p string) (middle string, signs []rune) {
	middle = strings.TrimRight(strings.TrimLeft(p, around+"@^"), around) // marks and beginnings begin with @ and ^
	for _, r := range p {
		if strings.ContainsRune(around, r) && (middle == "" || !strings.ContainsRune(middle, r)) {
			signs = append(signs, r)
		}
	}
	return middle, signs
}

func runs(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
}

func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most])
	}
	return s
}

// Words are the pieces of texts and the words inside of them, each once.
func Words(texts ...string) (words []string) {
	for _, p := range pieces(texts) {
		middle, signs := piece(p)
		for _, r := range signs {
			words = append(words, string(r))
		}
		if words = append(words, cut(middle, maxWord)); len(middle) > 0 {
			for _, w := range runs(middle) {
				words = append(words, cut(w, maxWord))
			}
		}
	}
	return each(words)
}

// pieces are those of the first maxText bytes of texts.
func pieces(texts []string) []string {
	all := strings.Fields(strings.ReplaceAll(text.Fold(strings.ToValidUTF8(strings.Join(texts, " "), " ")), "\x00", " "))
	size := 0
	for i, p := range all {
		if size += len(p); size > maxText {
			return all[:i]
		}
	}
	return all
}

// each is words without "", each once.
func each(words []string) []string {
	slices.Sort(words)
	return slices.DeleteFunc(slices.Compact(words), func(w string) bool { return w == "" })
}

// Join is Words for a column, of which search_lexemes makes what is searched.
func Join(texts ...string) string { return strings.Join(Words(texts...), " ") }

// Mark is a word that stands beside those of a text and that nobody can type. It says whose a row is, so that
// a search need not read the rows of others.
func Mark(owner string) string { return "@" + strings.Join(strings.Fields(owner), "_") }

// Later is Join for a column that an Indexer reads, and that is searched as it is until then: each piece
// after a sign for its beginning, of the words inside of it only their beginnings, and the mark last, if
// there is one.
func Later(mark string, texts ...string) string {
	var words []string
	for _, p := range pieces(texts) {
		middle, signs := piece(p)
		for _, r := range signs {
			words = append(words, start+string(r))
		}
		if middle == "" {
			continue
		}
		words = append(words, start+cut(middle, maxWord))
		long := len([]rune(middle)) > maxWord
		for _, w := range runs(middle) {
			switch {
			case long:
				words = append(words, start+cut(w, maxWord))
			case !strings.HasPrefix(middle, w):
				words = append(words, start+cut(w, 2))
			}
		}
	}
	words = each(words)
	if mark != "" {
		words = append(words, mark)
	}
	return strings.Join(words, " ")
}

// terms are what a search asks for, each once: beginnings of words, and parts of pieces.
func terms(typed string) (found []string) {
	for _, p := range pieces([]string{typed}) {
		middle, signs := piece(p)
		switch {
		case asked.MatchString(p):
			found = append(found, p)
		case number.MatchString(middle):
			for _, w := range runs(middle) {
				found = append(found, term(w))
			}
		case middle != "":
			found = append(found, term(cut(middle, maxWord)))
		default:
			for _, r := range signs {
				found = append(found, string(r))
			}
		}
	}
	found = each(found)
	return found[:min(len(found), maxSearchWords)]
}

// term is a part of a piece, or the beginning of a word if it is too short for a part.
func term(w string) string {
	if plain.MatchString(w) {
		return start + w
	}
	return w
}

// Query is a tsquery for rows that have every part of text, and all of marks; "" if there is none, which
// finds nothing.
func Query(typed string, marks ...string) string {
	found := terms(typed)
	if len(found) == 0 {
		return ""
	}
	quote := strings.NewReplacer(`'`, `''`, `\`, `\\`)
	all := make([]string, 0, len(marks)+len(found))
	for _, m := range marks {
		all = append(all, "'"+quote.Replace(m)+"'")
	}
	for _, t := range found {
		if strings.HasPrefix(t, start) {
			all = append(all, "'"+t+"'")
		} else {
			all = append(all, "'"+quote.Replace(t)+"':*")
		}
	}
	return strings.Join(all, " & ")
}

// Where is a condition, with its arguments, for rows whose search terms, in a table of an Indexer, have
// every part of typed, whether they are indexed yet or not, or whose id begins with typed.
func Where(table, typed string, marks ...string) (condition string, args []any) {
	condition = "false"
	if query := Query(typed, marks...); query != "" {
		condition = "(lexemes @@ ?::tsquery or raw is not null and split_part(raw, ' @', 1) like all (array(select jsonb_array_elements_text(?::jsonb))))"
		args = []any{query, patterns(typed)}
	}
	if from, to, ok := IDRange(typed); ok {
		condition, args = "("+condition+" or id between ?::uuid and ?::uuid)", append(args, from, to)
	}
	return "id in (select id from " + table + " where " + condition + ")", args
}

// patterns are those of like that a text with every part of typed matches, as JSON.
func patterns(typed string) string {
	var all []string
	escape := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
	for _, t := range terms(typed) {
		all = append(all, "%"+escape.Replace(t)+"%")
	}
	list, err := json.Marshal(all)
	if err != nil {
		panic(err) // texts are always JSON
	}
	return string(list)
}

// IDRange is the range of ids that begin with typed. ok reports whether it looks like the beginning of an id.
func IDRange(typed string) (from, to string, ok bool) {
	digits := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(typed)), "-", "")
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
