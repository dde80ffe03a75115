package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// database is the addresses of a service's database.
type database struct {
	serving string // what the service works with
	owner   string // what it is migrated with; "" if that is the same
}

// createDatabases gives each service a database that a role of the same name owns, and a role that serves; no
// other role may connect to it. It returns the addresses by service, with how to connect, and may be
// repeated. What the role that serves may do there, the service's migrate says.
func (l *launcher) createDatabases(ctx context.Context, admin string, port int, wanted []service, how string) (map[string]database, error) {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	addresses := map[string]database{}
	for _, s := range wanted {
		address := func(role string) (string, error) {
			password, err := l.secret("postgres-" + role)
			if err != nil {
				return "", err
			}
			u := url.URL{
				Scheme: "postgres", User: url.UserPassword(role, password),
				Host: "127.0.0.1:" + strconv.Itoa(port), Path: "/" + s.database, RawQuery: how,
			}
			return u.String(), createRole(ctx, conn, role, password)
		}
		owner, err := address(s.database)
		if err != nil {
			return nil, fmt.Errorf("create the role %s: %w", s.database, err)
		}
		if err := createDatabase(ctx, conn, s.database); err != nil {
			return nil, fmt.Errorf("create the database %s: %w", s.database, err)
		}
		serving, err := address(s.database + "_service")
		if err != nil {
			return nil, fmt.Errorf("create the role %s_service: %w", s.database, err)
		}
		addresses[s.name] = database{serving: serving, owner: owner}
	}
	return addresses, nil
}

// createRole takes a name of our own and a password of letters and digits, so quoting them is plain.
func createRole(ctx context.Context, conn *pgx.Conn, name, password string) error {
	return unless(ctx, conn, "select from pg_roles where rolname = $1", name, fmt.Sprintf(`create role %q login`, name),
		fmt.Sprintf(`alter role %q password '%s'`, name, password))
}

// createDatabase gives the role of a name a database of the same name.
func createDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	return unless(ctx, conn, "select from pg_database where datname = $1", name, fmt.Sprintf(`create database %q owner %q`, name, name),
		// By default every role may connect everywhere, to the server's own databases too.
		fmt.Sprintf(`revoke all on database %q from public`, name),
		`revoke connect on database postgres from public`,
		`revoke connect on database template1 from public`)
}

// unless creates what a query by name does not find, and then runs statements.
func unless(ctx context.Context, conn *pgx.Conn, query, name, create string, statements ...string) error {
	var found bool
	if err := conn.QueryRow(ctx, "select exists ("+query+")", name).Scan(&found); err != nil {
		return err
	}
	if !found {
		statements = append([]string{create}, statements...)
	}
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
