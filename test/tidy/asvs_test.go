package tidy

import (
	"fmt"
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	asvsRow  = regexp.MustCompile(`(?m)^\| (V[\d.]+) \|([^|\n]*)\|([^|\n]*)\|([^|\n]*)\|$`)
	testName = regexp.MustCompile("`(Test[A-Z]\\w*)`")
)

// TestEveryRequirementIsAnswered holds docs/asvs.md to the standard's numbers, and its summary to its rows.
func TestEveryRequirementIsAnswered(t *testing.T) {
	const document = "docs/asvs.md"
	var found []string
	count := map[string]int{"met": 0, "partly": 0, "not met": 0, "setting": 0, "provider": 0, "–": 0}
	for _, m := range asvsRow.FindAllStringSubmatch(read(t, document), -1) {
		id, asks, answer, where := m[1], strings.TrimSpace(m[2]), strings.TrimSpace(m[3]), strings.TrimSpace(m[4])
		found = append(found, id)
		if _, known := count[answer]; !known || asks == "" {
			t.Errorf("%s: %q about %q is no answer", id, answer, asks)
		}
		if where == "" && answer != "provider" {
			t.Errorf("%s: it is said neither where nor why not", id)
		}
		count[answer]++
	}
	if want := strings.Fields(read(t, "test/tidy/testdata/asvs-5.0-levels-1-and-2.txt")); !slices.Equal(found, want) {
		t.Errorf("%s has %d rows, and the standard %d requirements: they are the same, in the same order", document, len(found), len(want))
		for _, id := range want {
			if n := strings.Count("\n"+strings.Join(found, "\n")+"\n", "\n"+id+"\n"); n != 1 {
				t.Errorf("%s is there %d times", id, n)
			}
		}
	}
	summary := fmt.Sprintf("Of these %d are met here, %d in part and %d not; %d depend on how it is deployed, %d on the sign-in provider, and %d are about what",
		count["met"], count["partly"], count["not met"], count["setting"], count["provider"], count["–"])
	for _, summarized := range []string{document, "docs/security.md"} {
		if !strings.Contains(read(t, summarized), summary) {
			t.Errorf("%s does not say: %s", summarized, summary)
		}
	}
}

func TestDocumentsNameTestsThatExist(t *testing.T) {
	declared := map[string]bool{}
	for _, file := range goFiles(t) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				declared[f.Name.Name] = true
			}
		}
	}
	for _, document := range files(t, ".md") {
		missing := map[string]bool{}
		for _, m := range testName.FindAllStringSubmatch(read(t, document), -1) {
			if !declared[m[1]] {
				missing[m[1]] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(missing)) {
			t.Errorf("%s names %s, and there is no such test", document, name)
		}
	}
}
