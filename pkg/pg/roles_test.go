package pg_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestWhoServesMayDoAllButChangeWhatIsOnlyAddedTo(t *testing.T) {
	things := files(map[string]string{"00001_things.sql": `create table things (id int generated always as identity primary key, text text, noted text);
		create table others (id serial primary key, text text); create view shown as select id, text from others;
		create index others_text on others (text);`}).OnlyAddTo("things", "noted")
	owner := pgtest.NewURL(t)
	serving := pgtest.Serving(t, owner)
	db, err := pg.Open(t.Context(), serving)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	does := func(statement string) error {
		_, err := db.Pool().Exec(t.Context(), statement)
		return err
	}

	// given a database that one role has made, then another one is no use
	require.NoError(t, pg.Migrate(t.Context(), owner, things))
	require.ErrorIs(t, db.Migrated(t.Context(), things), pg.ErrNotMigrated)
	owning, err := pg.Open(t.Context(), owner)
	require.NoError(t, err)
	t.Cleanup(owning.Close)
	require.ErrorIs(t, owning.Restricted(t.Context(), things), pg.ErrMayChange)
	require.ErrorContains(t, owning.Restricted(t.Context(), things), "postgres, of things")

	// when it is migrated for that role, however often, then the role may work with it
	for range 2 {
		require.NoError(t, pg.MigrateAs(t.Context(), owner, serving, things))
	}
	require.NoError(t, db.Migrated(t.Context(), things))
	require.NoError(t, db.Restricted(t.Context(), things))
	for _, statement := range []string{"insert into things (text) values ('a')", "update things set noted = 'b'", "insert into others (text) values ('a')",
		"update shown set text = 'b'", "delete from others", "lock table others in access exclusive mode", "create temporary table mine ()"} {
		require.NoError(t, does("begin;"+statement+";commit"), statement)
	}
	require.NoError(t, does("reindex index concurrently others_text"), "as River does by itself")

	// and may not change what is only added to, nor say that it was migrated
	for _, statement := range []string{"update things set text = 'c'", "delete from things", "truncate things", "drop table things", "delete from goose_things"} {
		require.ErrorContains(t, does(statement), "SQLSTATE 42501", statement)
	}

	// and what a later version makes, it may use at once
	require.NoError(t, pg.MigrateAs(t.Context(), owner, serving, things, files(map[string]string{"00002_more.sql": "create table more (id int);"})))
	require.NoError(t, does("insert into more values (1)"))
}

func TestARoleThatIsNotThereIsNamed(t *testing.T) {
	owner := pgtest.NewURL(t)
	err := pg.MigrateAs(t.Context(), owner, "postgres://nobody_yet@"+owner[len("postgres://postgres@"):])
	require.ErrorContains(t, err, `there is no role "nobody_yet"`)
}

func TestWhoOwnsTheDatabaseOrItsSchemaCouldDropWhatIsOnlyAddedTo(t *testing.T) {
	things := files(map[string]string{"00001_things.sql": "create table things (id int);"}).OnlyAddTo("things")
	for _, what := range []string{"database %s", "schema public"} {
		owner := pgtest.NewURL(t)
		serving := pgtest.Serving(t, owner)
		require.NoError(t, pg.MigrateAs(t.Context(), owner, serving, things))
		db, err := pg.Open(t.Context(), serving)
		require.NoError(t, err)
		t.Cleanup(db.Close)
		require.NoError(t, db.Restricted(t.Context(), things))
		var role, database string
		require.NoError(t, db.Pool().QueryRow(t.Context(), "select current_user, current_database()").Scan(&role, &database))
		owning, err := pg.Open(t.Context(), owner)
		require.NoError(t, err)
		t.Cleanup(owning.Close)

		_, err = owning.Pool().Exec(t.Context(), "alter "+strings.ReplaceAll(what, "%s", database)+" owner to "+role)
		require.NoError(t, err)
		require.ErrorIs(t, db.Restricted(t.Context(), things), pg.ErrMayChange, what)
		_, err = db.Pool().Exec(t.Context(), "drop table things")
		require.NoError(t, err, what)
	}
}
