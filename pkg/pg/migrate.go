package pg

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"countersign.example/pkg/tcp"
	"countersign.example/pkg/wait"
)

// Migrations are how one package's tables come to be: SQL files of ours, or what a library does by itself.
// Every set keeps its own version table, so that packages number their files by themselves.
type Migrations struct {
	Name string // letters and underscores
	FS   fs.FS  // *.sql at its root, in goose's format; nil for a library's

	appendOnly map[string][]string // see OnlyAddTo

	// Of a library. Up brings its tables up to date. Missing says what they lack, "" if nothing; what a newer
	// version of the library has added is no lack.
	Up      func(ctx context.Context, pool *pgxpool.Pool) error
	Missing func(ctx context.Context, pool *pgxpool.Pool) (string, error)
}

// NewMigrations returns the set name, whose files are in the folder migrations of files, as a package embeds
// it.
func NewMigrations(name string, files embed.FS) Migrations {
	set, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the name of the folder is a valid one
	}
	return Migrations{Name: name, FS: set}
}

// OnlyAddTo returns the set with a table of it whose rows stay as they are, but for columns that are noted
// later; see MigrateAs.
func (m Migrations) OnlyAddTo(table string, noted ...string) Migrations {
	m.appendOnly = maps.Clone(m.appendOnly)
	if m.appendOnly == nil {
		m.appendOnly = map[string][]string{}
	}
	m.appendOnly[table] = noted
	return m
}

const (
	// migrationLockTimeout is how long a migration waits for a table. Whoever comes to the table behind it
	// waits as long.
	migrationLockTimeout = 2 * time.Second
	// migrationPatience is how long a migration is tried again that did not get its table.
	migrationPatience = 5 * time.Minute
	// migrationTurn is how often a process looks whether the one that migrates has finished.
	migrationTurn = 500 * time.Millisecond
)

// Migrate brings the database at url up to date with this package's tables and with sets, in order. Several
// processes may call it at once: one works, the others wait. While it runs, the service may be in use: no
// statement waits long for a table, since everybody who comes to it then would wait behind that; it gives up
// and is tried again.
func Migrate(ctx context.Context, url string, sets ...Migrations) error {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("read the database URL: %w", err)
	}
	config.ConnConfig.DialFunc = tcp.Dialer(0).DialContext // no limit for an answer: what is migrated may be large
	patient := stdlib.OpenDB(*config.ConnConfig.Copy())
	defer func() { _ = patient.Close() }()
	config.ConnConfig.RuntimeParams["lock_timeout"] = fmt.Sprint(migrationLockTimeout.Milliseconds())
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer pool.Close()
	quick := stdlib.OpenDBFromPool(pool)
	defer func() { _ = quick.Close() }()

	return alone(ctx, config.ConnConfig, func(ctx context.Context) error {
		for _, set := range WithOurs(sets) {
			up := set.Up
			if set.FS != nil {
				up = func(ctx context.Context, _ *pgxpool.Pool) error { return set.up(ctx, quick, patient) }
			}
			if err := again(ctx, func() error { return up(ctx, pool) }); err != nil {
				return fmt.Errorf("migrate %s: %w", set.Name, err)
			}
		}
		return nil
	})
}

// WithOurs adds the tables that come with every database.
func WithOurs(sets []Migrations) []Migrations { return append([]Migrations{leases}, sets...) }

// alone runs do while no other process migrates this database.
func alone(ctx context.Context, config *pgx.ConnConfig, do func(ctx context.Context) error) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { // closing it is what gives the lock back
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	for {
		// To wait inside PostgreSQL would hold a snapshot, and an index that is built concurrently waits for
		// all of them to end.
		var taken bool
		if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", lockKey("migrate")).Scan(&taken); err != nil {
			return fmt.Errorf("take the lock of migrations: %w", err)
		}
		if taken {
			break
		}
		if !wait.Sleep(ctx, migrationTurn) {
			return fmt.Errorf("another process migrates this database: %w", ctx.Err())
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	lost := make(chan struct{})
	go func() {
		defer close(lost)
		// Nothing is listened to: this returns when the connection, and with it the lock, is lost, or at the
		// end.
		_, _ = conn.WaitForNotification(ctx)
		cancel()
	}()
	defer func() { cancel(); <-lost }()
	return do(ctx)
}

// noTransaction is how a file says that it holds no locks for long, and may wait long for its own: an index
// built concurrently.
var noTransaction = regexp.MustCompile(`(?m)^--\s*\+goose NO TRANSACTION\s*$`)

// up applies the files that were not applied yet, one by one.
func (m Migrations) up(ctx context.Context, quick, patient *sql.DB) error {
	table := goose.WithTableName(m.table())
	quickly, err := goose.NewProvider(goose.DialectPostgres, quick, m.FS, table)
	if err != nil {
		return fmt.Errorf("read the files: %w", err)
	}
	patiently, err := goose.NewProvider(goose.DialectPostgres, patient, m.FS, table)
	if err != nil {
		return fmt.Errorf("read the files: %w", err)
	}
	for {
		all, err := quickly.Status(ctx)
		if err != nil {
			return fmt.Errorf("look what is applied: %w", err)
		}
		provider := (*goose.Provider)(nil)
		for _, file := range all {
			if file.State != goose.StatePending {
				continue
			}
			text, err := fs.ReadFile(m.FS, file.Source.Path)
			if err != nil {
				return err
			}
			if provider = quickly; noTransaction.Match(text) {
				provider = patiently
			}
			break
		}
		if provider == nil {
			return nil
		}
		if _, err := provider.UpByOne(ctx); err != nil {
			return err
		}
	}
}

// again repeats do while it does not get a lock in time.
func again(ctx context.Context, do func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do()
		if err != nil && !lockTimeout(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait.BackOff(5*time.Second)), backoff.WithMaxElapsedTime(migrationPatience))
	if err != nil && lockTimeout(err) {
		return fmt.Errorf("a table is in use all the time; end the long transactions and run migrate again: %w", err)
	}
	return err
}

// lockTimeout reports whether a statement gave up to wait for a lock, or was chosen to end a deadlock.
func lockTimeout(err error) bool { return hasCode(err, "55P03", "40P01") }

// table is where goose keeps the versions that were applied.
func (m Migrations) table() string { return "goose_" + m.Name }
