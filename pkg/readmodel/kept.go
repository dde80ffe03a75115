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
	}, `select part, currency, sum(n)::bigint, least(sum(minor), $3)::bigint from sums where list = $1 and owner = $2
		group by part, currency having sum(n) <> 0 order by currency`, list, owner, int64(math.MaxInt64))
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
	return db.Follow(ctx, channel, mergePause, mergeTick, func() {
		if err := MergeFreshSums(ctx, db); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "sums are read from more rows than they need, and merged later", "error", err)
		}
	})
}

// MergeFreshSums merges all that is fresh.
func MergeFreshSums(ctx context.Context, db *pg.DB) error {
	for {
		var fresh int
		err := db.Pool().QueryRow(ctx, `with gone as (
				delete from sums where ctid = any(array(select ctid from sums where (list, owner, part, currency) in
					(select list, owner, part, currency from sums where fresh limit $1) for update skip locked)) returning *),
			merged as (insert into sums (list, owner, part, currency, n, minor, fresh)
				select list, owner, part, currency, sum(n), sum(minor), false from gone
				group by 1, 2, 3, 4 having sum(n) <> 0 or sum(minor) <> 0)
			select count(*) from gone where fresh`, mergeBatch).Scan(&fresh)
		if err != nil {
			return fmt.Errorf("merge sums: %w", err)
		}
		if fresh < mergeBatch {
			return nil
		}
	}
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
