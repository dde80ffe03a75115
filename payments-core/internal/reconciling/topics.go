package reconciling

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/wait"
)

// These come first: what Kafka has acknowledged is in the topics before their ends are read.
const makeTables = `
	create temporary table published as select stream, type, coalesce(shared_id, event_id) as event_id from journal j
		where log is null and not exists (select from outbox o where o.position = j.position);
	create temporary table positions (topic text, partition int, "end" bigint, position bigint);
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
	columns := []string{"topic", "partition", "end"}
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"positions"}, columns, pgx.CopyFromSlice(len(partitions), func(i int) ([]any, error) {
		p := partitions[i]
		all += p.End - p.First
		return []any{p.Topic, int32(p.ID), p.End}, nil
	}))
	if err != nil {
		return fmt.Errorf("store the ends of the topics: %w", err)
	}
	columns = []string{"topic", "partition", "offset", "stream", "event_id"}
	err = fill(ctx, conn, "topic_events", columns, func(add func(...any) error) error {
		return r.Kafka.Events(ctx, partitions, func(p kafka.Partition, offset int64, e event.Event) error {
			done++
			r.progress("read %d of %d events of the topics", done, all)
			return add(p.Topic, int32(p.ID), offset, topics[p.Topic](e.Subject), e.ID)
		})
	})
	if err != nil {
		return err
	}
	return r.awaitReceived(ctx, conn)
}

// fill puts the rows that are added by produce into a temporary table, some at a time.
func fill(ctx context.Context, conn interface {
	CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error)
}, table string, columns []string, produce func(add func(row ...any) error) error) error {
	var rows [][]any
	store := func() error {
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows)); err != nil {
			return fmt.Errorf("fill %s: %w", table, err)
		}
		rows = rows[:0]
		return nil
	}
	err := produce(func(row ...any) error {
		if rows = append(rows, row); len(rows) < batch {
			return nil
		}
		return store()
	})
	if err != nil {
		return err
	}
	return store()
}

// received is where the service is in each partition; a journal that is older than its positions is at the
// end.
const received = ` from positions p left join consumer_positions c using (topic, partition)`

// awaitReceived waits until the service has received the partitions to their ends, and stores the positions
// up to which to compare. Where the service receives nothing any more, that is its own position.
func (r *Reconciler) awaitReceived(ctx context.Context, conn *pgx.Conn) error {
	var last int64
	for since := time.Now(); ; {
		var behind, sum int64
		err := conn.QueryRow(ctx, `select coalesce(sum(greatest(0, "end" - coalesce(next, "end"))), 0)::bigint,
			coalesce(sum(coalesce(next, "end")), 0)::bigint`+received).Scan(&behind, &sum)
		if err != nil {
			return fmt.Errorf("read the positions: %w", err)
		}
		if sum > last {
			last, since = sum, time.Now()
		}
		if behind == 0 || time.Since(since) > r.Patience {
			break
		}
		r.progress("%d events of the topics are not received yet", behind)
		if !wait.Sleep(ctx, retryInterval) {
			return ctx.Err()
		}
	}
	_, err := conn.Exec(ctx, `update positions set position = found.position from (select topic, partition,
		least("end", coalesce(next, "end")) as position`+received+`) found
		where (positions.topic, positions.partition) = (found.topic, found.partition)`)
	if err != nil {
		return fmt.Errorf("store the positions: %w", err)
	}
	return r.differences(ctx, conn, `select format('topic %s, partition %s: received up to offset %s of %s, and nothing more since %s: '
		'does a consumer of this service run?', topic, partition, position, "end", $1::text)
		from positions where position < "end" order by topic, partition`, r.Patience.String())
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
	for _, differing := range []string{
		`select format('%s: %s %s was written, and is neither in the topic nor in the outbox', stream, type, event_id)
			from published p where not exists (select from topic_events t where t.event_id = p.event_id and t.stream = p.stream) order by 1`,
		`select format('%s: event %s is in the topic and not in the journal''s log', stream, event_id) from received h where not dead_lettered
			and not exists (select from journal j where coalesce(j.shared_id, j.event_id) = h.event_id and j.stream = h.stream and j.log is not null) order by 1`,
		`select format('%s: event %s is in the journal''s log and not in the topic', stream, event_id)
			from logged l where not exists (select from topic_events t where t.event_id = l.event_id and t.stream = l.stream) order by 1`,
		`select distinct format('%s: the journal''s order is not the topic''s', stream) from (
			select h.stream, row_number() over (partition by h.stream order by h.partition, h."offset") as in_topic,
			row_number() over (partition by h.stream order by l.log) as in_log
			from received h join logged l using (stream, event_id) where not h.dead_lettered) places where in_topic <> in_log order by 1`,
	} {
		r.progress("comparing the journal with the topics")
		if err := r.differences(ctx, tx, differing); err != nil {
			return err
		}
	}
	return nil
}
