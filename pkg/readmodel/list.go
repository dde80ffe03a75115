package readmodel

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/search"
)

// Sort is an order of a list. Rows that are equal in it follow each other by their ids.
type Sort struct {
	Name string // in addresses
	SQL  string // what is sorted by, as its index has it
	Type string // of that: timestamptz or text
	Desc bool
	// OfAll says that no index has the rows of each tab in this order, only one that has all rows. It is for
	// what people sort by less often: each index is written with every change.
	OfAll bool

	currency, minor string // as SQL, of ByMoney
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
// the table finds its rows by: what it compares, or InTab for what all indexes of sorts begin with where a
// list has tabs. Without it, all indexes of the table begin with what it compares: whose rows they are.
type Condition struct {
	SQL  string
	Args []any
	By   string

	// The same in other words: for a row that has been read, where what an index has is dear to reckon; and for
	// the order of By, so that its index is all that the planner can choose. Nil where SQL is as good.
	atHand, inOrder *Condition
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
	Way      *Way // bounds what is looked through for a list that people narrow; nil where it is small
}

// Page is a page of a list, in its order, and where the pages beside it begin; nil where there is none.
type Page[T Row] struct {
	Rows          []T
	Before, After *Place
	First         bool // it was read from the list's beginning
	Looked        int  // so many rows were looked through, and there is more that was not; 0: all were
	Backwards     bool // and what was not lies before them
}

// Page reads a page. Where fewer rows than a page are left before Before, it reads the first page instead.
func (t Table[T]) Page(ctx context.Context, db *pg.DB, q Query) (Page[T], error) {
	if q.isBounded() {
		return t.boundedPage(ctx, db, q)
	}
	if q.Before != nil {
		rows, err := t.read(ctx, db, q, q.Before, true)
		if err != nil {
			return Page[T]{}, err
		}
		if len(rows) > q.Limit {
			return pageBefore(q, rows), nil
		}
		q.After = nil
	}
	rows, err := t.read(ctx, db, q, q.After, false)
	if err != nil {
		return Page[T]{}, err
	}
	return pageOf(q, rows), nil
}

// pageOf makes the page after q's place of its rows, of which one more than its limit has been read.
func pageOf[T Row](q Query, rows []T) Page[T] {
	page := Page[T]{Rows: rows, First: q.After == nil}
	if len(rows) > q.Limit {
		page.Rows = rows[:q.Limit]
		page.After = q.place(page.Rows[q.Limit-1])
	}
	if q.After != nil && len(rows) > 0 {
		page.Before = q.place(rows[0])
	}
	return page
}

// pageBefore makes the page before a place of its rows, which have been read backwards.
func pageBefore[T Row](q Query, rows []T) Page[T] {
	rows = rows[:min(len(rows), q.Limit)]
	slices.Reverse(rows)
	return Page[T]{Rows: rows, Before: q.place(rows[0]), After: q.place(rows[len(rows)-1])}
}

// errStopped ends a transaction of All whose reader wants no more.
var errStopped = errors.New("the reader has stopped")

// All reads every row of a list as it is at this moment: by one statement, however long the list is, and
// Limit rows at a time.
func (t Table[T]) All(ctx context.Context, db *pg.DB, q Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := db.InTx(ctx, func(tx *pg.Tx) error {
			var none []T
			list := t.selectedBy(t.rows(tx.Gorm().Session(&gorm.Session{DryRun: true})), q).Order(q.Sort.order(q.Sort.SQL, false))
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
			// Its name tells its columns: a connection remembers which those are that a statement fetches.
			hash := fnv.New64a()
			_, _ = hash.Write([]byte(statement.SQL.String()))
			cursor := fmt.Sprintf("whole_%x", hash.Sum64())
			if _, err := tx.Exec(ctx, "declare "+cursor+" no scroll cursor for "+statement.SQL.String(), statement.Vars...); err != nil {
				return err
			}
			for {
				var rows []T
				if err := tx.Gorm().Raw(fmt.Sprintf("fetch %d from %s", q.Limit, cursor)).Scan(&rows).Error; err != nil {
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
	// A tab may have a few rows of very many: a plan for whatever tab walks through all of them in their order.
	narrowed := q.Narrowed || q.Search != "" && t.terms != "" || slices.ContainsFunc(q.Where, func(c Condition) bool { return c.By == InTab })
	err = db.Search(ctx, narrowed, func(db *gorm.DB) error {
		find := t.rows(db).Order(q.Sort.order(q.Sort.SQL, backwards)).Limit(q.Limit + 1)
		if q.Select != "" {
			find = find.Select(q.Select)
		}
		find = t.selectedBy(find, q)
		if from != nil {
			behind := q.Sort.behind(*from, backwards)
			find = find.Where(behind.SQL, behind.Args...)
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
