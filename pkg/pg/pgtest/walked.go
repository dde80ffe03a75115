package pgtest

import (
	"testing"

	"countersign.example/pkg/pg"
)

// Alone is the address of a database for one connection, as Walked needs it.
func Alone(address string) string { return address + "&pool_max_conns=1" }

// Walked is how many entries of a table's indexes a function walks over, also those of rows that it does not
// see. The database has one connection, whose statistics these are.
func Walked(tb testing.TB, db *pg.DB, table string, do func()) int {
	tb.Helper()
	read := func() (n int) {
		for _, sql := range []string{
			"select count(pg_stat_force_next_flush()::text) from (select $1::text) as of_any_table",
			"select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes where relname = $1",
		} {
			if err := db.Pool().QueryRow(tb.Context(), sql, table).Scan(&n); err != nil {
				tb.Fatalf("read statistics: %v", err)
			}
		}
		return n
	}
	before := read()
	do()
	walked := read() - before
	tb.Logf("%d entries of the indexes of %s are walked over", walked, table)
	return walked
}
