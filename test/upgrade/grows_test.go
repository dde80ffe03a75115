package upgrade

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var createTable = regexp.MustCompile(`(?m)^create table (?:if not exists )?(\w+)`)

// Whoever makes a table says how long its rows are kept, or why for ever.
func TestTheDocumentsSayHowEachTableGrows(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## What grows")
	section, _, _ = strings.Cut(section, "\n## ")
	var named []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			named = append(named, regexp.MustCompile("`(\\w+)`").FindAllString(cells[1], -1)...)
		}
	}
	for _, path := range migrations(t) {
		sql, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range createTable.FindAllStringSubmatch(string(sql), -1) {
			if !slices.Contains(named, "`"+m[1]+"`") {
				t.Errorf("%s makes the table %s, and docs/operations.md, What grows, does not say how long its rows are kept", filepath.Base(path), m[1])
			}
		}
	}
}
