package inbox

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// noticeBatch is how many notices are published at once.
const noticeBatch = 100

// Notice tells operators of a dead letter. The dead letter itself, with its payload, is in the service's
// database.
type Notice struct {
	DeadLetter int64  `json:"letter"`
	Kind       Kind   `json:"kind"`
	Topic      string `json:"topic"`
	Partition  int    `json:"partition"`
	Offset     int64  `json:"offset"`
	EventID    string `json:"event_id,omitempty"`
	Error      string `json:"error"`
}

// NewNotices returns notices of dead letters that have had none, oldest first. What is parked behind a poison
// message has none.
func NewNotices(ctx context.Context, db *pg.DB) ([]Notice, error) {
	notices, err := pg.Rows(ctx, db.Pool(), pgx.RowToStructByPos[Notice], `select id, kind, topic, partition, "offset", coalesce(event_id::text, ''), error
		from dead_letters where noticed_at is null and kind <> 'parked' order by id limit $1`, noticeBatch)
	if err != nil {
		return nil, fmt.Errorf("read new dead letters: %w", err)
	}
	return notices, nil
}

// MarkNoticed notes of dead letters, by id, that their notices are published.
func MarkNoticed(ctx context.Context, db *pg.DB, ids []int64) error {
	_, err := db.Pool().Exec(ctx, "update dead_letters set noticed_at = clock_timestamp() where id = any($1)", ids)
	if err != nil {
		return fmt.Errorf("note the notices of dead letters: %w", err)
	}
	return nil
}
