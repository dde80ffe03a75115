// Package pgtest gives each test a database of its own on a real PostgreSQL server.
package pgtest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
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
	n := slices.IndexFunc(sets, func(set pg.Migrations) bool { return set.FS == nil })
	if n < 0 {
		n = len(sets)
	}
	// What a library does cannot be told from outside, so it is done each time.
	files, libraries := sets[:n], sets[n:]
	digest := sha256.New()
	for _, set := range pg.WithOurs(files) {
		_, _ = fmt.Fprintln(digest, set.Name)
		if err := addFiles(digest, set.FS); err != nil {
			tb.Fatalf("read the migrations of %s: %v", set.Name, err)
		}
	}
	address := Copy(tb, digest.Sum(nil), func(address string) error { return pg.Migrate(tb.Context(), address, files...) })
	if len(libraries) > 0 {
		if err := pg.Migrate(tb.Context(), address, sets...); err != nil {
			tb.Fatal(err)
		}
	}
	return address
}

func addFiles(to io.Writer, files fs.FS) error {
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		_, _ = fmt.Fprintf(to, "%s %d\n%s", path, len(text), text)
		return err
	})
}

// Copy returns a database, which goes away with the test, as a copy of one that fill has filled. That one
// stays on the server, for all tests, also of other packages, that ask for the same digest of what fill does.
func Copy(tb testing.TB, digest []byte, fill func(address string) error) (address string) {
	tb.Helper()
	return CopyOn(tb, cmp.Or(os.Getenv("TEST_DATABASE_URL"), DefaultURL), digest, fill)
}

// CopyOn is Copy on a server of one's own.
func CopyOn(tb testing.TB, server string, digest []byte, fill func(address string) error) (address string) {
	tb.Helper()
	template := fmt.Sprintf("template_%x", digest[:16])
	name := "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	admin(tb, server, func(ctx context.Context, conn *pgx.Conn) error {
		if err := fillOnce(ctx, conn, server, template, fill); err != nil {
			return err
		}
		return create(ctx, conn, name, template)
	})
	tb.Cleanup(func() {
		admin(tb, server, func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, fmt.Sprintf("drop database %s with (force)", name))
			return err
		})
	})
	return named(server, name)
}

// Serving is the address of a test's database for the role that services have: it owns nothing, and may do
// what pg.MigrateAs lets it. It is one role for all databases of the server.
func Serving(tb testing.TB, address string) string {
	tb.Helper()
	const role, password = "countersign_serving", "of-tests-only"
	admin(tb, address, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf(`do $$ begin create role %s login password '%s';
			exception when duplicate_object or unique_violation then null; end $$`, role, password))
		return err
	})
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

// FallBack replaces a test's database under whoever uses it by a copy of another one, which nobody uses: as a
// standby does that takes over, or a backup that is restored.
func FallBack(tb testing.TB, address, to string) {
	tb.Helper()
	admin(tb, named(address, "postgres"), func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, fmt.Sprintf("drop database %s with (force)", nameOf(address))); err != nil {
			return err
		}
		return create(ctx, conn, nameOf(address), nameOf(to))
	})
}

// fillOnce makes the template, unless it is there. Several processes may come at once.
func fillOnce(ctx context.Context, conn *pgx.Conn, server, template string, fill func(address string) error) error {
	const there = "select exists (select from pg_database where datname = $1)"
	var found bool
	if err := conn.QueryRow(ctx, there, template).Scan(&found); err != nil || found {
		return err
	}
	// The lock ends with the connection.
	if _, err := conn.Exec(ctx, "select pg_advisory_lock(hashtextextended($1, 0))", template); err != nil {
		return err
	}
	if err := conn.QueryRow(ctx, there, template).Scan(&found); err != nil || found {
		return err
	}
	unfinished := template + "_unfinished"
	if _, err := conn.Exec(ctx, "drop database if exists "+unfinished); err != nil {
		return err
	}
	if err := create(ctx, conn, unfinished, "template1"); err != nil {
		return err
	}
	if err := fill(named(server, unfinished)); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, fmt.Sprintf("alter database %s rename to %s", unfinished, template))
	return err
}

// create copies files: to write every page to the log, which is the default, costs PostgreSQL three times as
// much.
func create(ctx context.Context, conn *pgx.Conn, name, template string) error {
	_, err := conn.Exec(ctx, fmt.Sprintf("create database %s template %s strategy file_copy", name, template))
	return err
}

// nameOf is the name of the database at an address.
func nameOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "" // with which there was no connection before
	}
	return strings.TrimPrefix(u.Path, "/")
}

// named is the URL of another database of a server.
func named(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server // with which there was no connection before
	}
	u.Path = "/" + name
	return u.String()
}

// admin works on the server, on a connection of its own.
func admin(tb testing.TB, server string, do func(ctx context.Context, conn *pgx.Conn) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		tb.Fatalf("these tests need a PostgreSQL server; `make test` starts one: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := do(ctx, conn); err != nil {
		tb.Fatal(err)
	}
}
