// Package numbers is how much was asked for, decided and paid, by time: sums that are read from the journal
// after the fact and kept, so that a page of them costs the same however many payments there are.
//
// Invariants:
//   - The sums have what number_facts has of each payment, and nothing else: both change in one
//     transaction, and a payment's change is the difference to what was counted of it before. So events may
//     come twice and in any order, and what was decided and taken back is counted no more.
//   - No event is passed over. Positions are committed out of order: those behind which one may still come
//     are read again.
//   - One process writes at a time: its lease's token is in each transaction.
package numbers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/schema"
	"countersign.example/pkg/wait"
)

const (
	batch = 500                    // events that are read at once
	pause = 300 * time.Millisecond // between looks, so that one has many events
	tick  = time.Minute            // for what no notification came for
)

// Follower keeps the sums up to date with the journal.
type Follower struct {
	db      *pg.DB
	journal *journal.Journal
	log     *slog.Logger
}

// NewFollower returns a follower. Any number of processes may run one.
func NewFollower(db *pg.DB, j *journal.Journal, log *slog.Logger) *Follower {
	return &Follower{db: db, journal: j, log: log}
}

// Run follows the journal whenever this process leads, until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	return f.db.Lead(ctx, "numbers", func(ctx context.Context, lease pg.Lease) error {
		changed, stop := f.db.Notifications(ctx, journal.UnpushedChannel)
		defer stop()
		for ctx.Err() == nil {
			err := f.CatchUp(ctx, lease.Token)
			if errors.Is(err, errOvertaken) {
				return err
			}
			if err != nil && ctx.Err() == nil {
				f.log.WarnContext(ctx, "numbers are late, and counted later", "error", err)
			}
			wait.Sleep(ctx, pause)
			timer := time.NewTimer(tick)
			select {
			case <-ctx.Done():
			case <-changed:
			case <-timer.C:
			}
			timer.Stop()
		}
		return ctx.Err()
	})
}

// errOvertaken says that another process has led since, or that the numbers were begun again.
var errOvertaken = errors.New("the numbers have gone on without this process")

// CatchUp counts all that the journal has. The token is that of the lease.
func (f *Follower) CatchUp(ctx context.Context, token int64) error {
	var from int64
	if err := f.db.Pool().QueryRow(ctx, "select position from number_progress").Scan(&from); err != nil {
		return fmt.Errorf("look how far the numbers are: %w", err)
	}
	for {
		news, err := f.read(ctx, from)
		if err != nil {
			return err
		}
		if err := f.count(ctx, token, from, news); err != nil {
			return err
		}
		if news.all {
			return nil
		}
		from = news.last
	}
}

// news is what was read of the journal.
type news struct {
	last    int64    // position
	streams []string // of payments, of which this is the last event so far
	all     bool     // there was no more
	at      time.Time
}

// read reads the next events of the journal. It is no part of the transaction that counts them, which thereby
// begins when each event up to the last of these has its transaction's number.
func (f *Follower) read(ctx context.Context, from int64) (n news, err error) {
	n.last = from
	var position int64
	var stream string
	var newest bool
	rows := 0
	if err := f.db.Pool().QueryRow(ctx, "select clock_timestamp()").Scan(&n.at); err != nil {
		return n, fmt.Errorf("ask for the time: %w", err)
	}
	err = pg.ForEach(ctx, f.db.Pool(), []any{&position, &stream, &newest}, func() {
		rows++
		n.last = position
		// An event of an unknown type is on record whatever its subject is, and is of no payment.
		if id, is := strings.CutPrefix(stream, payment.Stream("")); newest && is && schema.IsID(id) {
			n.streams = append(n.streams, stream)
		}
	}, `select position, stream, j.version = s.version from journal as j join streams as s using (stream)
		where position > $1 order by position limit $2`, from, batch)
	if err != nil {
		return n, fmt.Errorf("read the journal for the numbers: %w", err)
	}
	n.all = rows < batch
	return n, nil
}

// count adds to the sums what has changed of the payments.
func (f *Follower) count(ctx context.Context, token, from int64, n news) error {
	err := f.db.InTx(ctx, func(tx *pg.Tx) error {
		if err := lock(ctx, tx, token, from); err != nil {
			return err
		}
		streams, err := f.journal.ReadSome(ctx, tx, n.streams...)
		if err != nil {
			return err
		}
		made, ids := make([]facts, 0, len(streams)), make([]string, 0, len(streams))
		for id, s := range streams {
			ids = append(ids, strings.TrimPrefix(id, payment.Stream("")))
			if one := factsOf(journal.Entries(s)); one.payment != "" {
				made = append(made, one)
			}
		}
		before, err := readFacts(ctx, tx, ids)
		if err != nil {
			return err
		}
		changed := changes{}
		for _, one := range before {
			changed.add(one, -1)
		}
		for _, one := range made {
			changed.add(one, 1)
		}
		writeFacts(tx, ids, made)
		changed.write(tx)
		tx.Queue(`update number_progress set seen = greatest(seen, $1), as_of = case when $2 then greatest(as_of, $3) else as_of end,
			bound = case when $1 > position then pg_current_xact_id()::text::bigint else bound end`, n.last, n.all, n.at)
		return nil
	})
	if err != nil {
		return fmt.Errorf("count for the numbers: %w", err)
	}
	return nil
}

// lock has this leader alone count, and moves the position behind what nothing can come before any more: all
// transactions have ended that were under way when it was seen. A bound that this server has not come to is
// another's, from which it was restored, and of whose transactions none is under way.
func lock(ctx context.Context, tx *pg.Tx, token, from int64) error {
	tag, err := tx.Exec(ctx, `update number_progress set token = $1, position = case
			when bound <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint or bound > pg_current_xact_id()::text::bigint
			then greatest(position, seen) else position end
		where token <= $1 and greatest(position, seen) >= $2`, token, from)
	if err == nil && tag.RowsAffected() == 0 {
		err = errOvertaken
	}
	return err
}

// Restart has everything counted again from the journal's beginning. Until that is done, pages say so.
func Restart(ctx context.Context, db *pg.DB) error {
	err := db.InTx(ctx, func(tx *pg.Tx) error {
		tx.Queue("set local statement_timeout = 0")
		tx.Queue("update number_progress set position = 0, seen = 0, bound = 0, as_of = null")
		for _, table := range []string{"number_facts", "number_sums", "number_contractor_sums", "number_contractors"} {
			tx.Queue("delete from " + pgx.Identifier{table}.Sanitize())
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("begin the numbers again: %w", err)
	}
	db.Notify(journal.UnpushedChannel)
	return nil
}
