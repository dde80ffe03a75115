// Package upgrade holds what an upgrade relies on: a migration only adds, so that the version before works on
// the new schema and goes on while it is migrated to.
package upgrade

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"
)

// before is the newest migration of each folder from before these rules.
var before = map[string]int64{
	"contractor-ui/migrations": 23, "manager-ui/migrations": 23, "ordering-core/migrations": 20, "payments-core/migrations": 1,
	"payments-core/gateway/sandbox/migrations": 1, "pkg/api/migrations": 1, "pkg/journal/processlock/migrations": 1, "pkg/journal/migrations": 2,
	"pkg/journal/inbox/migrations": 1, "pkg/live/migrations": 1, "pkg/web/migrations": 1,
}

func TestMigrationsOnlyAdd(t *testing.T) {
	for _, path := range migrations(t) {
		version, err := goose.NumericComponent(path)
		if err != nil {
			t.Error(err)
		}
		folder, err := filepath.Rel(root(t), filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		if version <= before[folder] {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, breach := range breaches(string(text)) {
			t.Errorf("%s/%s: %s", folder, filepath.Base(path), breach)
		}
	}
}

// TestTheRulesFindWhatBreaksTheVersionBefore keeps the rules honest, with migrations as they were once
// written.
func TestTheRulesFindWhatBreaksTheVersionBefore(t *testing.T) {
	for text, want := range map[string]string{
		"alter table payments drop column superseded_by;":                                           "drops",
		"alter table payments drop superseded_by;":                                                  "drops",
		"alter table payments rename amount to amount_minor;":                                       "renames",
		"alter table a rename to b;":                                                                "renames",
		"alter table a rename to b; alter table b rename x to y; create view a as select y from b;": "rename x",
		"alter table a rename to b; create view a as select y from c;":                              "renames",
		"alter table payments alter column amount type numeric;":                                    "type",
		"alter table payments alter amount set not null;":                                           "not null",
		"alter table uploads add owner text collate \"C\" not null, add imported_at timestamptz;":   "without a default",
		"alter table p add search tsvector generated always as (array_to_tsvector(x)) stored;":      "writes every row",
		"create index products_sku on products (lower(sku)) where not archived;":                    "concurrently",
		"-- +goose NO TRANSACTION\ncreate index concurrently a on payments (b);":                    "drop index concurrently if exists a",
		"drop index concurrently if exists a; create index concurrently a on payments (b);":         "NO TRANSACTION",
		"update orders set drafted = '{}';":                                                         "every row",
		"delete from uploads;":                                                                      "every row",
		"drop table uploads;":                                                                       "drops",

		"alter table a rename to b; alter table b rename x to y; alter table b rename constraint k to l; create view a as select id, y as x from b;": "",
		"alter table orders add column drafted uuid[] not null default '{}', add name text;":                                                         "",
		"create table a (id int, kind text not null); create index b on a (id);":                                                                     "",
		"-- contract: nothing reads it since 00022.\nalter table payments drop superseded_by;":                                                       "",
		"-- small: one row for each person.\ncreate index a on settings (b);":                                                                        "",
		"alter table d drop constraint k, add constraint k check (kind in ('a', 'b'));":                                                              "",
		"alter table d alter column kind drop not null;":                                                                                             "",
		"-- +goose NO TRANSACTION\ndrop index concurrently if exists a;\ncreate unique index concurrently a on payments (b);":                        "",
	} {
		found := strings.Join(breaches("-- +goose Up\n"+text+"\n-- +goose Down\ndrop table a;"), "; ")
		if want == "" && found != "" || !strings.Contains(found, want) {
			t.Errorf("%s\nfound %q, not %q", text, found, want)
		}
	}
}

var (
	comment   = regexp.MustCompile(`(?m)--.*$`)
	block     = regexp.MustCompile(`(?s)-- \+goose StatementBegin.*?-- \+goose StatementEnd`)
	table     = regexp.MustCompile(`^create table (?:if not exists )?(\S+)`)
	index     = regexp.MustCompile(`^create (?:unique )?index (concurrently )?(?:if not exists )?(\S+) on (?:only )?(\S+)`)
	alter     = regexp.MustCompile(`^alter table (?:if exists )?(?:only )?(\S+) (.*)$`)
	dropped   = regexp.MustCompile(`\bdrop (\w+)`)
	harmless  = []string{"constraint", "default", "not", "expression", "identity"}
	retyped   = regexp.MustCompile(`\balter (?:column )?\S+ (?:set data )?type\b`)
	required  = regexp.MustCompile(`\badd (?:column )?[^,]*\bnot null\b[^,]*`)
	rewritten = regexp.MustCompile(`\badd (?:column )?[^;]*(?:\bstored\b|default (?:gen_random_uuid|clock_timestamp|random)\b)`)
	everyRow  = regexp.MustCompile(`^(?:update (?:only )?|delete from (?:only )?|truncate (?:table )?)(\S+)`)
	shown     = regexp.MustCompile(`^create view (\S+) as select (.+) from (\S+)$`)
	gone      = regexp.MustCompile(`^drop (table|trigger|function|view|type|sequence)\b`)
)

// renamed reports whether the version before has a view that shows what an alter table renames: the table by
// its former name, or a column in the view of its table. A constraint's name is in no statement.
func renamed(table, to string, views map[string]view) bool {
	if strings.HasPrefix(to, "constraint ") {
		return true
	}
	if name, ok := strings.CutPrefix(to, "to "); ok {
		return views[table].of == name
	}
	from, name, _ := strings.Cut(strings.TrimPrefix(to, "column "), " to ")
	for _, v := range views {
		if v.of == table && slices.Contains(v.columns, name+" as "+from) {
			return true
		}
	}
	return false
}

// view is columns of a table, by whatever names, that can be read and written as the table's own.
type view struct {
	of      string
	columns []string
}

// breaches are what of a migration breaks the version before, or holds it up. What a file creates by itself
// is its own. Two comments, with a reason, allow what is else refused: "-- contract:" that something goes
// which the version before does not use either, and "-- small:" that its tables never have many rows.
func breaches(text string) (found []string) {
	up, _, _ := strings.Cut(text, "-- +goose Down")
	contract, small := strings.Contains(up, "-- contract: "), strings.Contains(up, "-- small: ")
	alone := strings.Contains(up, "-- +goose NO TRANSACTION")
	created, last := map[string]bool{}, ""
	plain := func(text string) string { return strings.Join(strings.Fields(strings.ToLower(text)), " ") }
	statements := strings.Split(comment.ReplaceAllString(block.ReplaceAllString(up, ""), ""), ";")
	views := map[string]view{}
	for _, statement := range statements {
		if m := shown.FindStringSubmatch(plain(statement)); m != nil {
			views[m[1]] = view{m[3], strings.Split(m[2], ", ")}
		}
	}
	breach := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, statement := range statements {
		statement = plain(statement)
		if m := table.FindStringSubmatch(statement); m != nil {
			created[m[1]] = true
		}
		if m := index.FindStringSubmatch(statement); m != nil && !created[m[3]] {
			switch {
			case m[1] == "" && !small:
				breach("index %s holds up whoever writes to %s: build it concurrently", m[2], m[3])
			case m[1] != "" && !alone:
				breach("index %s needs -- +goose NO TRANSACTION", m[2])
			case m[1] != "" && last != "drop index concurrently if exists "+m[2]:
				breach("index %s stays behind invalid where it fails: put drop index concurrently if exists %[1]s before it", m[2])
			}
		}
		if m := alter.FindStringSubmatch(statement); m != nil && !created[m[1]] {
			for _, d := range dropped.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(harmless, d[1]) && !contract {
					breach("it drops what the version before uses: %s", statement)
				}
			}
			if to, ok := strings.CutPrefix(m[2], "rename "); ok && !renamed(m[1], to, views) {
				breach("it renames what the version before uses, without a view that shows it by its former name: %s", statement)
			}
			if retyped.MatchString(m[2]) {
				breach("it changes a type: add another column: %s", statement)
			}
			if strings.Contains(m[2], "set not null") && !contract {
				breach("the version before may leave it out, set not null: %s", statement)
			}
			for _, column := range required.FindAllString(m[2], -1) {
				if !strings.Contains(column, "default") && !strings.Contains(column, "generated") {
					breach("the version before does not know a column without a default: %s", statement)
				}
			}
			if rewritten.MatchString(m[2]) && !small {
				breach("it writes every row of %s and nobody gets at it meanwhile: %s", m[1], statement)
			}
		}
		if m := everyRow.FindStringSubmatch(statement); m != nil && !created[m[1]] && !small {
			breach("it may touch every row of %s in one transaction: let the service do it bit by bit", m[1])
		}
		if gone.MatchString(statement) && !contract {
			breach("it drops what the version before uses: %s", statement)
		}
		last = cmp.Or(statement, last)
	}
	return found
}

// migrations are the files of all services and packages.
func migrations(tb testing.TB) (found []string) {
	tb.Helper()
	for _, pattern := range []string{"*/migrations/*.sql", "*/*/migrations/*.sql", "*/*/*/migrations/*.sql"} {
		paths, err := filepath.Glob(filepath.Join(root(tb), pattern))
		if err != nil {
			tb.Fatal(err)
		}
		found = append(found, paths...)
	}
	if len(found) < 18 {
		tb.Fatalf("only %d migrations are found", len(found))
	}
	return found
}

// root is the repository's.
func root(tb testing.TB) string {
	tb.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}
