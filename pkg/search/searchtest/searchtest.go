// Package searchtest is what the tests of all services with tables of search terms share.
package searchtest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
)

// IndexingWritesLittle fails the test if what is written to index a row grows with how many others have the
// same words.
func IndexingWritesLittle(t *testing.T, db *pg.DB, tables ...string) {
	t.Helper()
	const rows, atMost = 100, 12_000 // bytes a row; some 60 lexemes, each by itself, are 30,000
	for _, table := range tables {
		_, err := db.Pool().Exec(t.Context(), fmt.Sprintf("alter table %[1]s drop constraint %[1]s_id_fkey", table))
		require.NoError(t, err)
		_, err = db.Pool().Exec(t.Context(), fmt.Sprintf(`insert into %s (id, lexemes, raw) select gen_random_uuid(), '',
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
