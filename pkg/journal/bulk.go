package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
)

// AppendEach is Append of one event to each of many streams: events[i] to streams[i]. It costs two round
// trips, however many they are. The streams come from Load, each once.
func (j *Journal) AppendEach(ctx context.Context, tx *pg.Tx, streams []*Stream, events []event.Event) error {
	if len(streams) != len(events) {
		return fmt.Errorf("append %d events to %d streams", len(events), len(streams))
	}
	if len(streams) == 0 {
		return nil
	}
	records := make(map[uuid.UUID]*Record, len(events))
	columns := newColumns(len(events))
	names, versions, logs := make([]string, len(streams)), make([]int64, len(streams)), make([]int64, len(streams))
	for i, e := range events {
		s := streams[i]
		e.Source = j.source
		e.Time = event.Kept(e.Time)
		s.Version++
		s.New = append(s.New, e.ID)
		record := Record{Event: e, Stream: s.ID, Version: s.Version}
		columns.add(record)
		s.Records = append(s.Records, record)
		records[e.ID] = &s.Records[len(s.Records)-1]
		names[i], versions[i], logs[i] = s.ID, s.Version, s.Log
	}
	var id uuid.UUID
	var position int64
	var recorded time.Time
	positions := make([]int64, 0, len(events))
	if err := pg.ForEach(ctx, tx, []any{&id, &position, &recorded}, func() {
		records[id].Position, records[id].RecordedAt = position, recorded.UTC()
		positions = append(positions, position)
	}, insertJournal+" returning event_id, position, recorded_at", columns.args()...); err != nil {
		return fmt.Errorf("append to %d streams: %w", len(streams), err)
	}
	batch := &pgx.Batch{}
	batch.Queue("insert into outbox (position) select unnest($1::bigint[])", positions)
	batch.Queue(moveStreams, names, versions, logs)
	if j.live {
		batch.Queue("insert into unpushed (stream) select unnest($1::text[])", names)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("append to %d streams: %w", len(streams), err)
	}
	j.notifyAfter(tx, true, names...)
	return nil
}
