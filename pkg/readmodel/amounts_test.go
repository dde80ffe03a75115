package readmodel_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/fstest"

	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/readmodel"
)

const createPriced = `-- +goose Up
create table priced (id uuid primary key, name text collate "C" not null, currency text collate "C" not null, minor bigint not null);
insert into priced select md5(n::text)::uuid, lpad((n * 7919 % 4000)::text, 4, '0'), (array['EUR', 'JPY', 'USD'])[1 + n % 3], n * 31 % 1500 from generate_series(1, 4000) n;
create index priced_by_name on priced (name, id);
create index priced_by_amount on priced (((currency || lpad(minor::text, 19, '0')) collate "C"), id);
analyze priced;
`

type priced struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Currency string `json:"currency"`
	Minor    int64  `json:"minor"`
}

func (p priced) Place(s readmodel.Sort) readmodel.Place {
	if s.Name == byAmount.Name {
		return readmodel.Place{Key: readmodel.MoneyKey(money.Amount{Minor: p.Minor, Currency: p.Currency}), ID: p.ID}
	}
	return readmodel.Place{Key: p.Name, ID: p.ID}
}

var byAmount = readmodel.ByMoney("amount", "currency", "minor")

// A range of amounts is said in another way for each way in which a list is read: all select the same.
func TestARangeOfAmountsIsTheSameInEachWay(t *testing.T) {
	db := pgtest.New(t, pg.Migrations{Name: "priced", FS: fstest.MapFS{"00001_priced.sql": {Data: []byte(createPriced)}}})
	table := readmodel.NewTable[priced]("priced", "")
	eur := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }
	for name, test := range map[string]struct {
		where []readmodel.Condition
		least int64
		most  int64
	}{
		"few":        {[]readmodel.Condition{byAmount.AtLeast(eur(30)), byAmount.AtMost(eur(60))}, 30, 60},
		"many":       {[]readmodel.Condition{byAmount.AtLeast(eur(9)), byAmount.AtMost(eur(1400))}, 9, 1400},
		"a currency": {[]readmodel.Condition{byAmount.AtLeast(eur(0)), byAmount.UpTo("EUR")}, 0, 1500},
		"one":        {[]readmodel.Condition{byAmount.AtLeast(eur(93)), byAmount.AtMost(eur(93))}, 93, 93},
	} {
		var want []string
		var id string
		if err := pg.ForEach(t.Context(), db.Pool(), []any{&id}, func() { want = append(want, id) },
			"select id::text from priced where currency = 'EUR' and minor between $1 and $2 order by id", test.least, test.most); err != nil {
			t.Fatal(err)
		}
		for _, sort := range []readmodel.Sort{byAmount, byAmount.Backwards(), byName} {
			t.Run(fmt.Sprint(name, " by ", sort.Name, " ", sort.Desc), func(t *testing.T) {
				q := readmodel.Query{Sort: sort, Where: test.where, Limit: 100, Way: new(readmodel.Way)}
				var got []string
				for {
					page, err := table.Page(t.Context(), db, q)
					if err != nil {
						t.Fatal(err)
					}
					for _, p := range page.Rows {
						got = append(got, p.ID)
					}
					if q.After = page.After; q.After == nil {
						break
					}
				}
				if slices.Sort(got); !slices.Equal(got, want) || len(want) == 0 {
					t.Errorf("%d rows, not %d", len(got), len(want))
				}
			})
		}
	}
}
