package reconciling

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
)

// What Kafka has acknowledged is in the topics before their ends are asked for.
const makeTables = `
	create temporary table published as select stream, type, event_id from journal j
		where log is null and not exists (select from outbox o where o.position = j.position);
	create temporary table positions (topic text, partition int, position bigint);
	create temporary table told (topic text, partition int, "offset" bigint, stream text collate "C", event_id uuid);
	create temporary table for_orders (order_id text collate "C", payment_id text collate "C");
	create temporary table gateway_records (key text collate "C", kind text, amount bigint, currency text, approved boolean)`

// readTopics puts what the topics hold into temporary tables, up to where they end now, and waits until this service has heard that.
func (r *Reconciler) readTopics(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, forJoins+";"+makeTables); err != nil {
		return fmt.Errorf("make temporary tables: %w", err)
	}
	partitions, err := r.Kafka.Offsets(ctx, "", slices.Sorted(maps.Keys(topics))...)
	if err != nil {
		return err
	}
	var done, all int64
	for _, p := range partitions {
		all += p.End - p.First
	}
	var events [][]any
	keep := func() error {
		_, err := conn.CopyFrom(ctx, pgx.Identifier{"told"}, []string{"topic", "partition", "offset", "stream", "event_id"}, pgx.CopyFromRows(events))
		if err != nil {
			return fmt.Errorf("keep what the topics hold: %w", err)
		}
		events = events[:0]
		return nil
	}
	err = r.Kafka.Events(ctx, partitions, func(p kafka.Partition, offset int64, e event.Event) error {
		done++
		r.progress("read %d of %d events of the topics", done, all)
		events = append(events, []any{p.Topic, int32(p.ID), offset, topics[p.Topic](e.Subject), e.ID})
		if len(events) < batch {
			return nil
		}
		return keep()
	})
	if err == nil {
		err = keep()
	}
	if err != nil {
		return err
	}
	positions, err := r.awaitHeard(ctx, conn, partitions)
	if err != nil {
		return err
	}
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"positions"}, []string{"topic", "partition", "position"}, pgx.CopyFromRows(positions))
	if err != nil {
		return fmt.Errorf("keep the positions: %w", err)
	}
	return nil
}

// awaitHeard waits until the service has heard the partitions to their ends, and returns how far it is to be compared: where it hears nothing
// any more, no further than that.
func (r *Reconciler) awaitHeard(ctx context.Context, conn *pgx.Conn, partitions []kafka.Partition) (positions [][]any, err error) {
	var last int64
	for since := time.Now(); ; {
		heard, err := r.heard(ctx, conn)
		if err != nil {
			return nil, err
		}
		var behind, sum int64
		positions = positions[:0]
		for _, p := range partitions {
			position, known := heard[place{p.Topic, p.ID}]
			if !known { // the journal is older than its record of what it has heard
				position = p.End
			}
			sum += position
			behind += max(0, p.End-position)
			positions = append(positions, []any{p.Topic, int32(p.ID), min(p.End, position)})
		}
		if behind == 0 {
			return positions, nil
		}
		if sum > last {
			last, since = sum, time.Now()
		}
		if time.Since(since) > r.Patience {
			for i, p := range partitions {
				if at := positions[i][2].(int64); at < p.End {
					r.differ("topic %s, partition %d: heard up to offset %d of %d, and nothing more since %s: does a consumer of this service run?",
						p.Topic, p.ID, at, p.End, r.Patience)
				}
			}
			return positions, nil
		}
		r.progress("%d events of the topics are not heard yet", behind)
		if err := sleep(ctx, lookAgain); err != nil {
			return nil, err
		}
	}
}

// place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

func (r *Reconciler) heard(ctx context.Context, conn *pgx.Conn) (map[place]int64, error) {
	found, err := conn.Query(ctx, "select topic, partition, heard from hearing")
	if err != nil {
		return nil, fmt.Errorf("read what was heard: %w", err)
	}
	heard := map[place]int64{}
	var at place
	var offset int64
	if _, err := pgx.ForEachRow(found, []any{&at.topic, &at.partition, &offset}, func() error {
		heard[at] = offset
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read what was heard: %w", err)
	}
	return heard, nil
}

// Each event is at its first place, and none is beyond the positions. A dead letter that was replayed may have a later place in the log than in the
// topic, or, discarded, none.
const sortOut = `
	create temporary table heard as select * from (
		select distinct on (event_id) t.*, exists (select from dead_letters d where d.event_id = t.event_id) as lettered
		from told t join positions p using (topic, partition) where t."offset" < p.position order by event_id, t."offset") first;
	create temporary table logged as select j.stream, j.event_id, j.log from journal j left join positions p using (topic, partition)
		where j.log is not null and (p.position is null or j."offset" < p.position);
	analyze told; analyze heard; analyze logged; analyze published`

// journalAgainstTopics compares the journal's log with the topics.
func (r *Reconciler) journalAgainstTopics(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, sortOut); err != nil {
		return err
	}
	var stream, kind string
	var id uuid.UUID
	for _, c := range []struct {
		sql     string
		columns []any
		says    func()
	}{{
		`select stream, type, event_id from published p where not exists (select from told t where t.event_id = p.event_id) order by 1`,
		[]any{&stream, &kind, &id},
		func() {
			r.differ("%s: %s %s was written, and is neither in the topic nor in the outbox", stream, kind, id)
		},
	}, {
		`select stream, event_id from heard h where not lettered
			and not exists (select from journal j where j.event_id = h.event_id and j.stream = h.stream and j.log is not null) order by 1`,
		[]any{&stream, &id},
		func() { r.differ("%s: event %s is in the topic and not in the journal's log", stream, id) },
	}, {
		`select stream, event_id from logged l where not exists (select from told t where t.event_id = l.event_id and t.stream = l.stream) order by 1`,
		[]any{&stream, &id},
		func() { r.differ("%s: event %s is in the journal's log and not in the topic", stream, id) },
	}, {
		`select distinct stream from (select h.stream, row_number() over (partition by h.stream order by h.partition, h."offset") as in_topic,
			row_number() over (partition by h.stream order by l.log) as in_log
			from heard h join logged l using (stream, event_id) where not h.lettered) places where in_topic <> in_log order by 1`,
		[]any{&stream},
		func() { r.differ("%s: the journal's order is not the topic's", stream) },
	}} {
		r.progress("comparing the journal with the topics")
		if err := rows(ctx, tx, c.sql, nil, c.columns, func() error { c.says(); return nil }); err != nil {
			return err
		}
	}
	return nil
}
