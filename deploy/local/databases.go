package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// createDatabases gives each service a database that a role of the same name owns and no other
// role may connect to, and returns the addresses by service. It may be repeated.
func (l *launcher) createDatabases(ctx context.Context, admin string, port int, wanted []service) (map[string]string, error) {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	urls := map[string]string{}
	for _, s := range wanted {
		password, err := l.secret("postgres-" + s.database)
		if err != nil {
			return nil, err
		}
		if err := createDatabase(ctx, conn, s.database, password); err != nil {
			return nil, fmt.Errorf("create the database %s: %w", s.database, err)
		}
		address := url.URL{
			Scheme: "postgres", User: url.UserPassword(s.database, password),
			Host: "127.0.0.1:" + strconv.Itoa(port), Path: "/" + s.database, RawQuery: "sslmode=disable",
		}
		urls[s.name] = address.String()
	}
	return urls, nil
}

// createDatabase takes names of our own and passwords of letters and digits, so quoting them is plain.
func createDatabase(ctx context.Context, conn *pgx.Conn, name, password string) error {
	exists := func(query string) (found bool, err error) {
		err = conn.QueryRow(ctx, "select exists ("+query+")", name).Scan(&found)
		return found, err
	}
	role, err := exists("select from pg_roles where rolname = $1")
	if err != nil {
		return err
	}
	database, err := exists("select from pg_database where datname = $1")
	if err != nil {
		return err
	}
	var statements []string
	if !role {
		statements = append(statements, fmt.Sprintf(`create role %q login`, name))
	}
	if !database {
		statements = append(statements, fmt.Sprintf(`create database %q owner %q`, name, name))
	}
	// By default every role may connect everywhere, to the server's own databases too.
	statements = append(statements,
		fmt.Sprintf(`alter role %q password '%s'`, name, password),
		fmt.Sprintf(`revoke all on database %q from public`, name),
		`revoke connect on database postgres from public`,
		`revoke connect on database template1 from public`)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
