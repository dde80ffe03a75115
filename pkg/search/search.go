// Package search makes what rows are found by, and what finds them: in the same way when they are written and
// when they are searched for.
//
// A text is cut at its spaces, and each piece is found by any part of three characters or more, and by any
// part with something else in it than plain letters and digits; "ab" finds what begins with it. Case, accents
// and width make no difference (text.Fold), and signs are characters like others. PostgreSQL's own parser
// depends on the database's locale and takes 2026/11/42 for a file; so do its trigrams, which see no letters
// but ASCII's in a database of locale C. An amount is found in each way in which a language writes it.
//
// Invariants:
//   - What a row is found by is cut into all the ends of its pieces, by Lexemes and in the same way by the
//     SQL function search_lexemes, so that a part of a piece is the beginning of a lexeme.
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

// Lexemes are what a column that Join or Later has made is found by, separated by spaces. The SQL function
// search_lexemes makes the same, and takes much longer.
func Lexemes(words string) string {
	var all []string
	for word := range strings.SplitSeq(words, " ") {
		if strings.HasPrefix(word, "@") {
			all = append(all, word)
			continue
		}
		if word = strings.TrimLeft(word, start); word == "" {
			continue
		}
		all = append(all, word, start+cut(word, 1), start+cut(word, 2))
		for at := range word {
			if end := word[at:]; at > 0 && !plain.MatchString(end) {
				all = append(all, end)
			}
		}
	}
	return strings.Join(all, " ")
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

// part is a part of what is typed, which a row has in any of its readings: with all the terms of one. These
// are beginnings of words, and parts of pieces.
type part [][]string

// parts are what a search asks for, each once.
func parts(typed string) (asked []part) {
	rest, found := amounts(strings.Join(pieces([]string{typed}), " "))
	for _, t := range terms(rest) {
		asked = append(asked, part{{t}})
	}
	asked = append(asked, found...)
	return asked[:min(len(asked), maxSearchWords)]
}

// amount is one as some language writes it: with signs between its thousands, or a comma before its decimals.
var amount = regexp.MustCompile(`[0-9]{1,3}(?:(?:\.[0-9]{3})+(?:,[0-9]*)?|(?:,[0-9]{3})+(?:\.[0-9]*)?|(?:['’][0-9]{3})+(?:[.,][0-9]*)?|(?: [0-9]{3})+(?:[.,][0-9]*)?)|[0-9]+,[0-9]+`)

// amounts takes the amounts out of a folded text. Rows are found by theirs as 1250.00 and 1,250.00. Whatever
// else somebody has written in a row, 1.250,00 perhaps, is found as it is.
func amounts(folded string) (rest string, found []part) {
	last := 0
	for _, at := range amount.FindAllStringIndex(folded, -1) {
		if goesOn.MatchString(folded[:at[0]] + "\x00" + folded[at[1]:]) {
			continue // it is of a number such as 2026/11/000042, or of a word
		}
		rest += strings.TrimRight(folded[last:at[0]], around) + " "
		last = len(folded) - len(strings.TrimLeft(folded[at[1]:], around))
		found = append(found, readings(folded[at[0]:at[1]]))
	}
	return rest + folded[last:], found
}

// goesOn is what an amount, for which the NUL stands, is not a word by itself in.
var goesOn = regexp.MustCompile(`[\pL\pN/_.,-]\x00|\x00[.,]?[\pL\pN/_-]`)

// readings are the ways to read an amount: as it is, without the signs between its thousands, and with its
// comma before the decimals, of the last of several words too.
func readings(typed string) part {
	all := part{terms(typed)}
	sign := strings.LastIndexAny(typed, ".,")
	if sign >= 0 && strings.Count(typed, typed[sign:sign+1]) == 1 && (typed[sign] == ',' || strings.ContainsAny(typed[:sign], ",'’ ")) {
		decimals := "." + typed[sign+1:]
		all = append(all, terms(ungrouped.Replace(typed[:sign])+decimals), terms(typed[:sign]+decimals))
	}
	if wholly.MatchString(typed) {
		all = append(all, terms(ungrouped.Replace(typed)))
	}
	slices.SortFunc(all, slices.Compare)
	return slices.CompactFunc(all, slices.Equal)
}

// wholly has only signs between thousands.
var wholly = regexp.MustCompile(`^[0-9]+(?:[.,][0-9]{3})*(?:['’ ][0-9]{3})*$`)

var ungrouped = strings.NewReplacer(".", "", ",", "", "'", "", "’", "", " ", "")

// terms are those of a text, each once.
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
	asked := parts(typed)
	if len(asked) == 0 {
		return ""
	}
	quote := strings.NewReplacer(`'`, `''`, `\`, `\\`)
	all := make([]string, 0, len(marks)+len(asked))
	for _, m := range marks {
		all = append(all, "'"+quote.Replace(m)+"'")
	}
	for _, p := range asked {
		all = append(all, p.join(" & ", " | ", func(t string) string {
			if strings.HasPrefix(t, start) {
				return "'" + t + "'"
			}
			return "'" + quote.Replace(t) + "':*"
		}))
	}
	return strings.Join(all, " & ")
}

// join writes out the readings of a part, in parentheses if there are several.
func (p part) join(and, or string, write func(term string) string) string {
	var any []string
	for _, reading := range p {
		var all []string
		for _, t := range reading {
			all = append(all, write(t))
		}
		any = append(any, strings.Join(all, and))
	}
	if len(any) == 1 {
		return any[0]
	}
	return "(" + strings.Join(any, or) + ")"
}

// Where is a condition, with its arguments, for rows whose search terms, in a table of an Indexer, have
// every part of typed, whether they are indexed yet or not, or whose id begins with typed.
func Where(table, typed string, marks ...string) (condition string, args []any) {
	condition, args = Among(typed, marks...)
	return "id in (select id from " + table + " where " + condition + ")", args
}

// Among is Where within such a table.
func Among(typed string, marks ...string) (condition string, args []any) {
	condition = "false"
	if query := Query(typed, marks...); query != "" {
		condition = "(lexemes @@ ?::tsquery or raw is not null and split_part(raw, ' @', 1) ~ all (array(select jsonb_array_elements_text(?::jsonb))))"
		args = []any{query, patterns(typed)}
	}
	if from, to, ok := IDRange(typed); ok {
		condition, args = "("+condition+" or id between ?::uuid and ?::uuid)", append(args, from, to)
	}
	return condition, args
}

// patterns are the regular expressions that a text with every part of typed matches, as JSON.
func patterns(typed string) string {
	var all []string
	for _, p := range parts(typed) {
		all = append(all, "^"+p.join("", "|", func(t string) string { return "(?=.*" + regexp.QuoteMeta(t) + ")" }))
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
