package pg

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that goose works with
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migrations are the SQL files of one package that owns tables. Every set keeps its own
// version table, so that packages number their files by themselves.
type Migrations struct {
	Name string // letters and underscores
	FS   fs.FS  // *.sql at its root, in goose's format
}

// NewMigrations returns the set name, whose files are in the folder migrations of files, as a package embeds it.
func NewMigrations(name string, files embed.FS) Migrations {
	set, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the name of the folder is a valid one
	}
	return Migrations{Name: name, FS: set}
}

// ErrNotMigrated says that the database is behind the binary.
var ErrNotMigrated = errors.New("the database is not migrated: run the service's migrate command")

// Migrate brings the database at url up to date with sets, in order. Several processes may
// call it at once: one works, the others wait.
func Migrate(ctx context.Context, url string, sets ...Migrations) error {
	return eachProvider(url, sets, func(name string, provider *goose.Provider) error {
		if _, err := provider.Up(ctx); err != nil {
			return fmt.Errorf("migrate %s: %w", name, err)
		}
		return nil
	})
}

// Migrated returns ErrNotMigrated if a migration of sets has not been applied.
func Migrated(ctx context.Context, url string, sets ...Migrations) error {
	return eachProvider(url, sets, func(name string, provider *goose.Provider) error {
		pending, err := provider.HasPending(ctx)
		if err != nil {
			return fmt.Errorf("look for migrations of %s: %w", name, err)
		}
		if pending {
			return ErrNotMigrated
		}
		return nil
	})
}

func eachProvider(url string, sets []Migrations, do func(string, *goose.Provider) error) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { _ = db.Close() }()
	for _, set := range sets {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(lockKey("migrate")))
		if err != nil {
			return fmt.Errorf("make the migration lock: %w", err)
		}
		provider, err := goose.NewProvider(goose.DialectPostgres, db, set.FS,
			goose.WithTableName("goose_"+set.Name), goose.WithSessionLocker(locker))
		if err != nil {
			return fmt.Errorf("read the migrations of %s: %w", set.Name, err)
		}
		if err := do(set.Name, provider); err != nil {
			return err
		}
	}
	return nil
}
