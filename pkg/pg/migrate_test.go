package pg_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func files(texts map[string]string) pg.Migrations {
	set := fstest.MapFS{}
	for name, text := range texts {
		set[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
	}
	return pg.Migrations{Name: "things", FS: set}
}

var (
	thingsWithName = files(map[string]string{
		"00001_things.sql": "create table things (id int primary key);",
		"00002_name.sql":   "alter table things add column name text not null default '';",
	})
	// inOtherHands is a library that brings its own migrations.
	inOtherHands = pg.Migrations{
		Name: "library",
		Up: func(ctx context.Context, pool *pgxpool.Pool) error {
			_, err := pool.Exec(ctx, "create table library ()") // not made to be run twice
			return err
		},
		Missing: func(ctx context.Context, pool *pgxpool.Pool) (missing string, err error) {
			err = pool.QueryRow(ctx, "select case when to_regclass('library') is null then 'its table' else '' end").Scan(&missing)
			return missing, err
		},
	}
)

func TestADatabaseBehindTheBinaryIsReported(t *testing.T) {
	db := pgtest.New(t)
	require.ErrorIs(t, db.Migrated(t.Context(), things, inOtherHands), pg.ErrNotMigrated)

	require.NoError(t, pg.Migrate(t.Context(), db.URL(), things))
	require.NoError(t, db.Migrated(t.Context(), things))

	err := db.Migrated(t.Context(), thingsWithName)
	require.ErrorIs(t, err, pg.ErrNotMigrated)
	require.ErrorContains(t, err, "it lacks 00002 of things")
	err = db.Migrated(t.Context(), things, inOtherHands)
	require.ErrorIs(t, err, pg.ErrNotMigrated)
	require.ErrorContains(t, err, "it lacks its table of library")
}

func TestADatabaseAheadOfTheBinaryIsWell(t *testing.T) {
	db := pgtest.New(t, thingsWithName, inOtherHands)
	require.NoError(t, db.Migrated(t.Context(), things, inOtherHands))
	require.NoError(t, pg.Migrate(t.Context(), db.URL(), things), "the older binary's migrate has nothing to do")
}

func TestSeveralMigrateAtOnce(t *testing.T) {
	url := pgtest.NewURL(t)
	library := inOtherHands
	library.Up = func(ctx context.Context, pool *pgxpool.Pool) error {
		if missing, err := library.Missing(ctx, pool); err != nil || missing == "" {
			return err
		}
		return inOtherHands.Up(ctx, pool)
	}
	const n = 4
	failures := make(chan error, n)
	for range n {
		go func() { failures <- pg.Migrate(t.Context(), url, thingsWithName, library) }()
	}
	for range n {
		require.NoError(t, <-failures)
	}
}

// Whoever comes to a table behind a statement that waits for it, waits as long.
func TestAMigrationThatWaitsForItsTableHoldsNobodyUpForLong(t *testing.T) {
	// given somebody who reads a table in a long transaction
	db := pgtest.New(t, things)
	reader, err := db.Pool().Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = reader.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = reader.Exec(t.Context(), "select from things")
	require.NoError(t, err)

	// when a migration wants the table
	migrated := make(chan error, 1)
	go func() { migrated <- pg.Migrate(t.Context(), db.URL(), thingsWithName) }()
	require.Eventually(t, func() bool {
		var waits bool
		err := db.Pool().QueryRow(t.Context(), `select exists (select from pg_locks where not granted and relation = 'things'::regclass)`).Scan(&waits)
		return err == nil && waits
	}, 20*time.Second, 10*time.Millisecond)

	// then others write to it all the same, and the migration comes to its end when the reader has
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = db.Pool().Exec(ctx, "insert into things values (1)")
	require.NoError(t, err)
	require.NoError(t, reader.Rollback(t.Context()))
	require.NoError(t, <-migrated)
	require.NoError(t, db.Migrated(t.Context(), thingsWithName))
}

// An index that is built concurrently holds nobody up, and may wait as long as it must.
func TestAnIndexIsBuiltWhileOthersWrite(t *testing.T) {
	indexed := pg.Migrations{Name: "things", FS: fstest.MapFS{
		"00001_things.sql": {Data: []byte("-- +goose Up\ncreate table things (id int primary key);")},
		"00002_index.sql": {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\n" +
			"drop index concurrently if exists things_odd;\ncreate index concurrently things_odd on things (id) where id % 2 = 1;")},
	}}
	db := pgtest.New(t, things)
	writer, err := db.Pool().Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = writer.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = writer.Exec(t.Context(), "insert into things values (1)")
	require.NoError(t, err)
	const n = 2 // the second one waits for its turn, and not so that the index waits for it
	migrated := make(chan error, n)
	for range n {
		go func() { migrated <- pg.Migrate(t.Context(), db.URL(), indexed) }()
	}
	require.Eventually(t, func() bool {
		var builds bool
		err := db.Pool().QueryRow(t.Context(), `select exists (select from pg_stat_progress_create_index where datname = current_database())`).Scan(&builds)
		return err == nil && builds
	}, 20*time.Second, 10*time.Millisecond)

	_, err = db.Pool().Exec(t.Context(), "insert into things values (2)")
	require.NoError(t, err)
	require.NoError(t, writer.Commit(t.Context()))
	for range n {
		require.NoError(t, <-migrated)
	}
	var valid bool
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select indisvalid from pg_index where indexrelid = 'things_odd'::regclass").Scan(&valid))
	require.True(t, valid)
}
