package tidy

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// word is one that this repository once made up, and the field's term for it. It is looked for in
// identifiers, in comments and in the documents' prose; not in strings, quotations and code, which hold names
// that are stored.
type word struct {
	old, term string
	except    []string // paths, or the beginnings of some, where it means something else or is not yet replaced
}

var words = []word{
	{"anew", "again, a new epoch", renamed},
	{"bell", "notifier", nil},
	{"buried", "dead-lettered", nil},
	{"bury", "dead-letter", nil},
	{"crowd", "load, clients", []string{"pkg/live/"}},
	{"desk", "service", nil},
	{"dossier", "locked payment", nil},
	{"hear", "receive", append(renamed, "docs/performance.md")}, // the rows as the bench prints them
	{"heard", "received", renamed},
	{"hearer", "consumer", nil},
	{"hearing", "consumer position", renamed},
	{"house", "launcher, test system, harness", nil},
	{"journey", "flow", nil},
	{"letgo", "release", nil},
	{"rung", "notified", nil},
	{"sheet", "CSV import", nil},
	{"thrower", "fuzzer", nil},
	{"visitor", "client", nil},
}

// renamed are folders in which some of these words are still to be replaced, and ADRs, which keep the words
// of their time. Take a folder out when it is done.
var renamed = []string{"pkg/", "docs/adr/"}

func (w word) allowed(path string) bool {
	for _, beginning := range w.except {
		if strings.HasPrefix(path, beginning) {
			return true
		}
	}
	return strings.HasPrefix(path, "test/tidy/")
}

func TestWordsAreTheFields(t *testing.T) {
	for _, file := range goFiles(t) {
		ast.Inspect(file.File, func(n ast.Node) bool {
			if identifier, ok := n.(*ast.Ident); ok {
				reportWords(t, file.path, file.line(n.Pos()), parts(identifier.Name))
			}
			return true
		})
		for _, group := range file.Comments {
			for _, comment := range group.List {
				reportWords(t, file.path, file.line(comment.Pos()), prose(comment.Text))
			}
		}
	}
	for _, path := range files(t, ".md") {
		code := false
		for i, line := range strings.Split(read(t, path), "\n") {
			if strings.HasPrefix(line, "```") {
				code = !code
			}
			if !code {
				reportWords(t, path, i+1, prose(line))
			}
		}
	}
	for _, path := range files(t, ".go") {
		name := path[strings.LastIndex(path, "/")+1:]
		reportWords(t, path, 0, strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) }))
	}
}

func reportWords(t *testing.T, path string, line int, found []string) {
	t.Helper()
	slices.Sort(found)
	for _, one := range slices.Compact(found) {
		for _, w := range words {
			if strings.TrimSuffix(one, "s") == w.old && !w.allowed(path) {
				t.Errorf("%s:%d: %q is no word of this repository: %s", path, line, one, w.term)
			}
		}
	}
}

// parts returns the words of an identifier, in lower case: lockedPaymentID is locked, payment and id.
func parts(name string) (list []string) {
	begin := 0
	runes := []rune(name)
	for i := 1; i <= len(runes); i++ {
		if i == len(runes) || unicode.IsUpper(runes[i]) && !unicode.IsUpper(runes[i-1]) || runes[i] == '_' {
			list = append(list, strings.ToLower(strings.Trim(string(runes[begin:i]), "_")))
			begin = i
		}
	}
	return append(list, strings.ToLower(name))
}

var (
	quoted = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|]\\([^)]*\\)")
	letter = regexp.MustCompile(`\pL+`)
)

// prose returns the words of a comment or a line of a document, without what is quoted.
func prose(text string) []string {
	return letter.FindAllString(strings.ToLower(quoted.ReplaceAllString(text, " ")), -1)
}
