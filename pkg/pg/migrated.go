package pg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
)

// ErrNotMigrated says that the database is behind the binary.
var ErrNotMigrated = errors.New("the database is not migrated: run the migrate command of this version")

// Migrated returns ErrNotMigrated, with what is missing, if a migration of sets has not been applied. A
// database that is ahead is well: a version adds only what the one before can do without. It costs one round
// trip, and one more for each library.
func (db *DB) Migrated(ctx context.Context, sets ...Migrations) error {
	sets = WithOurs(sets)
	batch := &pgx.Batch{}
	for _, set := range sets {
		if set.FS == nil {
			continue
		}
		wanted, err := versions(set.FS)
		if err != nil {
			return fmt.Errorf("read the migrations of %s: %w", set.Name, err)
		}
		batch.Queue("select version_id from " + pgx.Identifier{set.table()}.Sanitize() + " where is_applied").Query(func(rows pgx.Rows) error {
			applied, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			if err != nil {
				return err
			}
			missing := slices.DeleteFunc(wanted, func(v int64) bool { return slices.Contains(applied, v) })
			if len(missing) > 0 {
				return fmt.Errorf("%w; it lacks %s of %s", ErrNotMigrated, numbers(missing), set.Name)
			}
			return nil
		})
	}
	err := db.pool.SendBatch(ctx, batch).Close()
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) && pgErr.Code == "42P01" {
		return fmt.Errorf("%w; it lacks all of a part: %s", ErrNotMigrated, pgErr.Message)
	}
	if hasCode(err, "42501") {
		return fmt.Errorf("%w, with MIGRATE_DATABASE_URL, so that the role of DATABASE_URL may use it: %w", ErrNotMigrated, err)
	}
	if err != nil {
		return err
	}
	for _, set := range sets {
		if set.Missing == nil {
			continue
		}
		missing, err := set.Missing(ctx, db.pool)
		if err != nil {
			return fmt.Errorf("look for migrations of %s: %w", set.Name, err)
		}
		if missing != "" {
			return fmt.Errorf("%w; it lacks %s of %s", ErrNotMigrated, missing, set.Name)
		}
	}
	return nil
}

// versions are the numbers of the files, in order.
func versions(files fs.FS) ([]int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	found := make([]int64, 0, len(names))
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		found = append(found, version)
	}
	slices.Sort(found)
	return found, nil
}

// numbers are versions as their files are named.
func numbers(versions []int64) string {
	var s []string
	for _, v := range versions {
		s = append(s, fmt.Sprintf("%05d", v))
	}
	return strings.Join(s, ", ")
}
