package readmodel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/search"
)

// A list that somebody narrows is read in one of two ways, of which neither costs more in a larger table.
// Where one of the conditions selects few rows, these are read, by its index, and the rest is sorted out of
// them. Else so many rows are looked through in the list's order, and a page says where it has stopped.
const (
	mostFew      = 500      // rows that one condition selects, each of them somewhere else on the disk
	mostTogether = 2000     // of a time, which lie together as they were written
	mostLooked   = 1000     // rows in the list's order
	sampled      = 100      // rows that tell whether a page of a search is met at once
	bySearch     = "search" // as what a condition's rows are found by
)

// Way is how a narrowed list is read, which is found out once for all that a page asks for.
type Way struct {
	// Usual is the list's own order, by a time, in which an index has the rows of each tab; none unless it is
	// said.
	Usual Sort

	known bool
	by    string // whose rows are few: the By of conditions, or bySearch; "" for the list's order
}

// isBounded reports whether people have narrowed the list, beyond what its tabs have in their order.
func (q Query) isBounded() bool {
	return q.Way != nil && (q.Search != "" || slices.ContainsFunc(q.Where, func(c Condition) bool { return c.By != "" && c.By != InTab || !q.isOfOrder(c) }))
}

// groups are what rows can be found by beside the sort.
func (q Query) groups() (by []string) {
	for _, c := range q.Where {
		if !q.isOfOrder(c) && !slices.Contains(by, c.By) {
			by = append(by, c.By)
		}
	}
	return by
}

// few is how many rows are few, of those that are found by something.
func (q Query) few(by string) int {
	if by == q.Way.Usual.SQL {
		return mostTogether
	}
	return mostFew
}

// isOfOrder reports whether the sort's index has a condition's rows together.
func (q Query) isOfOrder(c Condition) bool {
	return c.By == "" || c.By == InTab && !q.Sort.OfAll || c.By == q.Sort.SQL
}

// joined is one condition of those that keep selects, as indexes find them, and of others.
func (q Query) joined(keep func(Condition) bool, others ...Condition) Condition {
	return q.join(keep, func(c Condition) *Condition {
		if c.By == q.Sort.SQL {
			return c.inOrder
		}
		return nil
	}, others)
}

// atHand is joined for rows that have been read.
func (q Query) atHand(keep func(Condition) bool, others ...Condition) Condition {
	return q.join(keep, func(c Condition) *Condition { return c.atHand }, others)
}

func (q Query) join(keep func(Condition) bool, instead func(Condition) *Condition, others []Condition) (all Condition) {
	parts := []string{"true"}
	add := func(c Condition) { parts, all.Args = append(parts, c.SQL), append(all.Args, c.Args...) }
	for _, c := range q.Where {
		if !keep(c) {
			continue
		}
		if other := instead(c); other != nil {
			c = *other
		}
		add(c)
	}
	for _, c := range others {
		add(c)
	}
	all.SQL = strings.Join(parts, " and ")
	return all
}

// source selects the rows that are looked at, and rest is what else they must have: of few rows those of one
// kind of conditions, or else so many behind a place in the list's order, or from its beginning.
func (t Table[T]) source(q Query, by string, from *Place, backwards bool, looked int) (source, rest Condition) {
	var behind []Condition
	if from != nil {
		behind = append(behind, q.Sort.behind(*from, backwards))
	}
	if by == "" {
		where := q.joined(q.isOfOrder, behind...)
		source = Where(fmt.Sprintf("select *, %s as place_key from %s where %s order by %s limit %d",
			q.Sort.SQL, t.name, where.SQL, q.Sort.order(q.Sort.SQL, backwards), looked), where.Args...)
		return source, q.atHand(func(c Condition) bool { return !q.isOfOrder(c) }, t.isFound(q)...)
	}
	var found []Condition
	if by == bySearch {
		found = append(found, t.found(q))
	} else {
		behind = append(behind, t.isFound(q)...)
	}
	where := q.joined(func(c Condition) bool { return c.By == "" || c.By == by }, found...)
	source = Where(fmt.Sprintf("select *, %s as place_key from %s where %s limit %d", q.Sort.SQL, t.name, where.SQL, q.few(by)), where.Args...)
	return source, q.atHand(func(c Condition) bool { return c.By != "" && c.By != by }, behind...)
}

// found selects the rows of a search by its index.
func (t Table[T]) found(q Query) Condition {
	if t.terms == "" {
		return t.matching(q)
	}
	among, args := search.Among(q.Search, q.Marks...)
	return Where(fmt.Sprintf("id = any (array(select id from %s where %s limit %d))", t.terms, among, mostFew+1), args...)
}

// isFound tells of a row that is there whether a search finds it.
func (t Table[T]) isFound(q Query) []Condition {
	switch {
	case q.Search == "":
		return nil
	case t.terms == "":
		return []Condition{t.matching(q)}
	}
	among, args := search.Among(q.Search, q.Marks...)
	return []Condition{Where(fmt.Sprintf("exists (select from %s where %[1]s.id = %s.id and %s)", t.terms, t.name, among), args...)}
}

// choose finds out how a query is read, and sets what the statements of a transaction are planned by.
func (t Table[T]) choose(ctx context.Context, tx *pg.Tx, q Query) (by string, err error) {
	tx.Queue("set local plan_cache_mode = force_custom_plan")
	if !q.Way.known {
		// A bitmap is made of all that there is, before the first row is read.
		tx.Queue("set local enable_bitmapscan = off")
		if q.Way.by, err = t.fewest(ctx, tx, q); err != nil {
			return "", fmt.Errorf("look for few of %s: %w", t.name, err)
		}
		q.Way.known = true
	}
	// Words have no index but one that is read so.
	tx.Queue("select set_config('enable_bitmapscan', $1, true)", strconv.FormatBool(q.Way.by == bySearch))
	return q.Way.by, nil
}

// fewest returns whose rows are fewest; "" where none are few.
func (t Table[T]) fewest(ctx context.Context, tx *pg.Tx, q Query) (by string, err error) {
	groups := q.groups()
	if len(groups) == 0 && q.Search == "" {
		return "", nil
	}
	counts := make([]int, len(groups))
	for i, group := range groups {
		where := q.joined(func(c Condition) bool { return c.By == "" || c.By == group })
		count := fmt.Sprintf("select count(*) from (select from %s where %s limit %d) as few", t.name, where.SQL, q.few(group)+1)
		tx.QueueRow(numbered(count), where.Args, &counts[i])
	}
	rare, err := t.isRare(ctx, tx, q)
	if err != nil {
		return "", err
	}
	if rare {
		found := t.found(q)
		groups, counts = append(groups, bySearch), append(counts, 0)
		tx.Queue("set local enable_bitmapscan = on")
		count := fmt.Sprintf("select count(*) from (select from %s where %s limit %d) as few", t.name, found.SQL, mostFew+1)
		tx.QueueRow(numbered(count), found.Args, &counts[len(groups)-1])
		if err := tx.Flush(ctx); err != nil {
			return "", err
		}
	}
	least := mostTogether + 1
	for i, n := range counts {
		if n <= q.few(groups[i]) && n < least {
			by, least = groups[i], n
		}
	}
	return by, nil
}

// isRare reports whether what is searched for is looked up in its index, which is read for all that have it:
// not where a page of them is to be met in the list's order. What is queued goes with its first round trip.
func (t Table[T]) isRare(ctx context.Context, tx *pg.Tx, q Query) (bool, error) {
	typed := search.Query(q.Search)
	table, column := t.terms, "lexemes"
	if table == "" {
		table, column = t.name, "found"
	}
	var all float64
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if typed != "" {
		tx.QueueRow("select greatest(reltuples, 1)::float8 from pg_class where oid = $1::regclass", []any{table}, &all)
		tx.Queue(fmt.Sprintf("explain (format json) select from %s where %s @@ $1::tsquery", table, column), typed).QueryRow(func(row pgx.Row) error {
			var plan []byte
			return errors.Join(row.Scan(&plan), json.Unmarshal(plan, &plans))
		})
	}
	if err := tx.Flush(ctx); err != nil || typed == "" {
		return q.Search != "", err
	}
	if len(plans) > 0 && plans[0].Plan.Rows*mostLooked >= float64(q.Limit)*all {
		return false, nil
	}
	// Of how words begin the planner knows nothing where few words are common.
	q = q.counting("", false)
	first, found := q.joined(q.isOfOrder), q.joined(func(Condition) bool { return false }, t.isFound(q)...)
	sample := fmt.Sprintf("select count(*) from (select * from %s where %s order by %s limit %d) as %[1]s where %[5]s",
		t.name, first.SQL, q.Sort.order(q.Sort.SQL, false), sampled, found.SQL)
	var met int
	tx.QueueRow(numbered(sample), slices.Concat(first.Args, found.Args), &met)
	err := tx.Flush(ctx)
	return met < min(q.Limit, sampled), err
}

// boundedPage is Page for a narrowed list. One that stops before the list has ended leads on from there.
func (t Table[T]) boundedPage(ctx context.Context, db *pg.DB, q Query) (page Page[T], err error) {
	err = db.InTx(ctx, func(tx *pg.Tx) error {
		by, err := t.choose(ctx, tx, q)
		if err != nil {
			return err
		}
		if q.Before != nil {
			rows, stopped, err := t.look(ctx, tx, q, by, q.Before, true)
			if err != nil {
				return err
			}
			switch {
			case len(rows) > q.Limit, stopped != nil && len(rows) > 0:
				page = pageBefore(q, rows)
			case stopped != nil:
				page = Page[T]{After: stopped}
			}
			if stopped != nil {
				page.Before, page.Looked, page.Backwards = stopped, mostLooked, true
			}
			if page.Before != nil {
				return nil
			}
			q.After = nil
		}
		rows, stopped, err := t.look(ctx, tx, q, by, q.After, false)
		if err != nil {
			return err
		}
		page = pageOf(q, rows)
		if page.Before == nil {
			page.Before = q.After
		}
		if stopped != nil {
			page.After, page.Looked = stopped, mostLooked
		}
		return nil
	})
	if err != nil {
		return page, fmt.Errorf("list %s: %w", t.name, err)
	}
	return page, nil
}

// look reads one row more than a page has. Where it has stopped before it has found so many, it says where.
func (t Table[T]) look(ctx context.Context, tx *pg.Tx, q Query, by string, from *Place, backwards bool) (rows []T, stopped *Place, err error) {
	source, rest := t.source(q, by, from, backwards, mostLooked)
	find := tx.Gorm().Table("(?) as "+t.name, gorm.Expr(source.SQL, source.Args...)).Session(&gorm.Session{QueryFields: true})
	if t.selected != nil {
		find = t.selected(find)
	}
	find = find.Where(rest.SQL, rest.Args...).Order(q.Sort.order("place_key", backwards)).Limit(q.Limit + 1)
	if err := find.Find(&rows).Error; err != nil || by != "" || len(rows) > q.Limit {
		return rows, nil, err
	}
	var last string
	var at time.Time
	p, key := &Place{}, any(&last)
	if q.Sort.Type == "timestamptz" {
		key = &at
	}
	where := q.lookedAt(from, backwards)
	err = tx.QueryRow(ctx, numbered(fmt.Sprintf("select %s, id::text as place_id from %s where %s order by %s offset %d limit 1",
		q.Sort.SQL, t.name, where.SQL, q.Sort.order(q.Sort.SQL, backwards), mostLooked-1)), where.Args...).Scan(key, &p.ID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return rows, nil, nil
	case err != nil:
		return rows, nil, err
	case q.Sort.Type == "timestamptz":
		*p = TimePlace(at, p.ID)
	default:
		p.Key = last
	}
	return rows, p, nil
}

// lookedAt selects what is looked through in the list's order.
func (q Query) lookedAt(from *Place, backwards bool) Condition {
	if from == nil {
		return q.joined(q.isOfOrder)
	}
	return q.joined(q.isOfOrder, q.Sort.behind(*from, backwards))
}

// numbered is SQL with its parameters as pgx has them.
func numbered(sql string) string {
	parts := strings.Split(sql, "?")
	for i := 1; i < len(parts); i++ {
		parts[i] = fmt.Sprintf("$%d%s", i, parts[i])
	}
	return strings.Join(parts, "")
}
