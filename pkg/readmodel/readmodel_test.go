package readmodel_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/readmodel"
)

const createThings = `-- +goose Up
create table things (id uuid primary key, at int not null, words text not null default '',
	found tsvector generated always as (to_tsvector('simple', words)) stored);
`

// named is what every row has.
type named struct {
	ID string `json:"id"`
}

type thing struct {
	named
	At    int    `json:"at"`
	Words string `json:"words"`
	Shown string `gorm:"-" json:"-"`
}

func (t thing) Place(readmodel.Sort) readmodel.Place {
	return readmodel.Place{Key: strconv.Itoa(t.At), ID: t.ID}
}

var (
	things = readmodel.NewTable[thing]("things", "")
	byTime = readmodel.Sort{Name: "at", SQL: "at", Type: "int"}
)

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// newThings has things 1 to count, each at its number.
func newThings(t *testing.T, count int) *pg.DB {
	t.Helper()
	set := pg.Migrations{Name: "things", FS: fstest.MapFS{"00001_things.sql": {Data: []byte(createThings)}}}
	db := pgtest.New(t, set)
	write(t, db, count, "")
	return db
}

func write(t *testing.T, db *pg.DB, count int, words string) {
	t.Helper()
	var rows []thing
	for n := 1; n <= count; n++ {
		rows = append(rows, thing{named: named{id(n)}, At: n, Words: words})
	}
	if err := db.InTx(t.Context(), func(tx *pg.Tx) error { return things.Queue(tx, rows) }); err != nil {
		t.Fatal(err)
	}
}

func TestPages(t *testing.T) {
	db := newThings(t, 5)
	place := func(n int) *readmodel.Place { return &readmodel.Place{Key: strconv.Itoa(n), ID: id(n)} }
	one := []readmodel.Condition{readmodel.Where("at <= ?", 2)}
	for name, test := range map[string]struct {
		query readmodel.Query
		want  string // the rows, and whether there are some before and after them
	}{
		"nothing":                    {readmodel.Query{Where: []readmodel.Condition{readmodel.Where("false")}}, "[] false false"},
		"the only page":              {readmodel.Query{Where: one}, "[1 2] false false"},
		"the first of more":          {readmodel.Query{}, "[1 2] false true"},
		"one in the middle":          {readmodel.Query{After: place(2)}, "[3 4] true true"},
		"the last":                   {readmodel.Query{After: place(4)}, "[5] true false"},
		"back to the middle":         {readmodel.Query{Before: place(5)}, "[3 4] true true"},
		"back to the first":          {readmodel.Query{Before: place(3)}, "[1 2] false true"},
		"back to less than a page":   {readmodel.Query{Before: place(2)}, "[1 2] false true"},
		"downwards":                  {readmodel.Query{Sort: readmodel.Sort{Desc: true}, After: place(4)}, "[3 2] true true"},
		"downwards, and back":        {readmodel.Query{Sort: readmodel.Sort{Desc: true}, Before: place(1)}, "[3 2] true true"},
		"what is no longer there":    {readmodel.Query{After: place(9)}, "[] false false"},
		"what nobody has written of": {readmodel.Query{Search: "?"}, "[] false false"},
	} {
		t.Run(name, func(t *testing.T) {
			desc := test.query.Sort.Desc
			test.query.Sort, test.query.Limit = byTime, 2
			test.query.Sort.Desc = desc
			page, err := things.Page(t.Context(), db, test.query)
			if err != nil {
				t.Fatal(err)
			}
			var at []int
			for _, row := range page.Rows {
				at = append(at, row.At)
			}
			if got := fmt.Sprint(at, page.Before != nil, page.After != nil); got != test.want {
				t.Errorf("%s, not %s", got, test.want)
			}
		})
	}
}

func TestARowIsWrittenAgain(t *testing.T) {
	db := newThings(t, 3)
	write(t, db, 2, "again")
	page, err := things.Page(t.Context(), db, readmodel.Query{Sort: byTime, Search: "again", Limit: 5})
	if err != nil || len(page.Rows) != 2 {
		t.Errorf("%+v, %v", page.Rows, err)
	}
	rest, err := things.Some(t.Context(), db, readmodel.Where("at > ? and words = ''", 1), 5)
	if err != nil || len(rest) != 1 {
		t.Errorf("%+v, %v", rest, err)
	}
}

func TestAllIsReadAsItIsWhenTheReadingBegins(t *testing.T) {
	db := newThings(t, 5)
	var at []int
	for row, err := range things.All(t.Context(), db, readmodel.Query{Sort: byTime, Limit: 2, Where: []readmodel.Condition{readmodel.Where("at > ?", 1)}}) {
		if err != nil {
			t.Fatal(err)
		}
		if at = append(at, row.At); len(at) == 1 {
			if _, err := db.Pool().Exec(t.Context(), "update things set at = 15 - at"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !slices.Equal(at, []int{2, 3, 4, 5}) {
		t.Error(at)
	}
	for range things.All(t.Context(), db, readmodel.Query{Sort: byTime, Limit: 2}) {
		break
	}
	if held := db.Pool().Stat().AcquiredConns(); held != 0 {
		t.Errorf("%d connections are held by a reader that has stopped", held)
	}
}

func TestAPlaceInAnAddress(t *testing.T) {
	newest := readmodel.Sort{Name: "at", Type: "timestamptz", Desc: true}
	row := readmodel.TimePlace(time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.FixedZone("", 3600)), id(1))
	if got, ok := newest.Place(newest.Fields(row)); !ok || got != row || got.Key != "2026-11-23T11:00:00.123456Z" {
		t.Errorf("%+v, %v", got, ok)
	}
	for name, fields := range map[string]map[string]string{
		"nothing": {}, "no id": {"at": row.Key}, "no time": {"at": "noon", "id": row.ID}, "of another list": {"sort": "a", "id": row.ID},
		"more": {"at": row.Key, "id": row.ID, "sort": "a"}, "no uuid": {"at": row.Key, "id": "1"}, "before all years": {"at": "0000-01-01T00:00:00Z", "id": row.ID},
		"another kind": {"at": "1", "id": row.ID},
	} {
		if _, ok := newest.Place(fields); ok {
			t.Errorf("%s is a place", name)
		}
	}
	byName := readmodel.Sort{Name: "sort", Type: "text"}
	for _, name := range []string{"a\x00", "a\xff"} {
		if _, ok := byName.Place(map[string]string{"sort": name, "id": row.ID}); ok {
			t.Errorf("%q is a place", name)
		}
	}
	// Go reads more than PostgreSQL does.
	for text, want := range map[string]string{
		"2026-01-01T00:00:00+23:00": "2025-12-31T01:00:00Z", "2026-01-01T00:00:00,5Z": "2026-01-01T00:00:00.5Z",
		"0001-01-01T00:00:00+23:00": "0001-01-01T00:00:00.000001Z", "9999-12-31T23:59:59-23:00": "9999-12-31T23:59:59.999999Z",
	} {
		if got, ok := newest.Place(map[string]string{"at": text, "id": "urn:uuid:" + row.ID}); !ok || got.Key != want || got.ID != row.ID {
			t.Errorf("%s is the place %+v", text, got)
		}
	}
	if _, ok := (readmodel.Sort{Name: "at", Type: "int"}).Place(map[string]string{"at": "noon", "id": row.ID}); ok {
		t.Error("what nobody has checked is a place")
	}
}

func TestSortName(t *testing.T) {
	if got := readmodel.SortName("ÄPFEL" + strings.Repeat("Ö", 100)); got != "äpfel"+strings.Repeat("ö", 35) {
		t.Error(got)
	}
}
