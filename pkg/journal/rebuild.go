package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// Rebuild rebuilds a service's read models from its own journal while the service runs: it refolds every
// stream in place, and then deletes the rows without a stream, so that pages are never empty.
type Rebuild struct {
	Journal    *Journal
	Projectors []Projector
	Copies     []CopyTable // in the order in which they are made; several may have the same Prefix
	// Mend puts right what triggers keep beside the copies, and returns how much of it was wrong; nil where
	// there is no such thing.
	Mend func(ctx context.Context) (wrong int64, err error)
}

// Run calls progress (may be nil) now and then, and returns how many rows were deleted from each table.
func (r Rebuild) Run(ctx context.Context, progress func(Progress)) (removed []int64, err error) {
	var prefixes []string
	for _, c := range r.Copies {
		if !slices.Contains(prefixes, c.Prefix) {
			prefixes = append(prefixes, c.Prefix)
		}
	}
	var of int64
	for _, prefix := range prefixes {
		events, err := r.Journal.count(ctx, prefix)
		if err != nil {
			return nil, err
		}
		of += events
	}
	var meter meter
	began, before := time.Now(), int64(0)
	for _, prefix := range prefixes {
		last := before
		err := r.Journal.refold(ctx, prefix, func(events int64) {
			last = before + events
			if progress != nil {
				progress(meter.note(began, time.Now(), last, max(of, last)))
			}
		}, r.Projectors...)
		if err != nil {
			return nil, err
		}
		before = last
	}
	for _, table := range r.Copies {
		n, err := r.Journal.Sweep(ctx, table)
		if err != nil {
			return nil, err
		}
		removed = append(removed, n)
	}
	return removed, nil
}

const (
	// refoldBatch is how many streams are locked and refolded at once, and with it how long writers wait at
	// most.
	refoldBatch = 200
	// sweepBatch is how many rows of a copy are looked at in a statement, which must end within its time
	// limit.
	sweepBatch = 5000
)

// refold gives every stream whose id begins with prefix to the projectors again, while the service runs. It
// locks the streams' rows batch by batch, so that other writers come before or after. It calls progress
// with the number of events so far.
func (j *Journal) refold(ctx context.Context, prefix string, progress func(events int64), projectors ...Projector) error {
	var done int64
	for last := prefix; ; {
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
		progress(done)
	}
}

// streamsAfter lists the next streams that have events, from prefix to where ids no longer begin with it. Ids
// are compared byte by byte, as an index of their own knows them: a language's order does not keep together
// what begins alike.
func (j *Journal) streamsAfter(ctx context.Context, prefix, last string) ([]string, error) {
	ids, err := pg.Rows(ctx, j.db.Pool(), pgx.RowTo[string], `select stream from streams where stream collate "C" > $1 and
		stream collate "C" < $2 and version > 0 order by stream collate "C" limit $3`, last, behind(prefix), refoldBatch)
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	return ids, nil
}

// count says how many events the streams have whose ids begin with prefix. It may take longer than a
// request's statement may.
func (j *Journal) count(ctx context.Context, prefix string) (events int64, err error) {
	err = j.db.InTx(ctx, func(tx *pg.Tx) error {
		tx.Queue("set local statement_timeout = 0")
		return tx.QueryRow(ctx, `select coalesce(sum(version), 0)::bigint from streams
			where stream collate "C" >= $1 and stream collate "C" < $2`, prefix, behind(prefix)).Scan(&events)
	})
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return events, nil
}

// behind is the first id, byte by byte, after all that begin with prefix. Prefixes end with "-".
func behind(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string(prefix[last]+1)
}

// CopyTable is a read model's table: one row or several for each stream with Prefix, whose id without the
// prefix is in Column.
type CopyTable struct{ Table, Column, Prefix string }

// Sweep deletes the rows whose stream has no events, and returns how many. No fold would ever delete them.
func (j *Journal) Sweep(ctx context.Context, c CopyTable) (removed int64, err error) {
	table, column := pgx.Identifier{c.Table}.Sanitize(), pgx.Identifier{c.Column}.Sanitize()
	var kind string
	if err := j.db.Pool().QueryRow(ctx, `select format_type(atttypid, atttypmod) from pg_attribute
		where attrelid = $1::text::regclass and attname = $2`, table, c.Column).Scan(&kind); err != nil {
		return 0, fmt.Errorf("look at column %s of %s: %w", c.Column, c.Table, err)
	}
	// The plan does not know parameters: with "or" it would walk from the table's beginning each time.
	look := func(from string) string {
		return fmt.Sprintf(`with looked as (select distinct %[1]s as id from %[2]s %[3]s order by 1 limit $2)
			select id::text, exists (select from streams where stream = $1 || id::text and version > 0) from looked order by id`, column, table, from)
	}
	first, next := look(""), look(fmt.Sprintf("where %s > $3::text::%s", column, kind))
	remove := fmt.Sprintf(`delete from %[2]s where %[1]s = any($1::text[]::%[3]s[])`, column, table, kind)
	for last := ""; ; {
		query, args := first, []any{c.Prefix, sweepBatch}
		if last != "" {
			query, args = next, append(args, last)
		}
		var orphans []string
		var id string
		var stands bool
		last = ""
		if err := pg.ForEach(ctx, j.db.Pool(), []any{&id, &stands}, func() {
			if last = id; !stands {
				orphans = append(orphans, id)
			}
		}, query, args...); err != nil {
			return removed, fmt.Errorf("look through %s: %w", c.Table, err)
		}
		if last == "" {
			return removed, nil
		}
		for some := range slices.Chunk(orphans, refoldBatch) {
			var n int64
			err := j.db.InTx(ctx, func(tx *pg.Tx) (err error) {
				n, err = j.sweep(ctx, tx, c.Prefix, some, remove)
				return err
			})
			if err != nil {
				return removed, fmt.Errorf("remove rows of %s without a stream: %w", c.Table, err)
			}
			removed += n
		}
	}
}

// sweep deletes what is still without a stream under the streams' locks: one may just have been created. It
// also deletes streams' rows that exist only for the lock.
func (j *Journal) sweep(ctx context.Context, tx *pg.Tx, prefix string, orphans []string, remove string) (int64, error) {
	ids := pg.Column(orphans, func(orphan string) string { return prefix + orphan })
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
