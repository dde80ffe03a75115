package readmodel_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/readmodel"
)

// Part is a row of a large table.
type Part struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Owner string `json:"owner"`
}

func (p Part) Place(readmodel.Sort) readmodel.Place { return readmodel.Place{Key: p.Name, ID: p.ID} }

// Every second part is Ada's. Of hers every fifth is of wood, behind 6,000 of other kinds; one is of gold.
const createParts = `-- +goose Up
create table parts (id uuid primary key, name text collate "C" not null, kind text not null, owner text not null);
insert into parts select md5(n::text)::uuid, 'part ' || lpad(n::text, 6, '0'),
	case when n = 20001 then 'gold' when n > 12000 and n % 10 = 1 then 'wood' else 'iron' end, case when n % 2 = 1 then 'ada' else 'jon' end
	from generate_series(1, 60000) n;
create index parts_by_name on parts (owner, name, id);
create index parts_by_kind on parts (owner, kind, name, id);
create table part_terms (id uuid primary key, lexemes tsvector not null, raw text);
insert into part_terms select id, array_to_tsvector(array[kind, right(name, 6)]), null from parts;
create index part_terms_lexemes on part_terms using gin (lexemes);
create index part_terms_raw on part_terms (id) where raw is not null;
analyze parts, part_terms;
`

var (
	parts  = readmodel.NewTable[Part]("parts", "part_terms")
	byName = readmodel.Sort{Name: "name", SQL: "name", Type: "text"}
)

// names reads a list of Ada's parts from its beginning to its end, and then back. It returns how often it has
// stopped before a page was full.
func names(t *testing.T, db *pg.DB, desc bool, search string, where ...readmodel.Condition) (seen []string, stopped int) {
	t.Helper()
	q := readmodel.Query{Sort: byName, Limit: 100, Search: search, Where: append(where, readmodel.Where("owner = ?", "ada")), Way: new(readmodel.Way)}
	q.Sort.Desc = desc
	next := func() (page readmodel.Page[Part], names []string) {
		page, err := parts.Page(t.Context(), db, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Rows {
			names = append(names, p.Name)
		}
		return page, names
	}
	var last *readmodel.Place
	for pages := 0; ; pages++ {
		page, some := next()
		seen = append(seen, some...)
		if page.Looked > 0 {
			stopped++
		}
		if q.After = page.After; q.After == nil {
			last = page.Before
			break
		}
		if pages > 1000 {
			t.Fatal("the list has no end")
		}
	}
	var back []string
	if last != nil {
		for q.Before = last; q.Before != nil; {
			page, some := next()
			back = append(some, back...)
			if page.Backwards != (page.Looked > 0 && !page.First) {
				t.Errorf("a page of the way back was looked through backwards: %v", page.Backwards)
			}
			if q.Before = page.Before; page.First {
				break
			}
		}
		if !strings.HasPrefix(strings.Join(seen, ","), strings.Join(back[:min(len(back), 100)], ",")) {
			t.Errorf("the way back begins with %q", back[:min(len(back), 3)])
		}
	}
	return seen, stopped
}

func TestAPageLooksThroughSoMuchAndLeadsOn(t *testing.T) {
	db := pgtest.New(t, pg.Migrations{Name: "parts", FS: fstest.MapFS{"00001_parts.sql": {Data: []byte(createParts)}}})
	kind := func(kind string) readmodel.Condition { return readmodel.Where("kind = ?", kind).On("kind") }
	for name, test := range map[string]struct {
		search  string
		where   []readmodel.Condition
		want    int
		stopped bool
	}{
		"one of all is found by its index":      {"", []readmodel.Condition{kind("gold")}, 1, false},
		"one of all, by a word":                 {"gold", nil, 1, false},
		"many are looked for":                   {"", []readmodel.Condition{kind("wood")}, 4799, true},
		"what none has is looked for nowhere":   {"", []readmodel.Condition{kind("wood"), kind2("gold")}, 0, false},
		"many, of which a search leaves few":    {"029921", []readmodel.Condition{kind("wood")}, 1, false},
		"a word of very many":                   {"iron", nil, 25200, false},
		"two things that do not come together":  {"iron", []readmodel.Condition{kind("wood")}, 0, true},
		"what stands together is looked at all": {"", []readmodel.Condition{kind("wood"), readmodel.Where("name > ?", "part 020000").On("name"), readmodel.Where("name < ?", "part 021000").On("name")}, 99, false},
	} {
		for _, desc := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", desc), func(t *testing.T) {
				seen, stopped := names(t, db, desc, test.search, test.where...)
				if len(seen) != test.want || (stopped > 0) != test.stopped {
					t.Errorf("%d are found, and it has stopped %d times", len(seen), stopped)
				}
				inOrder := slices.IsSorted(seen)
				if desc {
					inOrder = slices.IsSortedFunc(seen, func(a, b string) int { return strings.Compare(b, a) })
				}
				if !inOrder || len(slices.Compact(slices.Clone(seen))) != len(seen) {
					t.Error("they are in another order, or twice")
				}
			})
		}
	}
}

// A word that most rows have is met in the list's order. To read its index for all of them grows with the
// table.
func TestAWordOfVeryManyIsNotReadFromItsIndex(t *testing.T) {
	db, err := pg.Open(t.Context(), pgtest.Alone(pgtest.NewURL(t, pg.Migrations{Name: "parts", FS: fstest.MapFS{"00001_parts.sql": {Data: []byte(createParts)}}})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	walked := pgtest.Walked(t, db, "part_terms", func() {
		q := readmodel.Query{Sort: byName, Limit: 25, Search: "iron", Way: new(readmodel.Way), Where: []readmodel.Condition{readmodel.Where("owner = ?", "ada")}}
		page, err := parts.Page(t.Context(), db, q)
		if err != nil || len(page.Rows) != 25 {
			t.Fatalf("%d parts are found, %v", len(page.Rows), err)
		}
		if sums, _, err := parts.AddUp(t.Context(), db, q, "'EUR'", "1"); err != nil || !sums.More {
			t.Fatalf("they come to %v, %v", sums, err)
		}
	})
	if walked > 2000 {
		t.Errorf("for a page of 25 of 27,000 parts, %d entries are walked over", walked)
	}
}

func kind2(kind string) readmodel.Condition { return readmodel.Where("kind = ?", kind).On("kind too") }

func TestWhatANarrowedListComesToIsBounded(t *testing.T) {
	db := pgtest.New(t, pg.Migrations{Name: "parts", FS: fstest.MapFS{"00001_parts.sql": {Data: []byte(createParts)}}})
	for _, test := range []struct {
		kind        string
		sums, count string
	}{
		{"gold", "{1 [0.01 EUR] 0 false}", "{1 [] 1 false}"},
		{"wood", "{0 [] 0 true}", "{0 [] 0 true}"},
		{"iron", "{1000 [] 0 true}", "{100 [] 0 true}"},
	} {
		q := readmodel.Query{Sort: byName, Limit: 25, Way: new(readmodel.Way), Where: []readmodel.Condition{
			readmodel.Where("owner = ?", "ada"), readmodel.Where("kind = ?", test.kind).On("kind"), readmodel.Where("false").On(readmodel.InTab),
		}}
		sums, counts, err := parts.AddUp(t.Context(), db, q, "'EUR'", "1", readmodel.Where("true"))
		if err != nil {
			t.Fatal(err)
		}
		if sums.Count != 0 {
			t.Errorf("a tab of nothing has %v", sums)
		}
		q.Where = q.Where[:2]
		if sums, _, err = parts.AddUp(t.Context(), db, q, "'EUR'", "1"); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(sums); got != test.sums {
			t.Errorf("%s comes to %s, not %s", test.kind, got, test.sums)
		}
		if got := fmt.Sprint(counts[0]); got != test.count {
			t.Errorf("%s is counted as %s, not %s", test.kind, got, test.count)
		}
	}
}
