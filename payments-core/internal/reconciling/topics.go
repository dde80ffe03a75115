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
	"countersign.example/pkg/journal"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

// These come first: what Kafka has acknowledged is in the topics before their ends are read.
const makeTables = `
	create temporary table published as select stream, type, coalesce(shared_id, event_id) as event_id from journal j
		where log is null and not exists (select from outbox o where o.position = j.position);
	create temporary table positions (topic text, partition int, position bigint);
	create temporary table topic_events (topic text, partition int, "offset" bigint, stream text collate "C", event_id uuid);
	create temporary table for_orders (order_id text collate "C", payment_id text collate "C");
	create temporary table gateway_records (key text collate "C", kind text, amount bigint, currency text, approved boolean)`

// readTopics puts the topics into temporary tables, up to their ends of now, and waits until this service has
// received that.
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
	store := func() error {
		columns := []string{"topic", "partition", "offset", "stream", "event_id"}
		_, err := conn.CopyFrom(ctx, pgx.Identifier{"topic_events"}, columns, pgx.CopyFromRows(events))
		if err != nil {
			return fmt.Errorf("store the events of the topics: %w", err)
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
		return store()
	})
	if err == nil {
		err = store()
	}
	if err != nil {
		return err
	}
	positions, err := r.awaitReceived(ctx, conn, partitions)
	if err != nil {
		return err
	}
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"positions"}, []string{"topic", "partition", "position"}, pgx.CopyFromRows(positions))
	if err != nil {
		return fmt.Errorf("store the positions: %w", err)
	}
	return nil
}

// awaitReceived waits until the service has received the partitions to their ends, and returns the positions
// up to which to compare. Where the service receives nothing any more, that is its own position.
func (r *Reconciler) awaitReceived(ctx context.Context, conn *pgx.Conn, partitions []kafka.Partition) (positions [][]any, err error) {
	var last int64
	for since := time.Now(); ; {
		received, err := r.positions(ctx, conn)
		if err != nil {
			return nil, err
		}
		var behind, sum int64
		positions = positions[:0]
		for _, p := range partitions {
			position, known := received[journal.TopicPartition{Topic: p.Topic, Partition: p.ID}]
			if !known { // the journal is older than its positions
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
					r.differ("topic %s, partition %d: received up to offset %d of %d, and nothing more since %s: does a consumer of this service run?",
						p.Topic, p.ID, at, p.End, r.Patience)
				}
			}
			return positions, nil
		}
		r.progress("%d events of the topics are not received yet", behind)
		if !wait.Sleep(ctx, retryInterval) {
			return nil, ctx.Err()
		}
	}
}

func (r *Reconciler) positions(ctx context.Context, conn *pgx.Conn) (map[journal.TopicPartition]int64, error) {
	positions := map[journal.TopicPartition]int64{}
	var at journal.TopicPartition
	var offset int64
	err := pg.ForEach(ctx, conn, []any{&at.Topic, &at.Partition, &offset}, func() { positions[at] = offset },
		"select topic, partition, next from consumer_positions")
	if err != nil {
		return nil, fmt.Errorf("read the positions: %w", err)
	}
	return positions, nil
}

// Each event counts where it is first in its topic, if that is before the position. The log has a replayed
// dead letter later than the topic, and a discarded one not at all.
const makeJoins = `
	create temporary table received as select * from (
		select distinct on (stream, event_id) t.*, exists (select from dead_letters d where d.event_id = t.event_id
			and d.topic = t.topic and d.partition = t.partition and d."offset" = t."offset") as dead_lettered
		from topic_events t join positions p using (topic, partition) where t."offset" < p.position order by stream, event_id, t."offset") first;
	create temporary table logged as select j.stream, coalesce(j.shared_id, j.event_id) as event_id, j.log from journal j left join positions p using (topic, partition)
		where j.log is not null and (p.position is null or j."offset" < p.position);
	analyze topic_events; analyze received; analyze logged; analyze published`

// journalAgainstTopics compares the journal's log with the topics.
func (r *Reconciler) journalAgainstTopics(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, makeJoins); err != nil {
		return err
	}
	var stream, kind string
	var id uuid.UUID
	for _, c := range []struct {
		sql     string
		columns []any
		report  func()
	}{{
		`select stream, type, event_id from published p where not exists (select from topic_events t where t.event_id = p.event_id and t.stream = p.stream) order by 1`,
		[]any{&stream, &kind, &id},
		func() {
			r.differ("%s: %s %s was written, and is neither in the topic nor in the outbox", stream, kind, id)
		},
	}, {
		`select stream, event_id from received h where not dead_lettered
			and not exists (select from journal j where coalesce(j.shared_id, j.event_id) = h.event_id and j.stream = h.stream and j.log is not null) order by 1`,
		[]any{&stream, &id},
		func() { r.differ("%s: event %s is in the topic and not in the journal's log", stream, id) },
	}, {
		`select stream, event_id from logged l where not exists (select from topic_events t where t.event_id = l.event_id and t.stream = l.stream) order by 1`,
		[]any{&stream, &id},
		func() { r.differ("%s: event %s is in the journal's log and not in the topic", stream, id) },
	}, {
		`select distinct stream from (select h.stream, row_number() over (partition by h.stream order by h.partition, h."offset") as in_topic,
			row_number() over (partition by h.stream order by l.log) as in_log
			from received h join logged l using (stream, event_id) where not h.dead_lettered) places where in_topic <> in_log order by 1`,
		[]any{&stream},
		func() { r.differ("%s: the journal's order is not the topic's", stream) },
	}} {
		r.progress("comparing the journal with the topics")
		if err := pg.ForEach(ctx, tx, c.columns, c.report, c.sql); err != nil {
			return err
		}
	}
	return nil
}
