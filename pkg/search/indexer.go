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
	for {
		rows, err := x.many(ctx, table)
		switch {
		case liesInARow(err):
			if err := x.oneByOne(ctx, table); err != nil {
				return err
			}
		case err != nil:
			return err
		case rows < batch:
			return nil
		}
	}
}

// many indexes rows that wait, and returns how many.
func (x *Indexer) many(ctx context.Context, table string) (rows int, err error) {
	err = x.db.InTx(ctx, func(tx *pg.Tx) error {
		var ids, made []string
		var id, raw string
		if err := pg.ForEach(ctx, tx, []any{&id, &raw}, func() { ids, made = append(ids, id), append(made, Lexemes(raw)) },
			fmt.Sprintf("select id::text, raw from %s where raw is not null limit %d for update skip locked", table, batch)); err != nil {
			return err
		}
		rows = len(ids)
		tx.Queue(fmt.Sprintf(`update %s as waits set lexemes = array_to_tsvector(string_to_array(made.lexemes, ' ')), raw = null
			from unnest($1::text[], $2::text[]) as made (id, lexemes) where waits.id = made.id::uuid`, table), ids, made)
		return nil
	})
	return rows, err
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
	var name, raw string
	var refused error
	err := pgx.BeginFunc(ctx, x.db.Pool(), func(tx pgx.Tx) error {
		// Held from here on, so that only what was tried is set apart.
		err := tx.QueryRow(ctx, fmt.Sprintf("select id::text, raw from %s where id = $1 and raw is not null for update skip locked", table), id).Scan(&name, &raw)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // another indexer's, or somebody writes it
		}
		if err != nil {
			return err
		}
		refused = pgx.BeginFunc(ctx, tx, func(try pgx.Tx) error {
			_, err := try.Exec(ctx, fmt.Sprintf("update %s set lexemes = array_to_tsvector(string_to_array($2, ' ')), raw = null where id = $1", table), id, Lexemes(raw))
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
