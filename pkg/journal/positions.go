package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// TopicPartition is a partition of a topic.
type TopicPartition struct {
	Topic     string
	Partition int
}

// Standing is how far a partition is recorded: the offset that comes next, and that of the newest message,
// plus one.
type Standing struct{ Next, End int64 }

// Extent is what the brokers say of a partition.
type Extent struct {
	First     int64     // the oldest message's offset
	End       int64     // the next message's offset
	Committed int64     // by the service's group; -1 if nothing
	TopicID   uuid.UUID // changes when a topic is deleted and recreated; zero where the brokers do not say
	Received  int64     // the offset that the database needed next before the brokers were asked: see Received
}

// Received returns the offset that this database needs next of each partition. It is read before the brokers
// are asked where a partition ends: what another replica receives in between is beyond the end that they
// said, and nothing is missing.
func (j *Journal) Received(ctx context.Context) (map[TopicPartition]int64, error) {
	received := map[TopicPartition]int64{}
	err := j.db.InTx(ctx, func(tx *pg.Tx) error {
		clear(received)
		var tp TopicPartition
		var next int64
		return pg.ForEach(ctx, tx, []any{&tp.Topic, &tp.Partition, &next}, func() { received[tp] = next },
			"select topic, partition, next from consumer_positions")
	})
	if err != nil {
		return nil, fmt.Errorf("read the consumer positions: %w", err)
	}
	return received, nil
}

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
					batch.Queue("update consumer_positions set topic_id = $3, next = least(next, $4) where topic = $1 and partition = $2",
						tp.Topic, tp.Partition, extent.TopicID, start)
				}
				// One that was cut short may never get as far as it was.
				batch.Queue("update consumer_positions set target = greatest(first, $3) where topic = $1 and partition = $2 and target > $3",
					tp.Topic, tp.Partition, extent.End)
				continue
			}
			target := extent.End
			if older && extent.Committed >= 0 {
				target = start
			}
			behind = behind || start < target
			batch.Queue("insert into consumer_positions (topic, partition, first, next, target, topic_id) values ($1, $2, $3, $3, $4, $5)",
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
			return fmt.Errorf("note where partitions begin: %w", err)
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
	err := j.db.InTx(ctx, func(tx *pg.Tx) error {
		tx.Queue(`update consumer_positions p set next = noted.next
			from unnest($1::text[], $2::int[], $3::bigint[]) as noted (topic, partition, next)
			where p.topic = noted.topic and p.partition = noted.partition and p.next < noted.next`, topics, partitions, offsets)
		return nil
	})
	if err != nil {
		return fmt.Errorf("note what was received: %w", err)
	}
	return nil
}

// Compare orders places by topic, then by partition.
func (p TopicPartition) Compare(other TopicPartition) int {
	return cmp.Or(cmp.Compare(p.Topic, other.Topic), cmp.Compare(p.Partition, other.Partition))
}

// positionRow is a row of the table consumer_positions.
type positionRow struct {
	next    int64
	topicID uuid.UUID // zero if not known
	lost    string
}

// Positions returns what StartPositions does, and changes nothing.
func (j *Journal) Positions(ctx context.Context, extents map[TopicPartition]Extent) (next map[TopicPartition]int64, lost []Lost, err error) {
	err = j.db.InTx(ctx, func(tx *pg.Tx) (err error) {
		next, lost, err = j.PositionsIn(ctx, tx, extents)
		return err
	})
	return next, lost, err
}

// PositionsIn is Positions in a transaction.
func (j *Journal) PositionsIn(ctx context.Context, tx *pg.Tx, extents map[TopicPartition]Extent) (next map[TopicPartition]int64, lost []Lost, err error) {
	rows, older, err := readPositions(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	next, lost = positions(rows, older, extents)
	return next, lost, nil
}

// positions compares what was received with what the brokers have. A partition that this database knows
// nothing of starts at its oldest message, whatever the group has committed: that was with another database.
// But if the journal is older than its record of positions, the group's committed offset counts.
func positions(rows map[TopicPartition]positionRow, older bool, extents map[TopicPartition]Extent) (next map[TopicPartition]int64, lost []Lost) {
	next = make(map[TopicPartition]int64, len(extents))
	for tp, extent := range extents {
		row, known := rows[tp]
		start, missing := row.next, ""
		switch recreated := row.topicID != uuid.Nil && extent.TopicID != uuid.Nil && row.topicID != extent.TopicID; {
		case row.lost != "":
			missing = row.lost
		case !known && older && extent.Committed >= 0:
			start = extent.Committed
			missing = missingFrom(start, start, extent)
		case !known && extent.First > 0:
			missing = fmt.Sprintf("it begins at offset %d, and this database has received nothing of it", extent.First)
		case !known:
		case recreated && row.next > 0:
			missing = fmt.Sprintf("the topic was deleted and created again after offset %d was received; it ends at %d now", row.next-1, extent.End)
		case recreated: // of the former one nothing was received
			start = extent.First
		default:
			missing = missingFrom(start, min(start, extent.Received), extent)
		}
		if missing != "" {
			lost = append(lost, Lost{TopicPartition: tp, Next: start, Missing: missing, Noted: row.lost != ""})
			continue
		}
		next[tp] = start
	}
	slices.SortFunc(lost, func(a, b Lost) int { return a.Compare(b.TopicPartition) })
	return next, lost
}

// Recreated reports whether the topic is not the one that was consumed, but another one with its name.
func (j *Journal) Recreated(ctx context.Context, tx *pg.Tx, tp TopicPartition, extent Extent) (bool, error) {
	rows, _, err := readPositions(ctx, tx)
	row := rows[tp]
	return row.topicID != uuid.Nil && extent.TopicID != uuid.Nil && row.topicID != extent.TopicID, err
}

// lockPositions has replicas start one after another. Readers do not wait.
func lockPositions(ctx context.Context, tx *pg.Tx) error {
	if _, err := tx.Exec(ctx, "lock table consumer_positions in share row exclusive mode"); err != nil {
		return fmt.Errorf("lock the consumer positions: %w", err)
	}
	return nil
}

// readPositions reads the table consumer_positions. older reports that the table is empty although the
// journal has received events.
func readPositions(ctx context.Context, tx *pg.Tx) (rows map[TopicPartition]positionRow, older bool, err error) {
	rows = map[TopicPartition]positionRow{}
	var tp TopicPartition
	var row positionRow
	var id *uuid.UUID
	if err := pg.ForEach(ctx, tx, []any{&tp.Topic, &tp.Partition, &row.next, &id, &row.lost}, func() {
		row.topicID = uuid.Nil
		if id != nil {
			row.topicID = *id
		}
		rows[tp] = row
	}, "select topic, partition, next, topic_id, coalesce(lost, '') from consumer_positions"); err != nil {
		return nil, false, fmt.Errorf("read the consumer positions: %w", err)
	}
	if len(rows) > 0 {
		return rows, false, nil
	}
	// Our own events that have not come back are no sign of having received.
	if err := tx.QueryRow(ctx, "select exists (select from journal where log > 0)").Scan(&older); err != nil {
		return nil, false, fmt.Errorf("look for what was received: %w", err)
	}
	return rows, older, nil
}

func idOrNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// NoteAdopted notes that everything up to the ends of the partitions is recorded, and takes off the outbox
// the events that came back with that.
func (j *Journal) NoteAdopted(ctx context.Context, tx *pg.Tx, extents map[TopicPartition]Extent) error {
	batch := &pgx.Batch{}
	for tp, e := range extents {
		batch.Queue(`insert into consumer_positions as p (topic, partition, first, next, target, topic_id) values ($1, $2, $3, $4, $4, $5)
			on conflict (topic, partition) do update set next = greatest(p.next, excluded.next),
			topic_id = coalesce(excluded.topic_id, p.topic_id)`, tp.Topic, tp.Partition, e.First, e.End, idOrNull(e.TopicID))
	}
	batch.Queue("delete from outbox where position in (select o.position from outbox o join journal j using (position) where j.log > 0)")
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("note what was adopted: %w", err)
	}
	return nil
}

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
// if it does. before is the one that came next when the brokers were asked.
func missingFrom(offset, before int64, extent Extent) string {
	switch {
	case offset < extent.First:
		return fmt.Sprintf("offsets %d to %d were cut off before they were received", offset, extent.First-1)
	case before > extent.End:
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
