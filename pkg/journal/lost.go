package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// Lost is a partition that no longer holds the message that this database needs next. It is not consumed
// until an operator has accepted the loss (AcceptLoss).
type Lost struct {
	TopicPartition
	Next    int64  // the offset that would come next
	Missing string // what is missing
	Noted   bool   // the database has it on record already
}

func (l Lost) String() string { return fmt.Sprintf("%s/%d: %s", l.Topic, l.Partition, l.Missing) }

// LostError says that there are such partitions.
type LostError struct{ Lost []Lost }

// namedAtMost bounds how many partitions an error names.
const namedAtMost = 6

func (e *LostError) Error() string {
	named := make([]string, 0, namedAtMost)
	for _, l := range e.Lost[:min(len(e.Lost), namedAtMost)] {
		named = append(named, l.String())
	}
	more := ""
	if n := len(e.Lost) - len(named); n > 0 {
		more = fmt.Sprintf(", and %d partitions more", n)
	}
	return "what was to be received next is gone: " + strings.Join(named, "; ") + more
}

// Notice is the text for people.
func (e *LostError) Notice() string {
	return "Part of the event log is missing. What happened elsewhere may not be shown until an operator has looked."
}

// missingFrom describes what is missing if the partition does not hold the offset that comes next; it is ""
// if it does.
func missingFrom(offset int64, extent Extent) string {
	switch {
	case offset < extent.First:
		return fmt.Sprintf("offsets %d to %d were cut off before they were received", offset, extent.First-1)
	case offset > extent.End:
		return fmt.Sprintf("it ends at offset %d, and %d was to come next: it was cut short, or created again", extent.End, offset)
	}
	return ""
}

// noteLost keeps losses on record. A topic that was cut short grows again, and then looks as if nothing were
// missing.
func noteLost(batch *pgx.Batch, lost []Lost) {
	for _, l := range lost {
		if !l.Noted {
			batch.Queue(`insert into consumer_positions (topic, partition, first, next, target, lost) values ($1, $2, $3, $3, $3, $4)
				on conflict (topic, partition) do update set lost = excluded.lost`, l.Topic, l.Partition, l.Next, l.Missing)
		}
	}
}

// errNotLost is about a partition of which nothing is missing.
var errNotLost = errors.New("nothing is missing of it")

// AcceptLoss restarts a lost partition at its oldest message. What comes again is known by its id; what is
// gone stays gone. It returns what was lost, or an error if nothing was.
func (j *Journal) AcceptLoss(ctx context.Context, tx *pg.Tx, tp TopicPartition, extents map[TopicPartition]Extent) (Lost, error) {
	if err := lockPositions(ctx, tx); err != nil {
		return Lost{}, err
	}
	extent, there := extents[tp]
	if !there {
		return Lost{}, fmt.Errorf("%s has no partition %d", tp.Topic, tp.Partition)
	}
	rows, older, err := readPositions(ctx, tx)
	if err != nil {
		return Lost{}, err
	}
	_, lost := positions(rows, older, map[TopicPartition]Extent{tp: extent})
	if len(lost) == 0 {
		return Lost{}, fmt.Errorf("%s/%d: %w", tp.Topic, tp.Partition, errNotLost)
	}
	_, err = tx.Exec(ctx, `insert into consumer_positions (topic, partition, first, next, target, topic_id) values ($1, $2, $3, $3, $4, $5)
		on conflict (topic, partition) do update set first = excluded.first, next = excluded.next, target = excluded.target,
		topic_id = excluded.topic_id, lost = null, began_at = now()`,
		tp.Topic, tp.Partition, extent.First, extent.End, idOrNull(extent.TopicID))
	if err != nil {
		return Lost{}, fmt.Errorf("receive %s/%d from offset %d: %w", tp.Topic, tp.Partition, extent.First, err)
	}
	if extent.First < extent.End && j.live {
		if _, err := tx.Exec(ctx, markCatchingUp); err != nil {
			return Lost{}, fmt.Errorf("catch up: %w", err)
		}
	}
	return lost[0], nil
}
