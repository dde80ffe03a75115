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
	appended, byID := make([]*Record, len(events)), make(map[uuid.UUID]*Record, len(events))
	for i, e := range events {
		s := streams[i]
		e.Source = j.source
		e.Time = event.Kept(e.Time)
		s.Version++
		s.New = append(s.New, e.ID)
		s.Records = append(s.Records, Record{Event: e, Stream: s.ID, Version: s.Version})
		appended[i] = &s.Records[len(s.Records)-1]
		byID[e.ID] = appended[i]
	}
	var id uuid.UUID
	var position int64
	var recorded time.Time
	positions := make([]int64, 0, len(events))
	if err := pg.ForEach(ctx, tx, []any{&id, &position, &recorded}, func() {
		byID[id].Position, byID[id].RecordedAt = position, recorded.UTC()
		positions = append(positions, position)
	}, insertJournal+" returning event_id, position, recorded_at", columns(appended)...); err != nil {
		return fmt.Errorf("append to %d streams: %w", len(streams), err)
	}
	batch := &pgx.Batch{}
	batch.Queue("insert into outbox (position) select unnest($1::bigint[])", positions)
	names := pg.Column(streams, func(s *Stream) string { return s.ID })
	batch.Queue(moveStreams, names, pg.Column(streams, func(s *Stream) int64 { return s.Version }), pg.Column(streams, func(s *Stream) int64 { return s.Log }))
	if j.live {
		batch.Queue("insert into unpushed (stream) select unnest($1::text[])", names)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("append to %d streams: %w", len(streams), err)
	}
	j.notifyAfter(tx, true, names...)
	return nil
}
