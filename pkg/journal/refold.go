package journal

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// refoldBatch is how many streams are locked and refolded at once, and with it how long writers wait at most.
const refoldBatch = 200

// Refold gives every stream whose id begins with prefix to projectors again, as it is in the journal, in place and in service:
// batch by batch under the streams' rows, so that whoever writes meanwhile comes before or after. progress (may be nil)
// is told how many events that has been so far.
func (j *Journal) Refold(ctx context.Context, prefix string, progress func(events int64), projectors ...Projector) error {
	var done int64
	for last := ""; ; {
		ids, err := j.streamsAfter(ctx, prefix, last)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return nil
		}
		err = j.db.InTx(ctx, func(tx *pg.Tx) error {
			loaded, err := j.Load(ctx, tx, ids...)
			if err != nil {
				return err
			}
			streams := make([]Stream, 0, len(ids))
			for _, id := range ids {
				streams = append(streams, loaded[id])
				done += int64(len(loaded[id].Records))
			}
			for _, project := range projectors {
				if err := project(ctx, tx, streams); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("refold streams after %q: %w", last, err)
		}
		last = ids[len(ids)-1]
		if progress != nil {
			progress(done)
		}
	}
}

// streamsAfter lists the next streams that have events. No index knows prefixes; the primary key's is read through once.
func (j *Journal) streamsAfter(ctx context.Context, prefix, last string) ([]string, error) {
	return j.strings(ctx, `select stream from streams where stream > $2 and starts_with(stream, $1) and version > 0
		order by stream limit $3`, prefix, last, refoldBatch)
}

// CopyTable is a table of copies: one row, or several, for each stream with Prefix, whose id without the prefix is in Column.
type CopyTable struct{ Table, Column, Prefix string }

// Sweep removes the rows of a copy whose stream has no events, and returns how many. Nobody's fold would ever remove them.
func (j *Journal) Sweep(ctx context.Context, c CopyTable) (removed int64, err error) {
	table, column := pgx.Identifier{c.Table}.Sanitize(), pgx.Identifier{c.Column}.Sanitize()
	var kind string
	if err := j.db.Pool().QueryRow(ctx, `select format_type(atttypid, atttypmod) from pg_attribute
		where attrelid = $1::text::regclass and attname = $2`, table, c.Column).Scan(&kind); err != nil {
		return 0, fmt.Errorf("look at column %s of %s: %w", c.Column, c.Table, err)
	}
	find := fmt.Sprintf(`select distinct %[1]s::text from %[2]s where not exists (
		select from streams where stream = $1 || %[1]s::text and version > 0) limit $2`, column, table)
	remove := fmt.Sprintf(`delete from %[2]s where %[1]s = any($1::text[]::%[3]s[])`, column, table, kind)
	for {
		orphans, err := j.strings(ctx, find, c.Prefix, refoldBatch)
		if err != nil || len(orphans) == 0 {
			return removed, err
		}
		var n int64
		err = j.db.InTx(ctx, func(tx *pg.Tx) (err error) {
			n, err = j.sweep(ctx, tx, c.Prefix, orphans, remove)
			return err
		})
		if err != nil {
			return removed, fmt.Errorf("remove rows of %s without a stream: %w", c.Table, err)
		}
		if removed += n; n == 0 { // every one of them has come to be meanwhile
			return removed, nil
		}
	}
}

// sweep removes what is still without a stream once the streams' rows are held: one may just have come to be. Rows of streams
// that are there for the lock only go with it.
func (j *Journal) sweep(ctx context.Context, tx *pg.Tx, prefix string, orphans []string, remove string) (int64, error) {
	ids := make([]string, len(orphans))
	for i, orphan := range orphans {
		ids[i] = prefix + orphan
	}
	loaded, err := j.Load(ctx, tx, ids...)
	if err != nil {
		return 0, err
	}
	var empty, gone []string
	for i, id := range ids {
		if len(loaded[id].Records) == 0 {
			empty, gone = append(empty, id), append(gone, orphans[i])
		}
	}
	tag, err := tx.Exec(ctx, remove, gone)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, "delete from streams where stream = any($1) and version = 0", empty)
	return tag.RowsAffected(), err
}

// strings runs a query for one column of text.
func (j *Journal) strings(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := j.db.Pool().Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	return found, nil
}
