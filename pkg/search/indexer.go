package search

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"countersign.example/pkg/pg"
)

const (
	batch = 200                    // rows that are indexed in one transaction
	pause = 300 * time.Millisecond // between batches of news, so that one transaction has many rows
	tick  = 10 * time.Second       // for what nobody was woken for
)

// Table is one whose rows an Indexer indexes: of the column Raw, which is null then, it makes the column Vector.
type Table struct{ Name, ID, Vector, Raw string }

// Indexer makes what was just written be found by its index. Any number of them may run; each row is one's.
type Indexer struct {
	db      *pg.DB
	channel string
	tables  []Table
	log     *slog.Logger
}

// NewIndexer returns an indexer of tables. It is woken through channel, which whoever writes rows notifies.
func NewIndexer(db *pg.DB, channel string, log *slog.Logger, tables ...Table) *Indexer {
	return &Indexer{db: db, channel: channel, tables: tables, log: log}
}

// Run indexes until ctx ends.
func (x *Indexer) Run(ctx context.Context) error {
	news := make(chan struct{}, 1)
	defer x.db.OnNotify(x.channel, func([]string) {
		select {
		case news <- struct{}{}:
		default:
		}
	})()
	for {
		if err := x.Index(ctx); err != nil && ctx.Err() == nil {
			x.log.WarnContext(ctx, "what was written lately is searched without its index, and tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		select {
		case <-ctx.Done():
			return nil
		case <-news:
		case <-time.After(tick):
		}
	}
}

// Index indexes all rows that there are.
func (x *Indexer) Index(ctx context.Context) error {
	for _, t := range x.tables {
		index := fmt.Sprintf(`update %[1]s set %[3]s = search_lexemes(%[4]s), %[4]s = null
			where %[2]s in (select %[2]s from %[1]s where %[4]s is not null limit %[5]d for update skip locked)`, t.Name, t.ID, t.Vector, t.Raw, batch)
		for {
			done, err := x.db.Pool().Exec(ctx, index)
			if err != nil {
				return fmt.Errorf("index %s: %w", t.Name, err)
			}
			if done.RowsAffected() < batch {
				break
			}
		}
	}
	return nil
}
