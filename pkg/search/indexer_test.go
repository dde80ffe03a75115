package search_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/search"
)

// A row that cannot be indexed is set apart, and holds up no other.
func TestARowThatCannotBeIndexedHoldsUpNoOther(t *testing.T) {
	// given more rows than are indexed at once, of which the database takes one not with its lexemes
	db := pgtest.New(t)
	exec := func(statement string, args ...any) {
		_, err := db.Pool().Exec(t.Context(), statement, args...)
		require.NoError(t, err)
	}
	for _, table := range []string{"orders", "payments"} {
		exec(fmt.Sprintf(`create table %s (id uuid primary key default gen_random_uuid(), lexemes tsvector not null default '', raw text,
			taken int generated always as (1 / (case when lexemes @@ 'poison' then 0 else 1 end)) stored)`, table))
		exec(fmt.Sprintf("insert into %s (raw) select case n when 100 then 'word poison' else 'word ' || n end from generate_series(1, 450) n", table))
	}
	var logged bytes.Buffer
	indexer := search.NewIndexer(db, "news", slog.New(slog.NewTextHandler(&logged, nil)), "orders", "payments")

	// when they are indexed, twice
	for range 2 {
		require.NoError(t, indexer.Index(t.Context()))
	}

	// then all others are, and each of the two was told of once
	for _, table := range []string{"orders", "payments"} {
		var waiting, found int
		require.NoError(t, db.Pool().QueryRow(t.Context(), fmt.Sprintf(
			"select count(*) filter (where raw is not null), count(*) filter (where lexemes @@ 'word') from %s", table)).Scan(&waiting, &found))
		require.Equal(t, []int{0, 449}, []int{waiting, found}, table)
	}
	require.Regexp(t, `^time=\S+ level=ERROR msg="[^"]+" table=orders id=[-0-9a-f]{36} error=.*\ntime=\S+ level=ERROR msg="[^"]+" table=payments .*\n$`, logged.String())

	// and what is wrong with the statement, and not with a row, empties none
	exec("insert into orders (raw) values ('word')")
	exec("alter table orders rename lexemes to gone")
	require.Error(t, indexer.Index(t.Context()))
	var waiting int
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select count(*) from orders where raw is not null").Scan(&waiting))
	require.Equal(t, 1, waiting)
}
