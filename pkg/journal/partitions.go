package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// TopicPartition is a partition of a topic.
type TopicPartition struct {
	Topic     string
	Partition int
}

// Extent is what the brokers say of a partition.
type Extent struct {
	First     int64     // the oldest message's offset
	End       int64     // the next message's offset
	Committed int64     // by the service's group; -1 if nothing
	TopicID   uuid.UUID // changes when a topic is deleted and recreated; zero where the brokers do not say
}

// markCatchingUp has pages refresh once the database has caught up.
const markCatchingUp = "insert into catching_up default values on conflict (only_row) do update set marks = catching_up.marks + 1"

// StartPositions returns the offset at which to start each partition: the one after the last that this
// database has received; see positions. Partitions that no longer hold that offset are lost: they are not in
// next, and the loss is kept on record.
//
// From then on the database is catching up, until it has received what the partitions hold now.
func (j *Journal) StartPositions(ctx context.Context, extents map[TopicPartition]Extent) (next map[TopicPartition]int64, lost []Lost, err error) {
	err = j.db.InTx(ctx, func(tx *pg.Tx) error {
		if err := lockPositions(ctx, tx); err != nil {
			return err
		}
		rows, older, err := readPositions(ctx, tx)
		if err != nil {
			return err
		}
		next, lost = positions(rows, older, extents)
		batch, behind := &pgx.Batch{}, false
		for tp, start := range next {
			extent := extents[tp]
			if row, known := rows[tp]; known {
				if row.topicID != extent.TopicID && extent.TopicID != uuid.Nil {
					batch.Queue("update hearing set topic_id = $3, heard = least(heard, $4) where topic = $1 and partition = $2",
						tp.Topic, tp.Partition, extent.TopicID, start)
				}
				// One that was cut short may never get as far as it was.
				batch.Queue("update hearing set target = greatest(first, $3) where topic = $1 and partition = $2 and target > $3",
					tp.Topic, tp.Partition, extent.End)
				continue
			}
			target := extent.End
			if older && extent.Committed >= 0 {
				target = start
			}
			behind = behind || start < target
			batch.Queue("insert into hearing (topic, partition, first, heard, target, topic_id) values ($1, $2, $3, $3, $4, $5)",
				tp.Topic, tp.Partition, start, target, idOrNull(extent.TopicID))
		}
		if behind && j.live {
			batch.Queue(markCatchingUp)
		}
		noteLost(batch, lost)
		if batch.Len() == 0 {
			return nil
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("begin to hear: %w", err)
		}
		return nil
	})
	return next, lost, err
}

// SavePositions stores the next offsets of partitions. What is before them must have been recorded.
func (j *Journal) SavePositions(ctx context.Context, next map[TopicPartition]int64) error {
	topics, partitions, offsets := make([]string, 0, len(next)), make([]int32, 0, len(next)), make([]int64, 0, len(next))
	for tp, offset := range next {
		topics, partitions, offsets = append(topics, tp.Topic), append(partitions, int32(tp.Partition)), append(offsets, offset)
	}
	_, err := j.db.Pool().Exec(ctx, `update hearing set heard = noted.heard
		from unnest($1::text[], $2::int[], $3::bigint[]) as noted (topic, partition, heard)
		where hearing.topic = noted.topic and hearing.partition = noted.partition and hearing.heard < noted.heard`, topics, partitions, offsets)
	if err != nil {
		return fmt.Errorf("note what was heard: %w", err)
	}
	return nil
}

// CatchingUpError says that the read models are still being built from the topics.
type CatchingUpError struct{ Progress }

func (e *CatchingUpError) Error() string { return "catching up: " + e.String() }

// Notice is the text for people.
func (e *CatchingUpError) Notice() string { return "Catching up: " + e.String() + "." }

// CaughtUp is a health check: it returns a *CatchingUpError while the database is catching up, whichever
// process does the work. It returns nil when the database cannot be asked, which another check reports.
func (j *Journal) CaughtUp(ctx context.Context) error {
	if p, behind, err := j.CatchingUp(ctx); err == nil && behind {
		return &CatchingUpError{p}
	}
	return nil
}

// CatchingUp returns how much this database has received of what the topics held when it began, and whether
// something is left.
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
	return j.catchingUp.note(began, now, done, of), true, nil
}
