package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign.example/pkg/pg"
)

const (
	batch = 200                    // rows that are indexed in one transaction
	pause = 300 * time.Millisecond // between batches of news, so that one transaction has many rows
	tick  = 10 * time.Second       // for what no notification came for
)

// Indexer lets an index find rows that were just written: in tables with the columns id, lexemes and raw, it
// makes lexemes of raw, which then becomes null. Any number of them may run; each row is indexed by one.
type Indexer struct {
	db      *pg.DB
	channel string
	tables  []string
	log     *slog.Logger
}

// NewIndexer returns an indexer of tables. Whoever writes rows notifies channel.
func NewIndexer(db *pg.DB, channel string, log *slog.Logger, tables ...string) *Indexer {
	return &Indexer{db: db, channel: channel, tables: tables, log: log}
}

// Run indexes until ctx ends.
func (x *Indexer) Run(ctx context.Context) error {
	return x.db.Follow(ctx, x.channel, pause, tick, func() {
		if err := x.Index(ctx); err != nil && ctx.Err() == nil {
			x.log.WarnContext(ctx, "what was written lately is searched without its index, and tried again", "error", err)
		}
	})
}

// Index indexes all rows that wait. A row that cannot be indexed is logged, and no search finds it from then
// on; no other row waits for it.
func (x *Indexer) Index(ctx context.Context) error {
	var errs []error
	for _, table := range x.tables {
		if err := x.index(ctx, table); err != nil {
			errs = append(errs, fmt.Errorf("index %s: %w", table, err))
		}
	}
	return errors.Join(errs...)
}

func (x *Indexer) index(ctx context.Context, table string) error {
	many := fmt.Sprintf(`update %[1]s set lexemes = search_lexemes(raw), raw = null
		where id in (select id from %[1]s where raw is not null limit %[2]d for update skip locked)`, table, batch)
	for {
		done, err := x.db.Pool().Exec(ctx, many)
		switch {
		case liesInARow(err):
			if err := x.oneByOne(ctx, table); err != nil {
				return err
			}
		case err != nil:
			return err
		case done.RowsAffected() < batch:
			return nil
		}
	}
}

// oneByOne indexes rows of which some cannot be.
func (x *Indexer) oneByOne(ctx context.Context, table string) error {
	found, err := x.db.Pool().Query(ctx, fmt.Sprintf("select id from %s where raw is not null limit %d for update skip locked", table, batch))
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (any, error) {
		values, err := row.Values()
		if err != nil {
			return nil, err
		}
		return values[0], nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := x.one(ctx, table, id); err != nil {
			return err
		}
	}
	return nil
}

// one indexes a row. If it cannot be indexed, it gets an empty vector.
func (x *Indexer) one(ctx context.Context, table string, id any) error {
	var name string
	var refused error
	err := pgx.BeginFunc(ctx, x.db.Pool(), func(tx pgx.Tx) error {
		// Held from here on, so that only what was tried is set apart.
		err := tx.QueryRow(ctx, fmt.Sprintf("select id::text from %s where id = $1 and raw is not null for update skip locked", table), id).Scan(&name)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // another indexer's, or somebody writes it
		}
		if err != nil {
			return err
		}
		refused = pgx.BeginFunc(ctx, tx, func(try pgx.Tx) error {
			_, err := try.Exec(ctx, fmt.Sprintf("update %s set lexemes = search_lexemes(raw), raw = null where id = $1", table), id)
			return err
		})
		if !liesInARow(refused) {
			return refused
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("update %s set lexemes = '', raw = null where id = $1", table), id)
		return err
	})
	if err == nil && refused != nil {
		x.log.ErrorContext(ctx, "a row cannot be indexed: no search finds it by its words", "table", table, "id", name, "error", refused)
	}
	return err
}

// liesInARow reports whether a statement failed for what a row holds, which it does again: it is no value, or
// too much for an index. Not for what is wrong with all rows, such as a function that is not there.
//
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func liesInARow(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(refused.Code, "22") || strings.HasPrefix(refused.Code, "54"))
}
