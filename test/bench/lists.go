package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
		began := time.Now()
		filled := make(chan error)
		for _, service := range []string{testsystem.Contractor, testsystem.Manager} { // at once: there are two CPUs
			go func() { filled <- fillLists(e.ctx, service, systems[i].Database[service], size) }()
		}
		check(errors.Join(<-filled, <-filled), "fill lists")
		e.Logf("%d orders and payments in %s", size, time.Since(began).Round(time.Second))
	}
	fmt.Printf("\nLists: a page with %d orders or payments and with %d, by somebody who sees all, a third or 1,000 of them (ms, GET to its last byte)\n\n", listSizes[0], listSizes[1])
	t := newTable(append([]string{"", "", "", "page"}, compared...)...)
	defer t.print() // what there is of it
	for _, l := range benchLists {
		for _, who := range l.people {
			var people [2]*person
			var deep [2]string
			for i, sys := range systems {
				people[i] = must(signIn(e.ctx, sys.URL(l.service), who))
				deep[i] = l.older + "=" + l.deep(e.ctx, sys.Database[l.service], who)
			}
			for _, page := range listPages {
				if l.service == testsystem.Contractor && strings.Contains(page.query, "contractor=") {
					continue
				}
				terms := strings.NewReplacer("{all}", "tab="+l.all, "{price}", l.price, "{text}", l.text, "{day}", benchDay(), "{tab}", l.tab, "{waits}", l.waits)
				t.compare([]string{l.service, l.name, who, terms.Replace(page.name)}, pageLooks, slowPage, listsAim, func(which int) error {
					_, err := people[which].load(e.ctx, l.path+"?"+strings.ReplaceAll(terms.Replace(page.query), "{deep}", deep[which]))
					return err
				})
			}
		}
	}
}

// benchDay is a whole day in UTC, of which both sizes have all.
func benchDay() string { return time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly) }

// listPages are what the lists are asked for: as they are, in another order, and narrowed in each order.
var listPages = []struct{ name, query string }{
	{"first", ""}, {"deep", "{all}&{deep}"}, {"a tab of many", "tab={tab}"}, {"what waits", "tab={waits}"}, {"search for a number", "{all}&q=0007008"}, {"search for a word of all", "{all}&q=builders"},
	{"by {price}", "{all}&sort=-{price}"}, {"by {text}", "{all}&sort={text}"},
	{"a day", "{all}&from={day}&to={day}"}, {"a day, by {price}", "{all}&from={day}&to={day}&sort={price}"}, {"a day, by {text}", "{all}&from={day}&to={day}&sort={text}"},
	{"in a currency", "{all}&currency=EUR"}, {"in a currency, by {text}", "{all}&currency=EUR&sort={text}"},
	{"amounts within 1.00", "{all}&currency=EUR&least=120&most=121"}, {"amounts within 1.00, by {price}", "{all}&currency=EUR&least=120&most=121&sort={price}"},
	{"amounts within 1.00, by {text}", "{all}&currency=EUR&least=120&most=121&sort={text}"}, {"a contractor's, by {price}", "{all}&contractor=ada-nowak&sort={price}"},
	{"a word of all, by {price}", "{all}&q=builders&sort={price}"}, {"a word of all, amounts within 1.00", "{all}&q=builders&currency=EUR&least=120&most=121"},
}

// benchList is a list of a web app.
type benchList struct {
	service, name, path string
	people              []string // who looks at it
	table, terms, at    string   // the table, that of what it is searched by, and its time
	all, older          string   // the tab that has all, and the address's parameter
	tab, waits          string   // of many, and of what waits
	price, text         string   // its other orders
	insert              string   // n is from 1 to the count, the newest first
}

// What waits does not grow with what there has been: it ends by itself. Rows are written in the order of
// their times, and have ids as what was made then has. Sara Lind has 1,000 of them.
const (
	benchRows = `(select n, uuidv7(- n * interval '1 minute') as id, now() - n * interval '1 minute' as at,
	case when n %% 9 = 2 and n <= 9000 then 'sara-lind' when n %% 3 = 0 then 'ada-nowak' else 'jon-park' end as whose,
	(array['EUR', 'EUR', 'USD'])[1 + n / 7 %% 3] as currency, 1200 * (1 + n %% 40) + n %% 97 as minor,
	%s, 'Northern Builders ' || n %% 500 as customer, 'builders ' || lpad(n::text, 7, '0') as words
	from generate_series($1::int, 1, -1) n) as made`
	benchStates = `case when n <= 1000 then 'draft' when n <= 2000 then 'submitted' when n % 10 < 8 then 'paid' when n % 10 = 8 then 'expired' else 'cancelled' end as state,
	case when n <= 1000 then '' else '2026/11/' || lpad(n::text, 7, '0') end as number`
	benchDecisions = `case when n <= 1000 then 'requested' when n % 10 < 8 then 'accepted' else 'rejected' end as decision`
)

// benchSearched is what a row is found by, as the indexer cuts it: what all have, its number's ends and
// beginnings, and whose it is.
const benchSearched = `search_lexemes('builders') || array_to_tsvector(array_remove(
	array(select substr(number, n) from generate_series(1, 5) as n) || array['^' || left(number, 1), '^' || left(number, 2), mark], null))
	from (select id, substr(words, 10, 7) as number, regexp_substr(words, '@.*') as mark from %s offset 0) as cut`

var (
	benchOrders   = fmt.Sprintf(benchRows, benchStates)
	benchPayments = fmt.Sprintf(benchRows, benchDecisions)
	listOwners    = []string{"ada-nowak", "sara-lind"}
	benchLists    = []benchList{
		{testsystem.Contractor, "orders", "/orders", listOwners, "order_rows", "order_search_terms", "drafted_at", "", "older", "paid", "submitted", "total", "customer",
			`insert into order_rows (id, number, contractor_id, customer_name, lines, total_minor, currency, state, drafted_at, submitted_at, expires_at, updated_at,
			sequence, revision, words) select id, number, whose, customer, 3, minor, currency, state, at, at, at + interval '1 day', at, 6, 12, words || ' @' || whose from ` + benchOrders},
		{testsystem.Contractor, "payments", "/", listOwners, "payment_rows", "payment_search_terms", "requested_at", "", "older", "accepted", "waiting", "amount", "for",
			`insert into payment_rows (id, revision, contractor_id, contractor_name, amount_minor, currency, description, capture_method, decision, money, final, decided_by_name,
			requested_at, updated_at, pending, words) select id, 5, whose, whose, minor, currency, customer, 'automatic', decision, '', false, '', at, at, false,
			words || ' @' || whose from ` + benchPayments},
		{testsystem.Manager, "orders", "/orders", []string{"mia-weber"}, "order_rows", "order_search_terms", "drafted_at", "", "after", "paid", "submitted", "total", "customer",
			`insert into order_rows (id, number, contractor_id, contractor_name, customer_id, customer_name, total, currency, state, drafted_at, submitted_at, expires_at, updated_at,
			sequence, revision, words) select id, number, whose, whose, null, customer, minor, currency, state, at, at, at + interval '1 day', at, 6, 12, words from ` + benchOrders},
		{testsystem.Manager, "payments", "/payments", []string{"mia-weber"}, "payment_rows", "payment_search_terms", "requested_at", "all", "after", "accepted", "waiting", "amount", "contractor",
			`insert into payment_rows (id, revision, contractor_id, contractor_name, amount, currency, description, capture_method, decision, money, final, decided_by_name,
			requested_at, updated_at, pending, words) select id, 5, whose, whose, minor, currency, customer, 'automatic', decision, '', false, '', at, at, false, words from ` + benchPayments},
	}
)

// fillLists fills an app's empty copies.
func fillLists(ctx context.Context, service, url string, count int) error {
	for _, l := range benchLists {
		if l.service != service {
			continue
		}
		if err := l.fill(ctx, url, count); err != nil {
			return fmt.Errorf("%s of %s: %w", l.name, service, err)
		}
	}
	db, err := pg.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = readmodel.MendSums(ctx, db) // what no trigger has seen
	return err
}

// fill writes count rows without their triggers, and makes the indexes at the end: much faster, and the same.
func (l benchList) fill(ctx context.Context, url string, count int) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, `select indexname, indexdef from pg_indexes where tablename in ($1, $2) and not exists
		(select from pg_constraint where conname = indexname)`, l.table, l.terms)
	if err != nil {
		return err
	}
	var name, index string
	var names, indexes []string
	if _, err := pgx.ForEachRow(rows, []any{&name, &index}, func() error {
		names, indexes = append(names, name), append(indexes, index)
		return nil
	}); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "set session_replication_role = replica; set maintenance_work_mem = '256MB'; drop index "+strings.Join(names, ", ")); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, l.insert, count); err != nil {
		return err
	}
	searched := fmt.Sprintf("insert into %s (id, lexemes) select id, "+benchSearched, l.terms, l.table)
	for _, statement := range slices.Concat([]string{searched}, indexes, []string{"vacuum analyze " + l.table, "vacuum analyze " + l.terms}) {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// deep is where nine tenths of somebody's list have been passed.
func (l benchList) deep(ctx context.Context, url, who string) (cursor string) {
	conn := must(pgx.Connect(ctx, url))
	defer func() { _ = conn.Close(ctx) }()
	var position struct {
		At time.Time `json:"at"`
		ID string    `json:"id"`
	}
	whose := "true"
	if l.service == testsystem.Contractor {
		whose = "contractor_id = '" + who + "'"
	}
	check(conn.QueryRow(ctx, fmt.Sprintf("select %[1]s, id::text from %[2]s where %[3]s order by %[1]s desc offset (select count(*) * 9 / 10 from %[2]s where %[3]s) limit 1",
		l.at, l.table, whose)).Scan(&position.At, &position.ID))
	position.At = position.At.UTC()
	return web.EncodeCursor(position)
}
