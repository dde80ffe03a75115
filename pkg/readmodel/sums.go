package readmodel

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

const (
	// MostCounted bounds how many rows of a tab that somebody narrowed are counted.
	MostCounted = 100
	// MostSummed bounds how many rows of a list that somebody narrowed are added up.
	MostSummed = 1000
)

// Sums are how many rows a list has, and what they come to in each currency. More means that there are more
// of them, or that not all of the list was looked through: then nothing else is known.
type Sums struct {
	Count    int
	Amounts  []money.Amount // by their currencies
	Unpriced int            // rows without a currency, which add nothing
	More     bool
}

// AddUp counts and adds up the rows that a query selects, on all its pages, by what SQL has as their
// currencies and their minor units; no currency adds nothing. Counts are how many rows it selects in other
// tabs, by their conditions. All of it takes one round trip where the query's Way is known.
func (t Table[T]) AddUp(ctx context.Context, db *pg.DB, q Query, currency, minor string, tabs ...Condition) (s Sums, counts []Sums, err error) {
	if q.Way == nil {
		q.Way = new(Way)
	}
	tallies := make([]tally, len(tabs)+1)
	err = db.InTx(ctx, func(tx *pg.Tx) error {
		by, err := t.choose(ctx, tx, q)
		if err != nil {
			return err
		}
		t.queueSums(tx, q.counting(by, false), by, currency, minor, &tallies[0])
		for i, tab := range tabs {
			other := q.counting(by, true)
			other.Where = append(slices.DeleteFunc(slices.Clone(q.Where), func(c Condition) bool { return c.By == InTab }), tab.On(InTab))
			if by == InTab { // the rows of this tab are few, of the others nobody knows
				by = ""
			}
			t.queueCount(tx, other, by, &tallies[i+1])
		}
		return nil
	})
	if err != nil {
		return s, nil, fmt.Errorf("add up %s: %w", t.name, err)
	}
	for i, tally := range tallies {
		sums, err := tally.sums([]int{MostSummed, MostCounted}[min(i, 1)])
		if err != nil {
			return s, nil, err
		}
		if i == 0 {
			s = sums
		} else {
			counts = append(counts, sums)
		}
	}
	return s, counts, nil
}

// tally is what AddUp reads of one tab.
type tally struct {
	groups  string
	count   int
	stopped bool // before the list had ended
}

// counting is the query by the list's own order, where all that it selects is counted by what is looked
// through: an order does not matter then, and rows lie together in that one. Another order is kept for the
// condition that it has the rows of together, unless those of a tab are of more use.
func (q Query) counting(by string, tab bool) Query {
	ordered := slices.ContainsFunc(q.Where, func(c Condition) bool { return c.By == q.Sort.SQL })
	if by == "" && q.Way.Usual.SQL != "" && (!ordered || tab && q.Sort.OfAll) {
		q.Sort = q.Way.Usual
	}
	return q
}

// queueSums reads all rows that a page of the list would be looked for in, and one more: of a search fewer,
// whose words are looked up for each of them.
func (t Table[T]) queueSums(tx *pg.Tx, q Query, by, currency, minor string, into *tally) {
	looked := mostLooked
	if q.Search != "" {
		looked /= 4
	}
	source, rest := t.source(q, by, nil, false, looked+1)
	sql := fmt.Sprintf(`select coalesce(json_agg(g) filter (where g.rows > 0), '[]')::text, coalesce(sum(g.rows), 0)::bigint, coalesce(sum(g.looked), 0) > %d from (
		select currency, count(*) filter (where found) as rows, count(*) as looked, least(sum(minor) filter (where found), %d)::bigint as total from (
			select %s as currency, %s as minor, %s as found from (%s) as %s) as looked
		group by 1 order by 1) as g`,
		looked, int64(math.MaxInt64), currency, minor, rest.SQL, source.SQL, t.name)
	tx.QueueRow(numbered(sql), slices.Concat(rest.Args, source.Args), &into.groups, &into.count, &into.stopped)
}

// queueCount counts up to MostCounted rows and one more. There are several tabs, so that it looks through
// fewer rows than queueSums for each.
func (t Table[T]) queueCount(tx *pg.Tx, q Query, by string, into *tally) {
	const looked = mostLooked / 4
	source, rest := t.source(q, by, nil, false, looked)
	stopped := Where("false")
	if by == "" {
		all := q.lookedAt(nil, false)
		stopped = Where(fmt.Sprintf("exists (select from %s where %s order by %s offset %d)",
			t.name, all.SQL, q.Sort.order(q.Sort.SQL, false), looked), all.Args...)
	}
	sql := fmt.Sprintf(`select '[{"rows": ' || n || '}]', n, case when n > %d then false else %s end from (
		select count(*) as n from (select from (%s) as %s where %s limit %d) as found) as counted`,
		MostCounted, stopped.SQL, source.SQL, t.name, rest.SQL, MostCounted+1)
	tx.QueueRow(numbered(sql), slices.Concat(stopped.Args, source.Args, rest.Args), &into.groups, &into.count, &into.stopped)
}

func (t tally) sums(most int) (s Sums, err error) {
	var groups []struct {
		Currency    string
		Rows, Total int64
	}
	if err := json.Unmarshal([]byte(t.groups), &groups); err != nil {
		return s, fmt.Errorf("read sums: %w", err)
	}
	if t.count > most || t.stopped {
		return Sums{Count: min(t.count, most), More: true}, nil
	}
	s.Count = t.count
	for _, g := range groups {
		if g.Currency == "" {
			s.Unpriced = int(g.Rows)
			continue
		}
		s.Amounts = append(s.Amounts, money.Amount{Minor: g.Total, Currency: g.Currency})
	}
	return s, nil
}
