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
	fewOrders, manyOrders = 10_000, 1_000_000
	pageLooks             = 60 // at each page
	pageWarmUp            = 5
	slowPage              = 500 * time.Millisecond
	listsAim              = "1.20"
)

// lists measures how long the pages of the list of orders take with few orders and with many. Those are written into the copies
// by SQL, for this bench only. Each page is asked for in turn at a system with few and at one with many, so that whatever
// else this machine does meets both.
func lists(s *environment) error {
	sizes := []int{fewOrders, manyOrders}
	systems := make([]*testsystem.System, len(sizes))
	for i, size := range sizes {
		systems[i] = testsystem.New(s)
		for _, app := range orderApps {
			began := time.Now()
			if err := app.fill(s.ctx, systems[i].Database[app.service], size); err != nil {
				return fmt.Errorf("write %d orders into the copy of %s: %w", size, app.service, err)
			}
			s.Logf("%d orders for %s in %s", size, app.service, time.Since(began).Round(time.Second))
		}
	}
	fmt.Printf("\nLists: a page of the orders with %d orders and with %d, of three contractors (ms, GET to its last byte)\n\n", fewOrders, manyOrders)
	t := newTable("", "page", "few p50", "few p99", "many p50", "many p99", "p50 many / few", "aim")
	for _, app := range orderApps {
		people := make([]*person, len(sizes))
		for i, sys := range systems {
			var err error
			if people[i], err = signIn(s.ctx, sys.URL(app.service), app.person); err != nil {
				return err
			}
		}
		for _, page := range []struct{ name, query string }{
			{"first", ""}, {"deep", "deep"}, {"a tab", "?tab=paid"}, {"search for a number", "?q=2026%2F11%2F0007008"}, {"search for a word of every order", "?q=builders"},
		} {
			took := make([][]time.Duration, len(sizes))
			paths := make([]string, len(sizes))
			for i, size := range sizes {
				paths[i] = "/orders" + page.query
				if page.query == "deep" {
					at, err := app.deep(s.ctx, systems[i].Database[app.service], size)
					if err != nil {
						return err
					}
					paths[i] = "/orders?" + app.older + "=" + at
				}
			}
			for look := range pageLooks + pageWarmUp {
				for i, p := range people {
					began := time.Now()
					if _, err := p.load(s.ctx, paths[i]); err != nil {
						return err
					}
					if look >= pageWarmUp {
						took[i] = append(took[i], time.Since(began))
					}
				}
				if len(took[0]) >= pageLooks/10 && percentile(took[1], 50) > slowPage {
					break // that is clear enough
				}
			}
			few, many := percentile(took[0], 50), percentile(took[1], 50)
			t.add(app.service, page.name, ms(few), ms(percentile(took[0], 99)), ms(many), ms(percentile(took[1], 99)), ratio(many, few), listsAim)
		}
	}
	t.print()
	return nil
}

// orderApp is a web app with a list of orders.
type orderApp struct {
	service, person string
	older           string // the address's parameter
	insert          string // n is from 1 to the count, the newest first
	words, gin      string // the table of words, and its index
}

// What waits does not grow with what there has been: it ends by itself.
const benchOrders = `(select n, md5('order ' || n)::uuid as id, now() - n * interval '1 minute' as at,
	(array['ada-nowak', 'jon-park', 'sara-lind'])[1 + n % 3] as whose,
	case when n <= 1000 then 'draft' when n <= 2000 then 'submitted' when n % 10 < 8 then 'paid' when n % 10 = 8 then 'expired' else 'cancelled' end as state,
	case when n <= 1000 then '' else '2026/11/' || lpad(n::text, 7, '0') end as number,
	'Northern Builders ' || n % 500 as customer, 'builders northern scaffolding wall c' || n % 500 || ' 2026 11 ' || n || ' ' || lpad(n::text, 7, '0') as words
	from generate_series(1, $1::int) n) o`

var orderApps = []orderApp{
	{testsystem.Contractor, "ada-nowak", "older", `insert into orders (id, number, contractor_id, customer_name, lines, total_minor, currency, state,
		drafted_at, submitted_at, expires_at, updated_at, sequence, revision, words)
		select id, number, whose, customer, 3, 1200 * (1 + n % 40), 'EUR', state, at, at, at + interval '1 day', at, 6, 12, words || ' @' || whose from ` + benchOrders,
		"insert into order_words (id, words) select id, search_lexemes(words) from orders", "order_words_words"},
	{testsystem.Manager, "mia-weber", "after", `insert into orders (id, number, contractor_id, contractor_name, customer_id, customer_name, total, currency, state,
		drafted_at, submitted_at, expires_at, updated_at, sequence, revision, words)
		select id, number, whose, whose, null, customer, 1200 * (1 + n % 40), 'EUR', state, at, at, at + interval '1 day', at, 6, 12, words from ` + benchOrders,
		"insert into order_words (order_id, search) select id, search_lexemes(words) from orders", "order_words_search"},
}

// fill writes count orders into an empty copy.
func (a orderApp) fill(ctx context.Context, url string, count int) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var index string
	if err := conn.QueryRow(ctx, "select pg_get_indexdef($1::regclass)", a.gin).Scan(&index); err != nil {
		return err
	}
	// Without the trigger, and with the index made at the end: much faster, and the same.
	for _, statement := range []string{"set session_replication_role = replica", "drop index " + a.gin} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if _, err := conn.Exec(ctx, a.insert, count); err != nil {
		return err
	}
	for _, statement := range []string{a.words, index, "vacuum analyze orders", "vacuum analyze order_words"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// deep is where nine tenths of the person's orders have been listed.
func (a orderApp) deep(ctx context.Context, url string, count int) (cursor string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	var position struct {
		At time.Time `json:"at"`
		ID string    `json:"id"`
	}
	err = conn.QueryRow(ctx, "select drafted_at, id::text from orders order by drafted_at desc offset $1 limit 1", count/10*9).Scan(&position.At, &position.ID)
	position.At = position.At.UTC()
	return web.EncodeCursor(position), err
}
