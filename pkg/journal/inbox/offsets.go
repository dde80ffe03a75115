package inbox

import (
	"context"
	"fmt"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// FreeOffsets takes the offsets of a topic that was deleted from its dead letters: a message of the recreated
// topic with such an offset would be taken for one that is a dead letter already.
func FreeOffsets(ctx context.Context, tx *pg.Tx, p journal.TopicPartition) error {
	_, err := tx.Exec(ctx, `update dead_letters set "offset" = -id,
		error = error || ' (it was at offset ' || "offset" || ' of the topic before that was created again)'
		where topic = $1 and partition = $2 and "offset" >= 0`, p.Topic, p.Partition)
	if err != nil {
		return fmt.Errorf("set dead letters of the former topic apart: %w", err)
	}
	return nil
}

// freeOffsets takes the offsets from dead letters whose messages are gone. Other messages have these offsets
// now, in a partition that was cut short and has grown again, or in a topic that was recreated by brokers
// that give it no id.
func freeOffsets(ctx context.Context, tx *pg.Tx, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `update dead_letters set "offset" = -id,
		error = error || ' (it was at offset ' || "offset" || ', where another message is now)'
		where id = any($1) and "offset" >= 0`, ids)
	if err != nil {
		return fmt.Errorf("set dead letters of messages that are gone apart: %w", err)
	}
	return nil
}
