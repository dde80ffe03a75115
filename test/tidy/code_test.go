package tidy

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxLines is how long a Go file is.
const maxLines = 400

// longFiles are longer, each for a reason.
var longFiles = map[string]string{
	"contractor-ui/internal/pages/pages_test.go":         "the pages' one story, with the fakes that it needs",
	"contractor-ui/internal/readmodel/readmodel_test.go": "one table of events for each column",
	"deploy/local/local_test.go":                         "its fake services serve all of the launcher's tests",
	"ordering-core/internal/expiring/expiring_test.go":   "its fixture serves all of the sweeper's tests",
	"ordering-core/internal/products/products_test.go":   "its fixture serves products and customers",
	"ordering-core/order/order.go":                       "the aggregate: its state, its commands and its fold are read together",
	"payments-core/payment/payment.go":                   "the aggregate: its state, its commands and its fold are read together",
	"pkg/kafka/deadletters_test.go":                      "one test for each kind and each decision",
	"pkg/schema/schematest/schematest.go":                "one suite, which each registry of events runs whole",
}

func TestFilesAreShort(t *testing.T) {
	for _, path := range files(t, ".go") {
		lines := strings.Count(read(t, path), "\n")
		_, known := longFiles[path]
		if lines > maxLines && !known {
			t.Errorf("%s has %d lines: divide it, or give a reason in longFiles", path, lines)
		}
		if lines <= maxLines && known {
			t.Errorf("%s has %d lines: it is short now, so take it out of longFiles", path, lines)
		}
	}
	for path := range longFiles {
		if !slices.Contains(files(t, ".go"), path) {
			t.Errorf("longFiles names %s, which is not there", path)
		}
	}
}

// maxWidth is how wide a line with a comment is, and wideComments how many are wider. This number only falls.
const (
	maxWidth     = 110
	wideComments = 60
)

func TestCommentsAreNarrow(t *testing.T) {
	var wide []string
	for _, file := range goFiles(t) {
		lines := strings.Split(read(t, file.path), "\n")
		for _, group := range file.Comments {
			for _, comment := range group.List {
				line := lines[file.line(comment.Pos())-1]
				if utf8.RuneCountInString(line) > maxWidth && !strings.Contains(line, "//nolint") && !strings.Contains(line, "https://") {
					wide = append(wide, file.set.Position(comment.Pos()).String())
				}
			}
		}
	}
	if len(wide) > wideComments {
		t.Errorf("%d lines with a comment are wider than %d characters, which is more than the %d there were:\n%s",
			len(wide), maxWidth, wideComments, strings.Join(wide, "\n"))
	}
	t.Logf("%d of at most %d", len(wide), wideComments)
}

// sleeps are the tests that may sleep: nothing signals what they wait for.
var sleeps = map[string]string{
	"pkg/service/gate_test.go": "it polls a gate, which looks by itself",
}

func TestTestsWaitForSignals(t *testing.T) {
	for _, file := range goFiles(t) {
		if !strings.HasSuffix(file.path, "_test.go") && !strings.HasPrefix(file.path, "test/") {
			continue
		}
		sleeping := false
		ast.Inspect(file.File, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok && isName(selector.X, "time") && selector.Sel.Name == "Sleep" {
				sleeping = true
				if _, known := sleeps[file.path]; !known {
					t.Errorf("%s:%d: a test that sleeps is slow or fails by chance: wait for a signal, or poll with a ticker and a deadline",
						file.path, file.line(n.Pos()))
				}
			}
			return true
		})
		if _, known := sleeps[file.path]; known && !sleeping {
			t.Errorf("%s sleeps no longer: take it out of the list", file.path)
		}
	}
}

func isName(n ast.Expr, name string) bool {
	identifier, ok := n.(*ast.Ident)
	return ok && identifier.Name == name
}

// text returns what a string literal says.
func text(n ast.Expr) (string, bool) {
	literal, ok := n.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	return strings.Trim(literal.Value, "\"`"), true
}
