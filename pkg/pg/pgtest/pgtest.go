// Package pgtest gives each test a database of its own on a real PostgreSQL server.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// DefaultURL is the server when TEST_DATABASE_URL does not name one.
const DefaultURL = "postgres://postgres@127.0.0.1:54329/postgres?sslmode=disable"

// New returns a migrated database that goes away with the test.
func New(tb testing.TB, sets ...pg.Migrations) *pg.DB {
	tb.Helper()
	db, err := pg.Open(tb.Context(), NewURL(tb, sets...))
	if err != nil {
		tb.Fatalf("open the test's database: %v", err)
	}
	tb.Cleanup(db.Close)
	return db
}

// NewURL is New for code that opens the database itself.
func NewURL(tb testing.TB, sets ...pg.Migrations) string {
	tb.Helper()
	server := os.Getenv("TEST_DATABASE_URL")
	if server == "" {
		server = DefaultURL
	}
	name := "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	admin(tb, server, "create database "+name)
	tb.Cleanup(func() { admin(tb, server, fmt.Sprintf("drop database %s with (force)", name)) })

	u, err := url.Parse(server)
	if err != nil {
		tb.Fatalf("TEST_DATABASE_URL: %v", err)
	}
	u.Path = "/" + name
	if err := pg.Migrate(tb.Context(), u.String(), sets...); err != nil {
		tb.Fatal(err)
	}
	return u.String()
}

// admin runs one statement on the server, on a connection of its own.
func admin(tb testing.TB, server, statement string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		tb.Fatalf("these tests need a PostgreSQL server; `make test` starts one: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}
