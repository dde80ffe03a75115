package pg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// MigrateAs is Migrate by the role of the address owner. The role of the address serving may then read and
// write every table, and no more than add to those that are append-only; it owns nothing, so that it cannot
// change that. With one role for both, as with an empty owner, there is nothing to keep apart.
func MigrateAs(ctx context.Context, owner, serving string, sets ...Migrations) error {
	if owner == "" {
		owner = serving
	}
	by, err := pgx.ParseConfig(owner)
	if err != nil {
		return fmt.Errorf("read the owner's database URL: %w", err)
	}
	to, err := pgx.ParseConfig(serving)
	if err != nil {
		return fmt.Errorf("read the database URL: %w", err)
	}
	if by.User == to.User {
		return Migrate(ctx, owner, sets...)
	}
	if by.Database != to.Database {
		return fmt.Errorf("the owner's database is %q, and that of the serving role %q", by.Database, to.Database)
	}
	role := pgx.Identifier{to.User}.Sanitize()
	// The version before goes on while this one migrates, and reads the views that show it what has another
	// name now.
	if err := grant(ctx, owner, role, func(context.Context, pgx.Tx) ([]string, error) {
		return []string{
			"alter default privileges in schema public grant select, insert, update, delete on tables to " + role,
			"alter default privileges in schema public grant usage, select on sequences to " + role,
		}, nil
	}); err != nil {
		return err
	}
	if err := Migrate(ctx, owner, sets...); err != nil {
		return err
	}
	return grant(ctx, owner, role, func(ctx context.Context, tx pgx.Tx) ([]string, error) { return grants(ctx, tx, role, WithOurs(sets)) })
}

// grant runs statements as the owner, all or none of them.
func grant(ctx context.Context, owner, role string, statements func(context.Context, pgx.Tx) ([]string, error)) error {
	config, err := pgx.ParseConfig(owner)
	if err != nil {
		return fmt.Errorf("read the owner's database URL: %w", err)
	}
	err = alone(ctx, config, func(ctx context.Context) error {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			list, err := statements(ctx, tx)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, strings.Join(list, ";\n"))
			return err
		})
	})
	if hasCode(err, "42704") {
		return fmt.Errorf("there is no role %s, which DATABASE_URL names: create it, and run migrate again: %w", role, err)
	}
	if err != nil {
		return fmt.Errorf("say what role %s may do: %w", role, err)
	}
	return nil
}

// grants are the statements that say what role may do with what the current role owns.
func grants(ctx context.Context, tx pgx.Tx, role string, sets []Migrations) ([]string, error) {
	appended, versions := map[string][]string{}, []string{}
	for _, set := range sets {
		maps.Copy(appended, set.appendOnly)
		if set.FS != nil {
			versions = append(versions, set.table())
		}
	}
	var owned, sequences, databases []string
	var maintains bool
	err := tx.QueryRow(ctx, `select
		array(select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm') and pg_has_role(relowner, 'usage') order by 1),
		array(select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S' and pg_has_role(relowner, 'usage') order by 1),
		array(select datname from pg_database where datname = current_database() and pg_has_role(datdba, 'usage')),
		current_setting('server_version_num')::int >= 170000`).Scan(&owned, &sequences, &databases, &maintains)
	if err != nil {
		return nil, err
	}
	statements := []string{"grant usage on schema public to " + role}
	on := func(what, privileges, name string) {
		statements = append(statements, fmt.Sprintf("grant %s on %s %s to %s", privileges, what, pgx.Identifier{name}.Sanitize(), role))
	}
	for _, name := range databases {
		on("database", "connect, temporary", name)
	}
	for _, name := range sequences {
		on("sequence", "usage, select", name)
	}
	everything := "select, insert, update, delete"
	if maintains {
		everything += ", maintain" // River rebuilds its indexes by itself
	}
	for _, name := range owned {
		columns, appendOnly := appended[name]
		known := slices.Contains(versions, name)
		if !appendOnly && !known {
			on("table", everything, name)
			continue
		}
		statements = append(statements, fmt.Sprintf("revoke all on table %s from %s", pgx.Identifier{name}.Sanitize(), role))
		on("table", "select", name)
		if appendOnly {
			on("table", "insert", name)
		}
		for _, column := range columns {
			on("table", fmt.Sprintf("update (%s)", pgx.Identifier{column}.Sanitize()), name)
		}
	}
	return statements, nil
}

// ErrMayChange says that what should only be added to can be changed by who serves.
var ErrMayChange = errors.New("what is only added to could be changed or deleted by this role")

// Restricted returns ErrMayChange, with the names of the role and of its tables, if the role of this database
// may change or delete rows of the append-only tables of sets, or could allow itself to.
func (db *DB) Restricted(ctx context.Context, sets ...Migrations) error {
	var names, open []string
	for _, set := range sets {
		names = slices.AppendSeq(names, maps.Keys(set.appendOnly))
	}
	var role string
	// Whoever owns the schema, as whoever owns the database does, may drop what is in it.
	err := db.pool.QueryRow(ctx, `select current_user, array(select relname from pg_class c join pg_namespace n on n.oid = relnamespace
		where nspname = 'public' and relname = any($1) and (pg_has_role(relowner, 'member') or pg_has_role(nspowner, 'member')
			or has_table_privilege(c.oid, 'update, delete, truncate, trigger')) order by 1)`, names).Scan(&role, &open)
	if err != nil {
		return fmt.Errorf("ask what this role may do: %w", err)
	}
	if len(open) > 0 {
		return fmt.Errorf("%w: %s, of %s", ErrMayChange, role, strings.Join(open, ", "))
	}
	return nil
}
