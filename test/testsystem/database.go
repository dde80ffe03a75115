package testsystem

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// CloseDatabase ends every connection to a service's database and allows no other.
func (s *System) CloseDatabase(tb testing.TB, service string) {
	tb.Helper()
	s.administer(tb, service, `alter database %s allow_connections false`)
	s.administer(tb, service, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '%s'`)
}

// OpenDatabase allows connections again.
func (s *System) OpenDatabase(tb testing.TB, service string) {
	tb.Helper()
	s.administer(tb, service, `alter database %s allow_connections true`)
}

// Break runs a statement in a service's database.
func (s *System) Break(tb testing.TB, service, statement string) {
	tb.Helper()
	query(tb, s.Database[service], func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement)
		return err
	})
}

// administer runs a statement about a service's database, in which %s is its name, from another one.
func (s *System) administer(tb testing.TB, service, statement string) {
	tb.Helper()
	u, err := url.Parse(s.Database[service])
	if err != nil {
		tb.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	query(tb, u.String(), func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf(statement, name))
		return err
	})
}

// query calls do with a connection of its own.
func query(tb testing.TB, url string, do func(ctx context.Context, conn *pgx.Conn) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := do(ctx, conn); err != nil {
		tb.Fatal(err)
	}
}

// rows returns the rows of a statement.
func rows[T any](tb testing.TB, url, sql string, scan pgx.RowToFunc[T], args ...any) (found []T) {
	tb.Helper()
	query(tb, url, func(ctx context.Context, conn *pgx.Conn) error {
		result, err := conn.Query(ctx, sql, args...)
		if err == nil {
			found, err = pgx.CollectRows(result, scan)
		}
		if err != nil {
			return fmt.Errorf("%w in: %s", err, sql)
		}
		return nil
	})
	return found
}

// BackUp copies the databases of services that do not run.
func (s *System) BackUp(tb testing.TB, services ...string) {
	tb.Helper()
	for _, service := range services {
		s.administer(tb, service, `create database %[1]s_backup template %[1]s`)
	}
}

// Restore replaces the databases of services that do not run by the copies of BackUp.
func (s *System) Restore(tb testing.TB, services ...string) {
	tb.Helper()
	for _, service := range services {
		s.administer(tb, service, `drop database %s with (force)`)
		s.administer(tb, service, `alter database %[1]s_backup rename to %[1]s`)
	}
}

// Logged returns an error until a service has logged text.
func (s *System) Logged(service, text string) error {
	if !strings.Contains(s.Log(service), text) {
		return fmt.Errorf("%s has not logged %q", service, text)
	}
	return nil
}
