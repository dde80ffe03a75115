package journal

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg/pgtest"
)

// A rebuild of products must not walk through all payments: with many of them, its first statement would not
// end in time.
func TestARebuildReadsOnlyWhatBeginsWithItsPrefix(t *testing.T) {
	db := pgtest.New(t, Migrations)
	_, err := db.Pool().Exec(t.Context(), `insert into streams (stream, version) select kind || n, 1
		from unnest(array['customer-', 'payment-', 'zebra-']) kind, generate_series(1, 20000) n
		union all select 'product-' || n, 2 from generate_series(1, 250) n`)
	require.NoError(t, err)
	_, err = db.Pool().Exec(t.Context(), "vacuum analyze streams")
	require.NoError(t, err)
	j := New(db, "/here")

	pages := 0
	last := "product-"
	for {
		ids, err := j.streamsAfter(t.Context(), "product-", last)
		require.NoError(t, err)
		if len(ids) == 0 {
			break
		}
		pages++
		last = ids[len(ids)-1]
	}
	require.Equal(t, 2, pages)
	events, err := j.count(t.Context(), "product-")
	require.NoError(t, err)
	require.EqualValues(t, 500, events)

	// The last page is where it would go on to the end of the table.
	rows, err := db.Pool().Query(t.Context(), `explain (analyze, buffers, timing off, format text) select stream from streams
		where stream collate "C" > $1 and stream collate "C" < $2 and version > 0 order by stream collate "C" limit $3`, last, behind("product-"), refoldBatch)
	require.NoError(t, err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(plan), "streams_by_prefix")
	require.NotContains(t, fmt.Sprint(plan), "Rows Removed by Filter")
}
