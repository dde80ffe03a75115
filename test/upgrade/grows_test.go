package upgrade

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	createTable = regexp.MustCompile(`(?m)^create table (?:if not exists )?(\w+)`)
	renameTable = regexp.MustCompile(`(?m)^alter table (\w+) rename to (\w+);`)
)

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
	tables, now := map[string]string{}, map[string]string{}
	for _, path := range migrations(t) {
		sql, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(sql), "-- +goose Down")
		for _, m := range createTable.FindAllStringSubmatch(up, -1) {
			tables[m[1]] = filepath.Base(path)
		}
		for _, m := range renameTable.FindAllStringSubmatch(up, -1) {
			now[m[1]] = m[2]
		}
	}
	for table, path := range tables {
		if table = cmp.Or(now[table], table); !slices.Contains(named, "`"+table+"`") {
			t.Errorf("%s makes the table %s, and docs/operations.md, What grows, does not say how long its rows are kept", path, table)
		}
	}
}
