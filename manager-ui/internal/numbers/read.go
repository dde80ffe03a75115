package numbers

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"time"

	"countersign.example/pkg/pg"
)

// Sum is how many there were, and what they come to in minor units of one currency.
type Sum struct {
	N     int64
	Minor *big.Int
}

// Tally is what happened in a step, by kind, detail and currency.
type Tally map[tallied]Sum

type tallied struct{ kind, detail, currency string }

// Count is how many there were of a kind, in all currencies.
func (t Tally) Count(kind string) (n int64) {
	for k, s := range t {
		if k.kind == kind {
			n += s.N
		}
	}
	return n
}

// Money is how many there were of a kind in a currency, and what they come to.
func (t Tally) Money(kind, currency string) Sum {
	s := Sum{Minor: new(big.Int)}
	for k, one := range t {
		if k.kind == kind && k.currency == currency {
			s.N += one.N
			s.Minor.Add(s.Minor, one.Minor)
		}
	}
	return s
}

// Details are how many there were of a kind, by what it says further.
func (t Tally) Details(kind string) map[string]int64 {
	n := map[string]int64{}
	for k, s := range t {
		if k.kind == kind {
			n[k.detail] += s.N
		}
	}
	return n
}

// Decided is how many decisions there were, and how long a share of them took at most: 0.5 for the median.
// It is at most a tenth away from the true one.
func (t Tally) Decided(share float64) (took time.Duration, n int64) {
	by := map[int]int64{}
	var classes []int
	for detail, many := range t.Details(decided) {
		class, _ := strconv.Atoi(detail)
		by[class] += many
		classes = append(classes, class)
		n += many
	}
	if n == 0 {
		return 0, 0
	}
	slices.Sort(classes)
	rank, below := share*float64(n), 0.0
	for _, class := range classes {
		if many := float64(by[class]); below+many >= rank {
			return within(class, (rank-below)/many), n
		}
		below += float64(by[class])
	}
	return within(classes[len(classes)-1], 1), n
}

// Read adds up what happened in each step, in one currency or, for "", in all.
func Read(ctx context.Context, db *pg.DB, steps []Step, currency string) ([]Tally, error) {
	tallies := make([]Tally, len(steps))
	var segments []segment
	for i, s := range steps {
		tallies[i] = Tally{}
		segments = append(segments, cover(i, s.From, s.To)...)
	}
	err := readSums(ctx, db, segments, currency, `s.kind <> 'waiting'`, func(step int, k tallied, s Sum) { tallies[step][k] = s })
	if err != nil {
		return nil, fmt.Errorf("read the numbers: %w", err)
	}
	return tallies, nil
}

// Ages are how long what waits has waited at least, each but the last less than the next.
var Ages = []time.Duration{0, time.Hour, 4 * time.Hour, 24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour}

// Waits adds up what waits now, by Ages, to the quarter of an hour.
func Waits(ctx context.Context, db *pg.DB, now time.Time, currency string) ([]Tally, error) {
	tallies := make([]Tally, len(Ages))
	to := endOf(quarter, beginOf(quarter, now)).AddDate(1, 0, 0) // also what a clock that is ahead has requested
	var segments []segment
	for i := range Ages {
		from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		if i+1 < len(Ages) {
			from = beginOf(quarter, now.Add(-Ages[i+1])).Add(quarterHour)
		}
		tallies[i] = Tally{}
		segments = append(segments, cover(i, from, to)...)
		to = from
	}
	err := readSums(ctx, db, segments, currency, `s.kind = 'waiting'`, func(step int, k tallied, s Sum) { tallies[step][k] = s })
	if err != nil {
		return nil, fmt.Errorf("read what waits by age: %w", err)
	}
	return tallies, nil
}

// CountWaiting is how many of a tally of Waits wait.
func (t Tally) CountWaiting() int64 { return t.Count(waiting) }

// WaitingIn is what waits in a currency.
func (t Tally) WaitingIn(currency string) Sum { return t.Money(waiting, currency) }

// Currencies are those of tallies, sorted.
func Currencies(tallies []Tally) (all []string) {
	for _, t := range tallies {
		for k := range t {
			if !slices.Contains(all, k.currency) {
				all = append(all, k.currency)
			}
		}
	}
	slices.Sort(all)
	return all
}

func columnsOf(segments []segment) []any {
	return []any{
		pg.Column(segments, func(s segment) int32 { return int32(s.step) }), pg.Column(segments, func(s segment) string { return s.span }),
		pg.Column(segments, func(s segment) time.Time { return s.from }), pg.Column(segments, func(s segment) time.Time { return s.to }),
	}
}

func readSums(ctx context.Context, db *pg.DB, segments []segment, currency, where string, each func(step int, k tallied, s Sum)) error {
	var step int
	var k tallied
	var n int64
	var minor string
	return pg.ForEach(ctx, db.Pool(), []any{&step, &k.currency, &k.kind, &k.detail, &n, &minor}, func() {
		each(step, k, Sum{n, integer(minor)})
	}, `select g.step, s.currency, s.kind, s.detail, sum(s.n)::bigint, sum(s.minor)::text
		from unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) as g (step, span, since, until)
		join number_sums as s on s.span = g.span and s.at >= g.since and s.at < g.until
		where `+where+` and ($5 = '' or s.currency = $5) group by 1, 2, 3, 4`, append(columnsOf(segments), currency)...)
}

func integer(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

// MostContractors is how many have a row of their own.
const MostContractors = 20

// Contractor is what one of the contractors asked for in a period, and what became of it.
type Contractor struct {
	ID, Name string
	Tally
}

// Contractors are those who asked for most payments in a period, or decided or paid in it, most first.
func Contractors(ctx context.Context, db *pg.DB, from, to time.Time, currency string) (all []Contractor, err error) {
	var id, name string
	var k tallied
	var n int64
	var minor string
	err = pg.ForEach(ctx, db.Pool(), []any{&id, &name, &k.currency, &k.kind, &n, &minor}, func() {
		if len(all) == 0 || all[len(all)-1].ID != id {
			all = append(all, Contractor{id, name, Tally{}})
		}
		all[len(all)-1].Tally[k] = Sum{n, integer(minor)}
	}, `with added as materialized (
			select s.contractor, s.currency, s.kind, sum(s.n)::bigint as n, sum(s.minor) as minor
			from unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) as g (step, span, since, until)
			join number_contractor_sums as s on s.span = g.span and s.at >= g.since and s.at < g.until
			where $5 = '' or s.currency = $5 group by 1, 2, 3),
		ranked as materialized (select contractor, coalesce(sum(n) filter (where kind = 'requested'), 0) as asked, sum(n) as happened from added group by 1),
		first as materialized (select contractor, row_number() over (order by asked desc, happened desc, contractor) as place from ranked
			order by place limit $6)
		select a.contractor, coalesce((select name from number_contractors as c where c.contractor = a.contractor), a.contractor), a.currency, a.kind, a.n, a.minor::text
		from first as f join added as a on a.contractor = f.contractor order by f.place`,
		append(columnsOf(cover(0, from, to)), currency, MostContractors)...)
	if err != nil {
		return nil, fmt.Errorf("read the numbers by contractor: %w", err)
	}
	return all, nil
}

// Freshness is as of when the numbers are.
type Freshness struct {
	AsOf  time.Time // zero if they were never complete
	Waits int       // events that are not counted yet, MostWaits at most
}

// MostWaits is how many events that are not counted yet are counted at most.
const MostWaits = 1000

// Fresh tells how fresh the numbers are.
func Fresh(ctx context.Context, db *pg.DB) (f Freshness, err error) {
	var at *time.Time
	err = db.Pool().QueryRow(ctx, `select as_of, clock_timestamp(), (select count(*) from (select from journal where position > seen order by position limit $1) as w)
		from number_progress`, MostWaits).Scan(&at, &f.AsOf, &f.Waits)
	if err != nil {
		return f, fmt.Errorf("look how fresh the numbers are: %w", err)
	}
	if at == nil {
		f.AsOf = time.Time{}
	} else if f.Waits > 0 {
		f.AsOf = *at
	}
	return f, nil
}

// Add adds what another tally has.
func (t Tally) Add(other Tally) {
	for k, s := range other {
		had := t[k]
		if had.Minor == nil {
			had.Minor = new(big.Int)
		}
		t[k] = Sum{had.N + s.N, new(big.Int).Add(had.Minor, s.Minor)}
	}
}

// Without is the tally less what another one has.
func (t Tally) Without(other Tally) Tally {
	less := Tally{}
	for k, s := range other {
		less[k] = Sum{-s.N, new(big.Int).Neg(s.Minor)}
	}
	left := Tally{}
	left.Add(t)
	left.Add(less)
	return left
}
