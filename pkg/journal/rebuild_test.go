package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/operator"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// projectThings keeps a row for each thing: how many events it has.
func projectThings(ctx context.Context, tx *pg.Tx, streams []journal.Stream) error {
	for _, s := range streams {
		if _, err := tx.Exec(ctx, "insert into things (id, events) values ($1, $2) on conflict (id) do update set events = excluded.events",
			strings.TrimPrefix(s.ID, "thing-"), len(s.Records)); err != nil {
			return err
		}
	}
	return nil
}

func rebuilding(t *testing.T) (*pg.DB, *journal.Journal, journal.Rebuild) {
	t.Helper()
	db := pgtest.New(t, journal.Migrations)
	_, err := db.Pool().Exec(t.Context(), "create table things (id text primary key, events bigint not null)")
	require.NoError(t, err)
	j := journal.New(db, "/here", journal.Live())
	return db, j, journal.Rebuild{
		Journal: j, Projectors: []journal.Projector{projectThings},
		Copies: []journal.CopyTable{{Table: "things", Column: "id", Prefix: "thing-"}},
	}
}

func TestARebuildMendsTheCopy(t *testing.T) {
	// given things of which the copy has one wrong, lacks one, and has rows that nothing stands behind
	db, j, rebuild := rebuilding(t)
	appendTo(t, db, j, "thing-1", newEvent("1", 1), newEvent("1", 2))
	appendTo(t, db, j, "thing-2", newEvent("2", 1))
	appendTo(t, db, j, "other-1", newEvent("1", 1))
	require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error {
		_, err := j.Load(t.Context(), tx, "thing-looked-at")
		return err
	}))
	_, err := db.Pool().Exec(t.Context(), "insert into things values ('1', 9), ('orphan', 1), ('looked-at', 1)")
	require.NoError(t, err)
	unpushed := count(t, db, "unpushed")

	// when
	command := operator.RebuildCommand(func(context.Context) (journal.Rebuild, func(), error) { return rebuild, func() {}, nil })
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetArgs(nil)
	require.NoError(t, command.ExecuteContext(t.Context()))

	// then
	var copied string
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select string_agg(id || ':' || events, ' ' order by id) from things").Scan(&copied))
	require.Equal(t, "1:2 2:1", copied)
	require.Contains(t, out.String(), "3 events in ")
	require.Contains(t, out.String(), "things: 2 rows without a stream removed")
	require.Equal(t, unpushed, count(t, db, "unpushed"))
}

func TestSweepTakesIdsOfAnyType(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	const id = "0193f3a0-0000-7000-8000-000000000001"
	_, err := db.Pool().Exec(t.Context(), `create table "odd things" ("the id" uuid, n int)`)
	require.NoError(t, err)
	_, err = db.Pool().Exec(t.Context(), `insert into "odd things" select gen_random_uuid(), n from generate_series(1, 450) n union all select $1, 0 union all select $1, 1`, id)
	require.NoError(t, err)
	j := journal.New(db, "/here")
	appendTo(t, db, j, "thing-"+id, newEvent(id, 1))

	removed, err := j.Sweep(t.Context(), journal.CopyTable{Table: "odd things", Column: "the id", Prefix: "thing-"})

	require.NoError(t, err)
	require.EqualValues(t, 450, removed)
	require.Equal(t, 2, count(t, db, `"odd things"`))
	require.Equal(t, 1, count(t, db, "streams"))
}

func TestARebuildInServiceLosesNothing(t *testing.T) {
	// given more things than are refolded at once, and people who go on
	db, j, rebuild := rebuilding(t)
	require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error {
		for n := range 450 {
			id := fmt.Sprintf("thing-%03d", n)
			loaded, err := j.Load(t.Context(), tx, id)
			if err != nil {
				return err
			}
			s := loaded[id]
			if err := j.Append(t.Context(), tx, &s, newEvent(id, 1)); err != nil {
				return err
			}
		}
		return nil
	}))
	write := func(id string) error {
		return db.InTx(t.Context(), func(tx *pg.Tx) error {
			loaded, err := j.Load(t.Context(), tx, id)
			if err != nil {
				return err
			}
			s := loaded[id]
			if err := j.Append(t.Context(), tx, &s, newEvent(id, 2)); err != nil {
				return err
			}
			return projectThings(t.Context(), tx, []journal.Stream{s})
		})
	}
	var people sync.WaitGroup
	failures := make(chan error, 200)
	people.Go(func() {
		for n := range 100 {
			failures <- write(fmt.Sprintf("thing-%03d", n*4))
			failures <- write(fmt.Sprintf("thing-new-%03d", n))
		}
	})

	// when
	var reported []journal.Progress
	_, err := rebuild.Run(t.Context(), func(p journal.Progress) { reported = append(reported, p) })
	require.NoError(t, err)

	// then
	people.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, len(reported), 3)
	require.GreaterOrEqual(t, reported[len(reported)-1].Done, int64(450))
	require.Equal(t, 550, count(t, db, "things"))
	var wrong int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `select count(*) from things
		where events <> (select count(*) from journal where stream = 'thing-' || id)`).Scan(&wrong))
	require.Zero(t, wrong)
}
