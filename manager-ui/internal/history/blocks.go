package history

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

const (
	followPause = 2 * time.Second  // between looks for blocks that are full
	followTick  = 10 * time.Second // where nobody has said that something was written
)

// Follower makes the digests of the journal's blocks. One leads at a time; two, for a moment, make the same.
type Follower struct {
	db      *pg.DB
	journal *journal.Journal
	log     *slog.Logger

	final   int64 // up to here no position is still being written
	pending ceiling
}

// ceiling is a position that the journal has, and the first transaction that had not begun then.
type ceiling struct{ position, transaction int64 }

// NewFollower returns the follower of a journal.
func NewFollower(db *pg.DB, j *journal.Journal, log *slog.Logger) *Follower {
	return &Follower{db: db, journal: j, log: log}
}

// Run follows the journal until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	_ = f.db.Lead(ctx, "event blocks", func(ctx context.Context, _ pg.Lease) error {
		return f.db.Follow(ctx, journal.UnpushedChannel, followPause, followTick, func() {
			if err := f.Digest(ctx); err != nil && ctx.Err() == nil {
				f.log.WarnContext(ctx, "digests of the newest events are late, and are tried again", "error", err)
			}
		})
	})
	return nil
}

// Digest makes the digests of all blocks that are complete.
func (f *Follower) Digest(ctx context.Context) error {
	if err := f.look(ctx); err != nil {
		return err
	}
	for {
		more, err := f.next(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// look finds out up to where the journal is complete. Positions are given before their transactions commit,
// so that the highest one that is seen says nothing of those below it. But once every transaction has ended
// that had begun when it was seen, they are there or will never be.
func (f *Follower) look(ctx context.Context) error {
	var highest, oldest, next int64
	if err := f.db.Pool().QueryRow(ctx, `select coalesce((select max(position) from journal), 0),
		pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint`).Scan(&highest, &oldest, &next); err != nil {
		return fmt.Errorf("look how far the journal is complete: %w", err)
	}
	if f.pending.position > 0 && oldest >= f.pending.transaction {
		f.final, f.pending = f.pending.position, ceiling{}
	}
	if f.pending.position == 0 {
		f.pending = ceiling{highest, next}
	}
	return nil
}

// next makes the digest of the first block that has none; false where there is none that is complete.
func (f *Follower) next(ctx context.Context) (bool, error) {
	var block int64
	if err := f.db.Pool().QueryRow(ctx, firstWithoutDigest).Scan(&block); err != nil {
		return false, fmt.Errorf("look for the next block: %w", err)
	}
	if (block+1)*blockSize-1 > f.final {
		return false, nil
	}
	events, err := f.journal.ReadWhere(ctx, f.db.Pool(), "position between $1 and $2", block*blockSize, (block+1)*blockSize-1)
	if err != nil {
		return false, err
	}
	var first, last *time.Time
	for i := range events {
		at := &events[i].Time
		if first == nil || at.Before(*first) {
			first = at
		}
		if last == nil || at.After(*last) {
			last = at
		}
	}
	_, err = f.db.Pool().Exec(ctx, "insert into event_blocks (block, first_time, last_time, marks) values ($1, $2, $3, $4) on conflict (block) do nothing",
		block, first, last, marksOf(events))
	if err != nil {
		return false, fmt.Errorf("keep the digest of a block: %w", err)
	}
	return true, nil
}

// firstWithoutDigest is the block after the last digest: they are made in order.
const firstWithoutDigest = "select coalesce((select max(block) + 1 from event_blocks), (select min(position) / 1024 from journal), 0)"

// candidatesAtOnce is how many blocks are asked for at once.
const candidatesAtOnce = 64

// candidates are the blocks with digests that may have an event that fits, in the order in which they are
// looked through, and whether these are all.
func (r *Reader) candidates(ctx context.Context, q Query, within span) (blocks []int64, all bool, err error) {
	args := pgx.NamedArgs{"least": within.least / blockSize, "most": within.most / blockSize, "marks": q.marks(), "limit": candidatesAtOnce}
	from, where, order := "event_blocks", "block between @least and @most", "desc"
	if q.After > 0 {
		order = "asc"
	}
	if len(q.marks()) > 0 {
		from = "marked"
	}
	if !q.From.IsZero() {
		where += " and last_time >= @from"
		args["from"] = q.From
	}
	if !q.To.IsZero() {
		where += " and first_time < @to"
		args["to"] = q.To
	}
	err = r.db.InTx(ctx, func(tx *pg.Tx) error {
		// By the index of marks alone: another plan reads the marks of every block.
		tx.Queue("set local enable_seqscan = off")
		marked := ""
		if from == "marked" {
			marked = "with marked as materialized (select block, first_time, last_time from event_blocks where marks @> @marks::int[]) "
		}
		blocks, err = pg.Rows(ctx, tx, pgx.RowTo[int64], marked+"select block from "+from+" where "+where+" order by block "+order+" limit @limit", args)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("look for blocks of events: %w", err)
	}
	return blocks, len(blocks) < candidatesAtOnce, nil
}
