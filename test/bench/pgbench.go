package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg/pgtest"
)

const (
	pgbenchScale       = 10
	pgbenchConnections = 16
	pgbenchWithin      = 10 * time.Second
)

// pgbench is the built-in script "simple-update" of PostgreSQL's own benchmark, from this client and with its
// tables: one update, one select and one insert in a transaction, as prepared statements.
//
// https://www.postgresql.org/docs/current/pgbench.html
type pgbench struct{ url string }

func newPgbench(e *environment) *pgbench {
	b := &pgbench{pgtest.NewURL(e)}
	conn := must(pgx.Connect(e.ctx, b.url))
	defer func() { _ = conn.Close(e.ctx) }()
	for _, statement := range []string{
		`create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))`,
		`create table pgbench_accounts (aid int not null, bid int, abalance int, filler char(84)) with (fillfactor = 100)`,
		fmt.Sprintf(`insert into pgbench_accounts select aid, (aid - 1) / 100000 + 1, 0, ''
			from generate_series(1, %d) aid`, pgbenchScale*100_000),
		`alter table pgbench_accounts add primary key (aid)`,
		`vacuum analyze pgbench_accounts`,
		`checkpoint`,
	} {
		_, err := conn.Exec(e.ctx, statement)
		check(err, "make pgbench's tables")
	}
	return b
}

// around measures work, and pgbench's transactions per second right before and after it. It returns the cells
// for the two, for the ratio and for the aim.
func (b *pgbench) around(ctx context.Context, aim string, work func() measured) (m measured, cells []string) {
	run := func() float64 {
		floor, err := steady(ctx, pgbenchConnections, 0, pgbenchWithin, b.client)
		check(err, "pgbench")
		return floor.rate
	}
	before := run()
	m = work()
	after := run()
	return m, []string{perSecond(before), perSecond(after), fmt.Sprintf("%.3f", m.rate/((before+after)/2)), aim}
}

func (b *pgbench) client(ctx context.Context) (c client, err error) {
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return c, err
	}
	return client{
		do:    func(ctx context.Context) error { return simpleUpdate(ctx, conn) },
		close: func() { _ = conn.Close(context.Background()) },
	}, nil
}

func simpleUpdate(ctx context.Context, conn *pgx.Conn) error {
	aid, tid, bid := 1+rand.IntN(pgbenchScale*100_000), 1+rand.IntN(pgbenchScale*10), 1+rand.IntN(pgbenchScale)
	delta := rand.IntN(10_001) - 5_000
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "update pgbench_accounts set abalance = abalance + $1 where aid = $2", delta, aid); err != nil {
			return err
		}
		var balance int
		if err := tx.QueryRow(ctx, "select abalance from pgbench_accounts where aid = $1", aid).Scan(&balance); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into pgbench_history (tid, bid, aid, delta, mtime)
			values ($1, $2, $3, $4, current_timestamp)`, tid, bid, aid, delta)
		return err
	})
}
