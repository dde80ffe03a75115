package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg/pgtest"
)

const (
	pgbenchScale       = 10
	pgbenchConnections = 16
	pgbenchSeconds     = 10
)

// pgbench is the built-in script "simple-update" of PostgreSQL's own benchmark, from this client and
// with its tables: one update, one select and one insert in a transaction, as prepared statements.
//
// https://www.postgresql.org/docs/current/pgbench.html
type pgbench struct{ url string }

func newPgbench(s *environment) (*pgbench, error) {
	b := &pgbench{pgtest.NewURL(s)}
	conn, err := pgx.Connect(s.ctx, b.url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(s.ctx) }()
	for _, statement := range []string{
		`create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))`,
		`create table pgbench_accounts (aid int not null, bid int, abalance int, filler char(84)) with (fillfactor = 100)`,
		fmt.Sprintf(`insert into pgbench_accounts select aid, (aid - 1) / 100000 + 1, 0, '' from generate_series(1, %d) aid`, pgbenchScale*100_000),
		`alter table pgbench_accounts add primary key (aid)`,
		`vacuum analyze pgbench_accounts`,
		`checkpoint`,
	} {
		if _, err := conn.Exec(s.ctx, statement); err != nil {
			return nil, fmt.Errorf("make pgbench's tables: %w", err)
		}
	}
	return b, nil
}

// run returns transactions per second.
func (b *pgbench) run(ctx context.Context) (float64, error) {
	var done atomic.Int64
	var clients sync.WaitGroup
	errs := make(chan error, pgbenchConnections)
	ready := make(chan struct{}, pgbenchConnections)
	begin, end := make(chan struct{}), make(chan struct{})
	for range pgbenchConnections {
		clients.Go(func() { errs <- b.client(ctx, ready, begin, end, &done) })
	}
	for range pgbenchConnections {
		<-ready
	}
	began := time.Now()
	close(begin)
	select {
	case <-time.After(pgbenchSeconds * time.Second):
	case <-ctx.Done():
	}
	n, took := done.Load(), time.Since(began)
	close(end)
	clients.Wait()
	for range pgbenchConnections {
		if err := <-errs; err != nil {
			return 0, fmt.Errorf("pgbench: %w", err)
		}
	}
	return float64(n) / took.Seconds(), ctx.Err()
}

func (b *pgbench) client(ctx context.Context, ready chan<- struct{}, begin, end <-chan struct{}, done *atomic.Int64) error {
	conn, err := pgx.Connect(ctx, b.url)
	ready <- struct{}{}
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	<-begin
	for {
		select {
		case <-end:
			return nil
		default:
		}
		if err := simpleUpdate(ctx, conn); err != nil {
			return err
		}
		done.Add(1)
	}
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
