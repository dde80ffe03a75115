package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/web"
	"countersign.example/test/testsystem"
)

const (
	pageLooks = 40 // at each page
	slowPage  = 500 * time.Millisecond
	listsAim  = "1.20"
)

// listSizes are how many rows there are: few, and many.
var listSizes = [2]int{10_000, 1_000_000}

// lists measures how long the pages of the lists of orders and of payments take with few rows and with many.
// Those are written into the copies by SQL, for this bench only.
func lists(e *environment) {
	var systems [2]*testsystem.System
	for i, size := range listSizes {
		systems[i] = testsystem.New(e, testsystem.Unlimited...)
		for _, l := range benchLists {
			began := time.Now()
			l.fill(e.ctx, systems[i].Database[l.service], size)
			e.Logf("%d %s for %s in %s", size, l.name, l.service, time.Since(began).Round(time.Second))
		}
	}
	fmt.Printf("\nLists: a page with %d orders or payments and with %d, of three contractors (ms, GET to its last byte)\n\n", listSizes[0], listSizes[1])
	t := newTable(append([]string{"", "", "page"}, compared...)...)
	defer t.print() // what there is of it
	for _, l := range benchLists {
		var people [2]*person
		for i, sys := range systems {
			people[i] = must(signIn(e.ctx, sys.URL(l.service), l.person))
		}
		for _, page := range listPages {
			var paths [2]string
			for i, size := range listSizes {
				query := strings.NewReplacer("{price}", l.price, "{text}", l.text, "{day}", benchDay(), "{tab}", l.tab).Replace(page.query)
				if query == "deep" {
					query = "tab=" + l.all + "&" + l.older + "=" + l.deep(e.ctx, systems[i].Database[l.service], size)
				}
				paths[i] = l.path + "?" + query
			}
			if l.service == testsystem.Contractor && strings.Contains(page.query, "contractor=") {
				continue
			}
			name := strings.NewReplacer("{price}", l.price, "{text}", l.text).Replace(page.name)
			t.compare([]string{l.service, l.name, name}, pageLooks, slowPage, listsAim, func(which int) error {
				_, err := people[which].load(e.ctx, paths[which])
				return err
			})
		}
	}
}

// benchDay is a whole day in UTC, of which both sizes have all.
func benchDay() string { return time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly) }

// listPages are what the lists are asked for: as they are, in another order, and narrowed in each order.
var listPages = []struct{ name, query string }{
	{"first", ""}, {"deep", "deep"}, {"a tab", "tab={tab}"}, {"search for a number", "q=0007008"}, {"search for a word of all", "q=builders"},
	{"by {price}", "sort=-{price}"}, {"by {text}", "sort={text}"},
	{"a day", "from={day}&to={day}"}, {"a day, by {price}", "from={day}&to={day}&sort={price}"}, {"a day, by {text}", "from={day}&to={day}&sort={text}"},
	{"in a currency", "currency=EUR"}, {"in a currency, by {text}", "currency=EUR&sort={text}"},
	{"amounts within 1.00", "currency=EUR&least=120&most=121"}, {"amounts within 1.00, by {price}", "currency=EUR&least=120&most=121&sort={price}"},
	{"amounts within 1.00, by {text}", "currency=EUR&least=120&most=121&sort={text}"}, {"a contractor's, by {price}", "contractor=ada-nowak&sort={price}"},
	{"a word of all, by {price}", "q=builders&sort={price}"}, {"a word of all, amounts within 1.00", "q=builders&currency=EUR&least=120&most=121"},
}

// benchList is a list of a web app.
type benchList struct {
	service, person, name, path string
	table, terms, at            string // the table, that of what it is searched by, and its time
	all, older                  string // the tab that has all, and the address's parameter
	tab, price, text            string // another tab, and its other orders
	insert                      string // n is from 1 to the count, the newest first
}

// What waits does not grow with what there has been: it ends by itself.
const (
	benchRows = `(select n, md5(%s || n)::uuid as id, now() - n * interval '1 minute' as at,
	(array['ada-nowak', 'jon-park', 'sara-lind'])[1 + n %% 3] as whose, (array['EUR', 'EUR', 'USD'])[1 + n / 7 %% 3] as currency, 1200 * (1 + n %% 40) + n %% 97 as minor,
	%s, 'Northern Builders ' || n %% 500 as customer,
	'builders northern ' || lpad(n::text, 7, '0') as words
	from generate_series(1, $1::int) n) as made`
	benchStates = `case when n <= 1000 then 'draft' when n <= 2000 then 'submitted' when n % 10 < 8 then 'paid' when n % 10 = 8 then 'expired' else 'cancelled' end as state,
	case when n <= 1000 then '' else '2026/11/' || lpad(n::text, 7, '0') end as number`
	benchDecisions = `case when n <= 1000 then 'requested' when n % 10 < 8 then 'accepted' else 'rejected' end as decision`
)

// benchSearched is what a row is found by, of which the words of all are cut once.
const benchSearched = "search_lexemes('builders northern') || search_lexemes(substr(words, 19))"

var (
	benchOrders   = fmt.Sprintf(benchRows, "'order '", benchStates)
	benchPayments = fmt.Sprintf(benchRows, "'payment '", benchDecisions)
	benchLists    = []benchList{
		{testsystem.Contractor, "ada-nowak", "orders", "/orders", "order_rows", "order_search_terms", "drafted_at", "", "older", "paid", "total", "customer",
			`insert into order_rows (id, number, contractor_id, customer_name, lines, total_minor, currency, state, drafted_at, submitted_at, expires_at, updated_at,
			sequence, revision, words) select id, number, whose, customer, 3, minor, currency, state, at, at, at + interval '1 day', at, 6, 12, words || ' @' || whose from ` + benchOrders},
		{testsystem.Contractor, "ada-nowak", "payments", "/", "payment_rows", "payment_search_terms", "requested_at", "", "older", "accepted", "amount", "for",
			`insert into payment_rows (id, revision, contractor_id, contractor_name, amount_minor, currency, description, capture_method, decision, money, final, decided_by_name,
			requested_at, updated_at, pending, words) select id, 5, whose, whose, minor, currency, customer, 'automatic', decision, '', false, '', at, at, false,
			words || ' @' || whose from ` + benchPayments},
		{testsystem.Manager, "mia-weber", "orders", "/orders", "order_rows", "order_search_terms", "drafted_at", "", "after", "paid", "total", "customer",
			`insert into order_rows (id, number, contractor_id, contractor_name, customer_id, customer_name, total, currency, state, drafted_at, submitted_at, expires_at, updated_at,
			sequence, revision, words) select id, number, whose, whose, null, customer, minor, currency, state, at, at, at + interval '1 day', at, 6, 12, words from ` + benchOrders},
		{testsystem.Manager, "mia-weber", "payments", "/payments", "payment_rows", "payment_search_terms", "requested_at", "all", "after", "accepted", "amount", "contractor",
			`insert into payment_rows (id, revision, contractor_id, contractor_name, amount, currency, description, capture_method, decision, money, final, decided_by_name,
			requested_at, updated_at, pending, words) select id, 5, whose, whose, minor, currency, customer, 'automatic', decision, '', false, '', at, at, false, words from ` + benchPayments},
	}
)

// fill writes count orders into an empty copy.
func (l benchList) fill(ctx context.Context, url string, count int) {
	conn := must(pgx.Connect(ctx, url))
	defer func() { _ = conn.Close(ctx) }()
	// Without the triggers, and with the indexes made at the end: much faster, and the same.
	rows := must(conn.Query(ctx, `select indexname, indexdef from pg_indexes where tablename in ($1, $2) and not exists
		(select from pg_constraint where conname = indexname)`, l.table, l.terms))
	var name, index string
	var names, indexes []string
	must(pgx.ForEachRow(rows, []any{&name, &index}, func() error {
		names, indexes = append(names, name), append(indexes, index)
		return nil
	}))
	must(conn.Exec(ctx, "set session_replication_role = replica; set maintenance_work_mem = '256MB'; drop index "+strings.Join(names, ", ")))
	must(conn.Exec(ctx, l.insert, count))
	must(conn.Exec(ctx, fmt.Sprintf("insert into %s (id, lexemes) select id, %s from %s", l.terms, benchSearched, l.table)))
	for _, statement := range append(indexes, "vacuum analyze "+l.table, "vacuum analyze "+l.terms) {
		must(conn.Exec(ctx, statement))
	}
	db := must(pg.Open(ctx, url))
	defer db.Close()
	must(readmodel.MendSums(ctx, db)) // what no trigger has seen
}

// deep is where nine tenths of the list have been passed.
func (l benchList) deep(ctx context.Context, url string, count int) (cursor string) {
	conn := must(pgx.Connect(ctx, url))
	defer func() { _ = conn.Close(ctx) }()
	var position struct {
		At time.Time `json:"at"`
		ID string    `json:"id"`
	}
	check(conn.QueryRow(ctx, fmt.Sprintf("select %[1]s, id::text from %s order by %[1]s desc offset $1 limit 1", l.at, l.table), count/10*9).Scan(&position.At, &position.ID))
	position.At = position.At.UTC()
	return web.EncodeCursor(position)
}
