package readmodel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/search"
)

// Sort is an order of a list. Rows that are equal in it follow each other by their ids.
type Sort struct {
	Name string // in addresses
	SQL  string // what is sorted by, as its index has it
	Type string // of that: timestamptz or text
	Desc bool
}

// Place is a place in a list: what its sort has of a row that need not be there any more, and the row's id.
type Place struct{ Key, ID string }

// TimePlace is the place of a row that is sorted by a time.
func TimePlace(at time.Time, id string) Place {
	return Place{event.Kept(at).Format(time.RFC3339Nano), id}
}

// Fields are a place for an address.
func (s Sort) Fields(p Place) map[string]string { return map[string]string{s.Name: p.Key, "id": p.ID} }

// Place reads what Fields made; false if it is something else. It writes a time and an id again, since Go
// reads spellings of them that PostgreSQL does not.
func (s Sort) Place(fields map[string]string) (p Place, ok bool) {
	key, ok := fields[s.Name]
	id, err := uuid.Parse(fields["id"])
	if !ok || err != nil || len(fields) != 2 {
		return p, false
	}
	switch s.Type {
	case "text":
		return Place{key, id.String()}, utf8.ValidString(key) && !strings.ContainsRune(key, 0)
	case "timestamptz":
		at, err := time.Parse(time.RFC3339Nano, key)
		return TimePlace(at, id.String()), err == nil && at.Year() >= 1
	}
	return p, false
}

// Condition is a part of a statement's where, with its parameters as question marks. By is what an index of
// the table finds its rows by: what it compares, or InTab for what all indexes of sorts begin with where a list
// has tabs. Without it, all indexes of the table begin with what it compares: whose rows they are.
type Condition struct {
	SQL  string
	Args []any
	By   string
}

// InTab is the By of a condition that says which rows a tab has.
const InTab = "tab"

// On says what an index finds the condition's rows by.
func (c Condition) On(by string) Condition { c.By = by; return c }

// Where makes a Condition.
func Where(sql string, args ...any) Condition { return Condition{SQL: sql, Args: args} }

// Query asks for one page of a list: from its beginning, or the one After or Before a place.
type Query struct {
	Sort          Sort
	Where         []Condition
	Search        string   // rows that have all parts of it, or an id that begins with it; "" for all
	Marks         []string // what search terms have of rows that may be found: see search.Mark
	After, Before *Place
	Limit         int
	Select        string // the columns that are read; "" for all
	// Narrowed is set where the parameters decide how many rows fit: the statement is then planned for them,
	// each time.
	Narrowed bool
}

// Page is a page of a list, in its order, and where the pages beside it begin; nil where there is none.
type Page[T Row] struct {
	Rows          []T
	Before, After *Place
	First         bool // it was read from the list's beginning
}

// Page reads a page. Where fewer rows than a page are left before Before, it reads the first page instead.
func (t Table[T]) Page(ctx context.Context, db *pg.DB, q Query) (Page[T], error) {
	if q.Before != nil {
		rows, err := t.read(ctx, db, q, q.Before, true)
		if err != nil {
			return Page[T]{}, err
		}
		if len(rows) > q.Limit {
			rows = rows[:q.Limit]
			slices.Reverse(rows)
			return Page[T]{Rows: rows, Before: q.place(rows[0]), After: q.place(rows[len(rows)-1])}, nil
		}
		q.After = nil
	}
	rows, err := t.read(ctx, db, q, q.After, false)
	if err != nil {
		return Page[T]{}, err
	}
	page := Page[T]{Rows: rows, First: q.After == nil}
	if len(rows) > q.Limit {
		page.Rows = rows[:q.Limit]
		page.After = q.place(page.Rows[q.Limit-1])
	}
	if q.After != nil && len(rows) > 0 {
		page.Before = q.place(rows[0])
	}
	return page, nil
}

// errStopped ends a transaction of All whose reader wants no more.
var errStopped = errors.New("the reader has stopped")

// All reads every row of a list as it is at this moment: by one statement, however long the list is, and
// Limit rows at a time.
func (t Table[T]) All(ctx context.Context, db *pg.DB, q Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := db.InTx(ctx, func(tx *pg.Tx) error {
			direction := q.Sort.direction(false)
			var none []T
			list := t.selectedBy(t.rows(tx.Gorm().Session(&gorm.Session{DryRun: true})), q).Order(q.Sort.SQL + direction + ", id" + direction)
			if q.Select != "" {
				list = list.Select(q.Select)
			}
			statement := list.Find(&none).Statement
			for _, setting := range [][2]string{
				{"plan_cache_mode", "force_custom_plan"}, {"cursor_tuple_fraction", "1"},
				{"idle_in_transaction_session_timeout", "60s"}, // while the reader is busy with what it has
			} {
				tx.Queue("select set_config($1, $2, true)", setting[0], setting[1])
			}
			if _, err := tx.Exec(ctx, "declare whole no scroll cursor for "+statement.SQL.String(), statement.Vars...); err != nil {
				return err
			}
			for {
				var rows []T
				if err := tx.Gorm().Raw(fmt.Sprintf("fetch %d from whole", q.Limit)).Scan(&rows).Error; err != nil {
					return err
				}
				for _, row := range rows {
					if !yield(row, nil) {
						return errStopped
					}
				}
				if len(rows) < q.Limit {
					return nil
				}
			}
		})
		if err != nil && !errors.Is(err, errStopped) {
			var none T
			yield(none, fmt.Errorf("list all %s: %w", t.name, err))
		}
	}
}

func (q Query) place(row Row) *Place {
	p := row.Place(q.Sort)
	return &p
}

// MostCounted bounds how many rows of a list that somebody narrowed are counted.
const MostCounted = 100

// CountNarrowed counts the rows that a query selects, on all its pages: MostCounted and one more where there
// are more, so that a page costs the same however many are found.
func (t Table[T]) CountNarrowed(ctx context.Context, db *pg.DB, q Query) (n int, err error) {
	err = db.Search(ctx, true, func(db *gorm.DB) error {
		some := db.Session(&gorm.Session{}).Table(t.name).Select("1").Limit(MostCounted + 1)
		return db.Table("(?) as counted", t.selectedBy(some, q)).Select("count(*)").Scan(&n).Error
	})
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", t.name, err)
	}
	return n, nil
}

// MostSummed bounds how many rows of a list that somebody narrowed are added up.
const MostSummed = 1000

// Sums are how many rows a list has, and what they come to in each currency; Over means that there are more
// than MostSummed, of which nothing else is known.
type Sums struct {
	Count    int
	Amounts  []money.Amount // by their currencies
	Unpriced int            // rows without a currency, which add nothing
	Over     bool
}

// AddUp counts and adds up the rows that a query selects, on all its pages, by what SQL has as their
// currencies and their minor units; no currency adds nothing. It looks at MostSummed rows and one more at most.
func (t Table[T]) AddUp(ctx context.Context, db *pg.DB, q Query, currency, minor string) (s Sums, err error) {
	var groups []struct {
		Currency    string
		Rows, Total int64
	}
	err = db.Search(ctx, true, func(db *gorm.DB) error {
		some := db.Session(&gorm.Session{}).Table(t.name).Select(currency + " as currency, " + minor + " as minor").Limit(MostSummed + 1)
		sum := db.Table("(?) as found", t.selectedBy(some, q)).Select("currency, count(*) as rows, least(sum(minor), ?)::bigint as total", int64(math.MaxInt64))
		return sum.Group("currency").Order("currency").Scan(&groups).Error
	})
	if err != nil {
		return s, fmt.Errorf("add up %s: %w", t.name, err)
	}
	for _, g := range groups {
		if s.Count += int(g.Rows); g.Currency == "" {
			s.Unpriced = int(g.Rows)
			continue
		}
		s.Amounts = append(s.Amounts, money.Amount{Minor: g.Total, Currency: g.Currency})
	}
	if s.Over = s.Count > MostSummed; s.Over {
		s = Sums{Count: MostSummed, Over: true}
	}
	return s, nil
}

// selectedBy adds a query's conditions, and what is searched for.
func (t Table[T]) selectedBy(find *gorm.DB, q Query) *gorm.DB {
	for _, c := range q.Where {
		find = find.Where(c.SQL, c.Args...)
	}
	if q.Search != "" {
		found := t.matching(q)
		find = find.Where(found.SQL, found.Args...)
	}
	return find
}

// read reads one row more than a page has, if there are more, from a place on or from the list's beginning.
func (t Table[T]) read(ctx context.Context, db *pg.DB, q Query, from *Place, backwards bool) (rows []T, err error) {
	direction, than := q.Sort.direction(backwards), ">"
	if direction != "" {
		than = "<"
	}
	narrowed := q.Narrowed || q.Search != "" && t.terms != ""
	err = db.Search(ctx, narrowed, func(db *gorm.DB) error {
		find := t.rows(db).Order(q.Sort.SQL + direction + ", id" + direction).Limit(q.Limit + 1)
		if q.Select != "" {
			find = find.Select(q.Select)
		}
		find = t.selectedBy(find, q)
		if from != nil {
			find = find.Where(fmt.Sprintf("(%s, id) %s (?::%s, ?::uuid)", q.Sort.SQL, than, q.Sort.Type), from.Key, from.ID)
		}
		return find.Find(&rows).Error
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", t.name, err)
	}
	return rows, nil
}

// matching selects the rows that people mean by a text.
func (t Table[T]) matching(q Query) Condition {
	if t.terms != "" {
		found, args := search.Where(t.terms, q.Search, q.Marks...)
		return Where(found, args...)
	}
	query := search.Query(q.Search, q.Marks...)
	if query == "" {
		return Where("false")
	}
	return Where("found @@ ?::tsquery", query)
}
