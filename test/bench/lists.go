package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/web"
	"countersign.example/test/testsystem"
)

const (
	pageLooks = 60 // at each page
	slowPage  = 500 * time.Millisecond
	listsAim  = "1.20"
)

// listSizes are how many orders there are: few, and many.
var listSizes = [2]int{10_000, 1_000_000}

// lists measures how long the pages of the list of orders take with few orders and with many. Those are
// written into the copies by SQL, for this bench only.
func lists(e *environment) {
	var systems [2]*testsystem.System
	for i, size := range listSizes {
		systems[i] = testsystem.New(e, testsystem.Unlimited...)
		for _, app := range orderApps {
			began := time.Now()
			app.fill(e.ctx, systems[i].Database[app.service], size)
			e.Logf("%d orders for %s in %s", size, app.service, time.Since(began).Round(time.Second))
		}
	}
	fmt.Printf("\nLists: a page of the orders with %d orders and with %d, of three contractors (ms, GET to its last byte)\n\n", listSizes[0], listSizes[1])
	t := newTable(append([]string{"", "page"}, compared...)...)
	for _, app := range orderApps {
		var people [2]*person
		for i, sys := range systems {
			people[i] = must(signIn(e.ctx, sys.URL(app.service), app.person))
		}
		for _, page := range []struct{ name, query string }{
			{"first", ""}, {"deep", "deep"}, {"a tab", "?tab=paid"}, {"search for a number", "?q=2026%2F11%2F0007008"}, {"search for a word of every order", "?q=builders"},
		} {
			paths := [2]string{"/orders" + page.query, "/orders" + page.query}
			if page.query == "deep" {
				for i, size := range listSizes {
					paths[i] = "/orders?" + app.older + "=" + app.deep(e.ctx, systems[i].Database[app.service], size)
				}
			}
			t.compare([]string{app.service, page.name}, pageLooks, slowPage, listsAim, func(which int) error {
				_, err := people[which].load(e.ctx, paths[which])
				return err
			})
		}
	}
	t.print()
}

// orderApp is a web app with a list of orders.
type orderApp struct {
	service, person string
	older           string // the address's parameter
	insert          string // n is from 1 to the count, the newest first
}

// What waits does not grow with what there has been: it ends by itself.
const benchOrders = `(select n, md5('order ' || n)::uuid as id, now() - n * interval '1 minute' as at,
	(array['ada-nowak', 'jon-park', 'sara-lind'])[1 + n % 3] as whose,
	case when n <= 1000 then 'draft' when n <= 2000 then 'submitted' when n % 10 < 8 then 'paid' when n % 10 = 8 then 'expired' else 'cancelled' end as state,
	case when n <= 1000 then '' else '2026/11/' || lpad(n::text, 7, '0') end as number,
	'Northern Builders ' || n % 500 as customer, 'builders northern scaffolding wall c' || n % 500 || ' 2026 11 ' || n || ' ' || lpad(n::text, 7, '0') as words
	from generate_series(1, $1::int) n) o`

var orderApps = []orderApp{
	{testsystem.Contractor, "ada-nowak", "older", `insert into order_rows (id, number, contractor_id, customer_name, lines, total_minor, currency, state,
		drafted_at, submitted_at, expires_at, updated_at, sequence, revision, words)
		select id, number, whose, customer, 3, 1200 * (1 + n % 40), 'EUR', state, at, at, at + interval '1 day', at, 6, 12, words || ' @' || whose from ` + benchOrders},
	{testsystem.Manager, "mia-weber", "after", `insert into order_rows (id, number, contractor_id, contractor_name, customer_id, customer_name, total, currency, state,
		drafted_at, submitted_at, expires_at, updated_at, sequence, revision, words)
		select id, number, whose, whose, null, customer, 1200 * (1 + n % 40), 'EUR', state, at, at, at + interval '1 day', at, 6, 12, words from ` + benchOrders},
}

// fill writes count orders into an empty copy.
func (a orderApp) fill(ctx context.Context, url string, count int) {
	conn := must(pgx.Connect(ctx, url))
	defer func() { _ = conn.Close(ctx) }()
	var index string
	check(conn.QueryRow(ctx, "select pg_get_indexdef('order_search_terms_lexemes'::regclass)").Scan(&index))
	// Without the trigger, and with the index made at the end: much faster, and the same.
	must(conn.Exec(ctx, "set session_replication_role = replica"))
	must(conn.Exec(ctx, "drop index order_search_terms_lexemes"))
	must(conn.Exec(ctx, a.insert, count))
	for _, statement := range []string{"insert into order_search_terms (id, lexemes) select id, search_lexemes(words) from order_rows", index,
		"vacuum analyze order_rows", "vacuum analyze order_search_terms"} {
		must(conn.Exec(ctx, statement))
	}
}

// deep is where nine tenths of the person's orders have been listed.
func (a orderApp) deep(ctx context.Context, url string, count int) (cursor string) {
	conn := must(pgx.Connect(ctx, url))
	defer func() { _ = conn.Close(ctx) }()
	var position struct {
		At time.Time `json:"at"`
		ID string    `json:"id"`
	}
	check(conn.QueryRow(ctx, "select drafted_at, id::text from order_rows order by drafted_at desc offset $1 limit 1", count/10*9).Scan(&position.At, &position.ID))
	position.At = position.At.UTC()
	return web.EncodeCursor(position)
}
