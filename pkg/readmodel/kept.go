package readmodel

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// What lists come to is kept in the table sums where it is asked for at every page and every push, and not
// counted: by list, by whose it is, by part of the list and by currency. Triggers of the lists' tables write
// what each change of a row adds and takes away, in its transaction. The service's migrations make them, and
// the view counted_sums, which says what the sums must be.
//
// Rows that were merged stay where they are as long as anybody's snapshot may see them, a backup's for hours.
// So that nobody walks over them, a merged row says up to which transaction nothing is left of its list and
// owner but what merged rows have: whoever reads begins there.
//
// Invariant: whoever sees a merged row sees no other row of its list and owner that a transaction before upto
// has written. The merging statement has seen all that those have written, since none of them goes on.

// begin is from which transaction on the rows of a list and owner are read. One that this server has not come
// to is another's, from which it was restored: then all are.
func begin(list, owner string) string {
	return fmt.Sprintf(`coalesce((select case when upto <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint then upto end
		from sums where list = %s and owner = %s and not fresh order by xid desc limit 1), 0)`, list, owner)
}

// KeptSums returns what parts of a list come to, by the transactions that have been committed.
func KeptSums(ctx context.Context, db *pg.DB, list, owner string) (map[string]Sums, error) {
	parts := map[string]Sums{}
	var part, currency string
	var n, minor int64
	err := pg.ForEach(ctx, db.Pool(), []any{&part, &currency, &n, &minor}, func() {
		s := parts[part]
		s.Count += int(n)
		if currency != "" {
			s.Amounts = append(s.Amounts, money.Amount{Minor: minor, Currency: currency})
		}
		parts[part] = s
	}, `select part, currency, sum(n)::bigint, least(sum(minor), $3)::bigint from sums where list = $1 and owner = $2 and xid >= `+
		begin("$1", "$2")+` group by part, currency having sum(n) <> 0 order by currency`, list, owner, int64(math.MaxInt64))
	if err != nil {
		return nil, fmt.Errorf("read the sums of %s: %w", list, err)
	}
	return parts, nil
}

const (
	mergePause = 300 * time.Millisecond // between two merges: meanwhile a sum has a row for each change
	mergeTick  = 10 * time.Second       // for what no notification came for
	mergeBatch = 500                    // fresh rows that are merged at once
)

// MergeSums makes one row of all that a sum has, whenever the channel has news, until ctx ends. Any number of
// processes may.
func MergeSums(ctx context.Context, db *pg.DB, channel string, log *slog.Logger) error {
	var m merger
	return db.Follow(ctx, channel, mergePause, mergeTick, func() {
		if err := m.mergeAll(ctx, db); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "sums are read from more rows than they need, and merged later", "error", err)
		}
	})
}

// MergeFreshSums merges all that is fresh, unless another process does.
func MergeFreshSums(ctx context.Context, db *pg.DB) error { return new(merger).mergeAll(ctx, db) }

// merger knows before which transaction nothing is fresh.
type merger struct{ before int64 }

func (m *merger) mergeAll(ctx context.Context, db *pg.DB) error {
	for {
		fresh, err := m.merge(ctx, db)
		if err != nil {
			return fmt.Errorf("merge sums: %w", err)
		}
		if fresh < mergeBatch {
			return nil
		}
	}
}

// merge merges a batch, the oldest first, and returns how many rows of it were fresh. A sum that has come to
// nothing keeps its row: it says where to begin.
func (m *merger) merge(ctx context.Context, db *pg.DB) (fresh int, err error) {
	before := m.before
	err = db.InTx(ctx, func(tx *pg.Tx) error {
		var alone bool
		tx.QueueRow("select pg_try_advisory_xact_lock(hashtextextended('sums', 0))", nil, &alone)
		if err := tx.Flush(ctx); err != nil || !alone {
			return err
		}
		return tx.QueryRow(ctx, `with taken as materialized (select ctid as at, list, owner, xid from sums where fresh and xid >= $1 order by xid limit $2),
			bound as (select least(pg_snapshot_xmin(pg_current_snapshot())::text::bigint, case when count(*) = $2 then max(xid) end) as upto from taken),
			merged as (select m.ctid as at from (select distinct list, owner from taken) as o join sums as m
				on m.list = o.list and m.owner = o.owner and not m.fresh and m.xid >= `+begin("o.list", "o.owner")+`),
			gone as (delete from sums where ctid = any(array(select at from taken union all select at from merged)) returning *),
			made as (insert into sums (list, owner, part, currency, n, minor, fresh, upto)
				select list, owner, part, currency, sum(n), sum(minor), false, (select upto from bound) from gone group by 1, 2, 3, 4)
			select (select upto from bound), (select count(*) from taken)`, before, mergeBatch).Scan(&before, &fresh)
	})
	if err == nil {
		m.before = before
	}
	return fresh, err
}

// MendSums compares the sums with what they must be, while rows change, and adds what is missing. It returns
// how many were wrong. No sum ever is, unless somebody has written to the tables without their triggers.
func MendSums(ctx context.Context, db *pg.DB) (wrong int64, err error) {
	err = db.InTx(ctx, func(tx *pg.Tx) error {
		tx.Queue("set local statement_timeout = 0")
		// One statement sees one state of both: what changes meanwhile adds to the sums by itself.
		mended, err := tx.Exec(ctx, `insert into sums (list, owner, part, currency, n, minor)
			select list, owner, part, currency, sum(n), sum(minor) from (
				select list, owner, part, currency, n, minor from counted_sums
				union all select list, owner, part, currency, -n, -minor from sums) as d
			group by 1, 2, 3, 4 having sum(n) <> 0 or sum(minor) <> 0`)
		wrong = mended.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("mend sums: %w", err)
	}
	return wrong, nil
}
