package tidy

import (
	"go/ast"
	"path/filepath"
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
	{"anew", "again, a new epoch", written},
	{"bell", "notifier", nil},
	{"buried", "dead-lettered", nil},
	{"bury", "dead-letter", nil},
	{"crowd", "load, clients", []string{"pkg/live/"}},
	{"desk", "service", nil},
	{"dossier", "locked payment", nil},
	{"hear", "receive", written},
	{"heard", "received", written},
	{"hearer", "consumer", nil},
	{"hearing", "consumer position", written},
	{"house", "launcher, test system, harness", nil},
	{"journey", "flow", nil},
	{"letgo", "release", nil},
	{"rung", "notified", nil},
	{"sheet", "CSV import", nil},
	{"thrower", "fuzzer", nil},
	{"unheard", "not received", nil},
	{"visitor", "client", nil},
}

// written are ADRs, which keep the words of their time.
var written = []string{"docs/adr/"}

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

// said finds words that are not the field's in what operators read and in SQL: what is heard; a letter that
// is neither a dead letter nor a character; a parked key, for only events are parked; former names of tables.
var said = regexp.MustCompile(`(?i)\b(un)?hear(s|d|ing)?\b|(\bdead |\bdead-|\b\w+ )?\bletters? (\d|%|that|is|was|of|holds|waits|failed|behind)` +
	`|\bpoison letters?\b|\bparks? (a |its |the )?keys?\b|\bkeys? (\S+ )?(is |are )?parked\b` +
	`|\bparked_(keys|at)\b|\bcase_(members|id)\b|\b(from|into|join|update|table) cases\b|\b(payment|order)_words\b|\bheard_total\b`)

// former is the newest migration of each folder that was written, or makes views, with former names.
var former = map[string]string{
	"contractor-ui/migrations": "00028", "manager-ui/migrations": "00028", "pkg/journal/migrations": "00006",
	"pkg/journal/inbox/migrations": "00005", "pkg/journal/processlock/migrations": "00002",
}

func TestTextsAndStatementsUseTheWords(t *testing.T) {
	report := func(path string, line int, text string) {
		for _, found := range said.FindAllString(text, -1) {
			if !strings.HasPrefix(strings.ToLower(found), "dead") {
				t.Errorf("%s:%d: %q is not how this repository says it: see the words in docs/architecture.md", path, line, found)
			}
		}
	}
	for _, file := range goFiles(t) {
		if strings.HasPrefix(file.path, "test/tidy/") || strings.HasPrefix(file.path, "manager-ui/internal/pages/") {
			continue // in a page a person may be told that a service has not heard of a payment
		}
		ast.Inspect(file.File, func(n ast.Node) bool {
			if expression, ok := n.(ast.Expr); ok {
				if s, ok := text(expression); ok {
					report(file.path, file.line(n.Pos()), s)
				}
			}
			return true
		})
	}
	for _, path := range files(t, ".sql") {
		folder, name := filepath.Split(path)
		if name > former[strings.TrimSuffix(folder, "/")]+"~" || former[strings.TrimSuffix(folder, "/")] == "" {
			for i, line := range strings.Split(read(t, path), "\n") {
				report(path, i+1, line)
				reportWords(t, path, i+1, prose(line))
			}
		}
	}
	for _, path := range files(t, ".md") {
		if strings.HasPrefix(path, "docs/adr/") || path == "docs/operations.md" {
			continue // which keep the words of their time, and name the former ones
		}
		for i, line := range strings.Split(read(t, path), "\n") {
			report(path, i+1, line)
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
