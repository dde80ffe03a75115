// Package searchtest is what the tests of all services with tables of search terms share.
package searchtest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
)

// TermsGoWithTheirRows fails the test unless all rows that one statement writes into the tables get search
// terms, and those of rows that are deleted are gone. The tables are named by those of their terms.
func TermsGoWithTheirRows(t *testing.T, db *pg.DB, tables map[string]string) {
	t.Helper()
	for terms, rows := range tables {
		var names, values string
		require.NoError(t, db.Pool().QueryRow(t.Context(), `select string_agg(quote_ident(attname), ', '),
				string_agg(case atttypid::regtype::text when 'uuid' then 'gen_random_uuid()' when 'text' then quote_literal(attname || ' text')
					when 'boolean' then 'false' when 'timestamp with time zone' then 'now()'
					when 'bigint' then 'n' when 'integer' then 'n' else quote_literal('{}') end, ', ')
			from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and attnotnull and not attisdropped`, rows).Scan(&names, &values))
		_, err := db.Pool().Exec(t.Context(), fmt.Sprintf("insert into %s (%s) select %s from generate_series(1, 3) n", rows, names, values))
		require.NoError(t, err)
		count := func() (n int) {
			require.NoError(t, db.Pool().QueryRow(t.Context(), fmt.Sprintf("select count(*) from %s where lexemes @@ 'text'", terms)).Scan(&n))
			return n
		}
		require.Equal(t, 3, count(), "search terms of new rows in %s", rows)
		_, err = db.Pool().Exec(t.Context(), fmt.Sprintf("delete from %[1]s where id in (select id from %[1]s limit 2)", rows))
		require.NoError(t, err)
		require.Equal(t, 1, count(), "search terms once two rows of %s are deleted", rows)
	}
}

// IndexingWritesLittle fails the test if what is written to index a row grows with how many others have the
// same words.
func IndexingWritesLittle(t *testing.T, db *pg.DB, tables ...string) {
	t.Helper()
	const rows, atMost = 100, 12_000 // bytes a row; some 60 lexemes, each by itself, are 30,000
	for _, table := range tables {
		_, err := db.Pool().Exec(t.Context(), fmt.Sprintf(`insert into %s (id, lexemes, raw) select gen_random_uuid(), '',
			'^12.00 ^eur ^for ^north ^nowak ^p-2026-' || lpad(n::text, 6, '0') || ' ^scaffolding ^the ^wall' from generate_series(1, 2000) n`, table))
		require.NoError(t, err)
		index := fmt.Sprintf(`update %[1]s set lexemes = search_lexemes(raw), raw = null
			where id in (select id from %[1]s where raw is not null limit %[2]d)`, table, rows)
		var last, written int
		for indexed := 0; indexed < 2000; indexed += rows {
			var text string
			require.NoError(t, db.Pool().QueryRow(t.Context(), "explain (analyze, wal, format json) "+index).Scan(&text))
			var explained []struct {
				Plan struct {
					Bytes int `json:"WAL Bytes"`
				}
			}
			require.NoError(t, json.Unmarshal([]byte(text), &explained))
			if last = explained[0].Plan.Bytes / rows; indexed >= 1000 {
				written += last
			}
		}
		if mean := written / 10; mean == 0 || mean > atMost {
			t.Errorf("%s: to index a row of 2,000 with the same words writes %d bytes, %d at last; at most %d are expected", table, mean, last, atMost)
		}
	}
}
