package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/signing"
)

// Received is an event that came from a topic.
type Received struct {
	event.Event
	Stream    string
	Topic     string
	Partition int
	Offset    int64
	Signature *signing.Signature // nil for an event without one that is accepted
}

// Receive records events in the order given, which is the topic's within each stream, and returns the streams
// that they changed, and the events whose id belongs to another event of the stream, in the order given:
//
//   - an event not known is appended, with its place in the log;
//   - our own, coming back, is confirmed: it gets its place in the log;
//   - one that has its place already is skipped, as a redelivery;
//   - one whose id the stream already has with other contents is skipped, too: a conflict. No honest writer
//     does that.
//
// Ids of other streams do not matter: which of two was first, only the topic can say, and it says it within a
// stream alone. Whoever writes to another topic must not be able to take an id from the event that it belongs
// to.
//
// It costs two round trips, however many the events are.
func (j *Journal) Receive(ctx context.Context, tx *pg.Tx, received []Received) ([]Stream, []Conflict, error) {
	if len(received) == 0 {
		return nil, nil, nil
	}
	ids := pg.Column(received, func(r Received) string { return r.Stream })
	eventIDs := pg.Column(received, func(r Received) uuid.UUID { return r.ID })
	owners := make(map[uuid.UUID]string, len(received))
	batch := &pgx.Batch{}
	var id uuid.UUID
	var stream string
	batch.Queue("select event_id, stream from journal where event_id = any($1)", eventIDs).
		Query(pg.EachRow([]any{&id, &stream}, func() { owners[id] = stream }))
	streams, err := j.load(ctx, tx, ids, batch)
	if err != nil {
		return nil, nil, err
	}
	places := Place(streams, owners, received)
	if err := j.write(ctx, tx, places); err != nil {
		return nil, nil, err
	}
	return places.Changed(), places.Conflicts, nil
}

// Placed is what received events change in the streams.
type Placed struct {
	Conflicts []Conflict

	streams   map[string]*Stream
	order     []string // the changed streams, as first met
	appended  []*Record
	confirmed []*Record
}

// Changed are the changed streams, their records in fold order.
func (p Placed) Changed() []Stream {
	changed := make([]Stream, 0, len(p.order))
	for _, id := range p.order {
		s := p.streams[id]
		sortRecords(s.Records)
		changed = append(changed, *s)
	}
	return changed
}

// Place gives every event its place in the log, in memory; the streams are locked. owners
// names the stream of each event id in the table; Place adds the new ones. It is all that Receive decides.
func Place(loaded map[string]Stream, owners map[uuid.UUID]string, received []Received) Placed {
	p := Placed{streams: make(map[string]*Stream, len(loaded))}
	known := make(map[string]map[uuid.UUID]int, len(loaded))
	extra := make(map[string]int, len(loaded))
	for _, h := range received {
		extra[h.Stream]++
	}
	for id, s := range loaded {
		records := make([]Record, len(s.Records), len(s.Records)+extra[id]) // pointers into it stay valid
		copy(records, s.Records)
		s.Records = records
		known[id] = make(map[uuid.UUID]int, len(records))
		for i, record := range records {
			known[id][record.ID] = i
		}
		p.streams[id] = &s
	}
	for n, h := range received {
		h.Time = event.Kept(h.Time)
		s := p.streams[h.Stream]
		i, isKnown := known[h.Stream][h.ID]
		if isKnown {
			if differs := difference(s.Records[i].Event, h.Event); differs != "" {
				p.Conflicts = append(p.Conflicts, Conflict{Index: n, Differs: differs})
				continue
			}
			if s.Records[i].Log > 0 {
				continue
			}
		}
		if len(s.New) == 0 {
			p.order = append(p.order, s.ID)
		}
		s.New = append(s.New, h.ID)
		s.Log++
		if !isKnown {
			s.Version++
			i = len(s.Records)
			s.Records = append(s.Records, Record{Event: h.Event, Stream: s.ID, Version: s.Version})
			if _, taken := owners[h.ID]; taken {
				s.Records[i].rowID = event.NewID()
			}
			owners[h.ID] = s.ID
			known[s.ID][h.ID] = i
			p.appended = append(p.appended, &s.Records[i])
		} else {
			p.confirmed = append(p.confirmed, &s.Records[i])
		}
		record := &s.Records[i]
		record.Log, record.Topic, record.Partition, record.Offset, record.Signature = s.Log, h.Topic, h.Partition, h.Offset, h.Signature
	}
	return p
}

// write stores what Place has decided, in one round trip.
func (j *Journal) write(ctx context.Context, tx *pg.Tx, p Placed) error {
	if len(p.order) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	written := make(map[uuid.UUID]int64, len(p.appended))
	if len(p.appended) > 0 {
		var id uuid.UUID
		var position int64
		batch.Queue(receiveEvents, columns(p.appended)...).Query(pg.EachRow([]any{&id, &position}, func() { written[id] = position }))
	}
	if len(p.confirmed) > 0 {
		batch.Queue(confirmEvents, append([]any{pg.Column(p.confirmed, func(r *Record) int64 { return r.Position }),
			pg.Column(p.confirmed, func(r *Record) int64 { return r.Log }), pg.Column(p.confirmed, func(r *Record) string { return r.Topic }),
			pg.Column(p.confirmed, func(r *Record) int32 { return int32(r.Partition) }), pg.Column(p.confirmed, func(r *Record) int64 { return r.Offset }),
		}, signatures(p.confirmed)...)...)
	}
	versions := pg.Column(p.order, func(id string) int64 { return p.streams[id].Version })
	logs := pg.Column(p.order, func(id string) int64 { return p.streams[id].Log })
	batch.Queue(moveStreams, p.order, versions, logs)
	if j.live {
		batch.Queue(`insert into unpushed (stream) select unnest($1::text[])`, p.order)
		j.notifyAfter(tx, false, p.order...)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("record what was received: %w", err)
	}
	if len(written) < len(p.appended) {
		return ErrRaced
	}
	for _, record := range p.appended {
		record.Position = written[record.row()]
	}
	return nil
}

// row is the record's event_id in the table.
func (r *Record) row() uuid.UUID {
	if r.rowID != uuid.Nil {
		return r.rowID
	}
	return r.ID
}

// ErrRaced undoes a transaction that would leave holes in the log. Trying again helps: the next attempt sees
// which stream has the ids.
var ErrRaced = errors.New("record what was received: another transaction has just recorded one of these ids for another stream")
