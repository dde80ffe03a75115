package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// Place is a partition of a topic.
type Place struct {
	Topic     string
	Partition int
}

// Extent is what the brokers say of a partition.
type Extent struct {
	First     int64 // the oldest message's offset
	End       int64 // the next message's offset
	Committed int64 // by the service's group; -1 if nothing
}

// BeginHearing says from which offset each partition is to be heard: the one after the last that this database has heard. A
// partition that it knows nothing of begins at its oldest message, whatever the group has committed: that was with
// another database. (Where the journal is older than this record of it, what was committed counts.)
//
// With that the database is catching up, until it has heard what the partitions hold now.
func (j *Journal) BeginHearing(ctx context.Context, extents map[Place]Extent) (next map[Place]int64, err error) {
	err = j.db.InTx(ctx, func(tx *pg.Tx) error {
		// Replicas begin at the same time. Readers go on.
		if _, err := tx.Exec(ctx, "lock table hearing in share row exclusive mode"); err != nil {
			return fmt.Errorf("lock what is heard: %w", err)
		}
		if next, err = heardSoFar(ctx, tx); err != nil {
			return err
		}
		older := false
		if len(next) == 0 {
			// Our own events that have not come back are no sign of having heard.
			if err := tx.QueryRow(ctx, "select exists (select from journal where log > 0)").Scan(&older); err != nil {
				return fmt.Errorf("look for what was heard: %w", err)
			}
		}
		batch, behind := &pgx.Batch{}, false
		for place, extent := range extents {
			if _, known := next[place]; known {
				// A topic that was made anew may never get as far as the old one.
				batch.Queue("update hearing set target = greatest(first, $3) where topic = $1 and partition = $2 and target > $3",
					place.Topic, place.Partition, extent.End)
				continue
			}
			start, target := extent.First, extent.End
			if older && extent.Committed >= 0 {
				start, target = extent.Committed, extent.Committed
			}
			next[place] = start
			behind = behind || start < target
			batch.Queue("insert into hearing (topic, partition, first, heard, target) values ($1, $2, $3, $3, $4)",
				place.Topic, place.Partition, start, target)
		}
		if behind && j.live {
			batch.Queue("insert into catching_up default values on conflict (only_row) do update set marks = catching_up.marks + 1")
		}
		if batch.Len() == 0 {
			return nil
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("begin to hear: %w", err)
		}
		return nil
	})
	return next, err
}

func heardSoFar(ctx context.Context, tx *pg.Tx) (map[Place]int64, error) {
	rows, err := tx.Query(ctx, "select topic, partition, heard from hearing")
	if err != nil {
		return nil, fmt.Errorf("read what was heard: %w", err)
	}
	next := map[Place]int64{}
	var place Place
	var heard int64
	if _, err := pgx.ForEachRow(rows, []any{&place.Topic, &place.Partition, &heard}, func() error {
		next[place] = heard
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read what was heard: %w", err)
	}
	return next, nil
}

// NoteHeard notes the next offsets of partitions, after what is before them was recorded.
func (j *Journal) NoteHeard(ctx context.Context, next map[Place]int64) error {
	topics, partitions, offsets := make([]string, 0, len(next)), make([]int32, 0, len(next)), make([]int64, 0, len(next))
	for place, offset := range next {
		topics, partitions, offsets = append(topics, place.Topic), append(partitions, int32(place.Partition)), append(offsets, offset)
	}
	_, err := j.db.Pool().Exec(ctx, `update hearing set heard = noted.heard
		from unnest($1::text[], $2::int[], $3::bigint[]) as noted (topic, partition, heard)
		where hearing.topic = noted.topic and hearing.partition = noted.partition and hearing.heard < noted.heard`, topics, partitions, offsets)
	if err != nil {
		return fmt.Errorf("note what was heard: %w", err)
	}
	return nil
}

// CatchingUpError says that the copies are still being made from the topics.
type CatchingUpError struct{ Progress }

func (e *CatchingUpError) Error() string { return "catching up: " + e.String() }

// Notice says it to people.
func (e *CatchingUpError) Notice() string { return "Catching up: " + e.String() + "." }

// CaughtUp is a health check: it returns a *CatchingUpError while the database is catching up, whichever process does that. That
// the database cannot be asked is another check's business.
func (j *Journal) CaughtUp(ctx context.Context) error {
	if p, behind, err := j.CatchingUp(ctx); err == nil && behind {
		return &CatchingUpError{p}
	}
	return nil
}

// CatchingUp says how far this database is with hearing what the topics held before it began, and whether it still does.
func (j *Journal) CatchingUp(ctx context.Context) (p Progress, behind bool, err error) {
	var done, of int64
	var began, now time.Time
	err = j.db.Pool().QueryRow(ctx, `select catching_up.began_at, clock_timestamp(),
		coalesce(sum(least(heard, target) - first), 0)::bigint, coalesce(sum(target - first), 0)::bigint
		from catching_up left join hearing on hearing.began_at >= catching_up.began_at group by catching_up.began_at`).
		Scan(&began, &now, &done, &of)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fmt.Errorf("look how far the copies are: %w", err)
	}
	return j.catchingUp.Note(began, now, done, of), true, nil
}
