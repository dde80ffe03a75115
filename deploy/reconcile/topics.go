package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

// place is where a message is.
type place struct {
	Topic     string
	Partition int32
	Offset    int64
}

// logged is an event of a topic.
type logged struct {
	Stream string
	At     place
	Dead   uint8 // the services that have it as a dead letter
	Hash   int64
	Event  event.Event
}

func compareLogged(a, b logged) int {
	return cmp.Or(strings.Compare(a.Stream, b.Stream), cmp.Compare(a.At.Partition, b.At.Partition), cmp.Compare(a.At.Offset, b.At.Offset))
}

const (
	retryInterval = 250 * time.Millisecond
	batchEvents   = 1_000
	readersAtOnce = 8
)

// position takes where the topics end, and waits until each service has received that.
func (r *run) position(ctx context.Context) error {
	r.ends = map[place]int64{}
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.Name
	}
	var err error
	if r.partitions, err = r.kafka.Offsets(ctx, "", names...); err != nil {
		return fmt.Errorf("ask Kafka for the topics' ends: %w", err)
	}
	for _, p := range r.partitions {
		r.ends[place{Topic: p.Topic, Partition: int32(p.ID)}] = p.End
		r.report.Position = append(r.report.Position, Position{p.Topic, p.ID, p.End})
	}
	for _, s := range r.services {
		if err := r.await(ctx, s); err != nil {
			return err
		}
	}
	for _, s := range r.services {
		if err := s.snapshot(ctx); err != nil {
			return err
		}
	}
	for _, p := range r.partitions {
		if err := r.readable(p); err != nil {
			return err
		}
	}
	return nil
}

// readable returns an error where a topic's beginning is gone: every event is in it for ever.
func (r *run) readable(p kafka.Partition) error {
	for _, s := range r.services {
		if p.First > 0 && s.receives(p.Topic) && !s.lost[place{Topic: p.Topic, Partition: int32(p.ID)}] {
			return fmt.Errorf("%s/%d begins at offset %d: what was before is gone, and cannot be compared; see \"Lost topics\" in docs/operations.md", p.Topic, p.ID, p.First)
		}
	}
	return nil
}

// await waits until a service has received the partitions to their ends.
func (r *run) await(ctx context.Context, s *service) error {
	best := int64(-1)
	for since := time.Now(); ; {
		next := map[place]int64{}
		var at place
		if err := pg.ForEach(ctx, s.side, []any{&at.Topic, &at.Partition, &at.Offset}, func() {
			next[place{Topic: at.Topic, Partition: at.Partition}] = at.Offset
		}, "select topic, partition, next from consumer_positions"); err != nil {
			return fmt.Errorf("read how far %s is: %w", s.name, err)
		}
		var left, received int64
		var behind []string
		for _, p := range r.partitions {
			here := place{Topic: p.Topic, Partition: int32(p.ID)}
			if n := next[here]; s.receives(p.Topic) && n < p.End && p.First < p.End {
				left += p.End - n
				behind = append(behind, fmt.Sprintf("%s/%d up to %d of %d", p.Topic, p.ID, n, p.End))
			}
			received += next[here]
		}
		if left == 0 {
			return nil
		}
		if received > best {
			best, since = received, time.Now()
		}
		if time.Since(since) > r.Patience {
			return fmt.Errorf("%s has received %s, and nothing more for %s: does its consumer run? Nothing is compared",
				s.name, strings.Join(behind, ", "), r.Patience)
		}
		r.progress("%s has %d events of the topics still to receive", s.name, left)
		if !wait.Sleep(ctx, retryInterval) {
			return ctx.Err()
		}
	}
}

// readTopics sorts the events of the topics up to the position by their streams.
func (r *run) readTopics(ctx context.Context) error {
	for _, s := range r.services {
		var of place
		var waiting int
		if err := pg.ForEach(ctx, s.side, []any{&of.Topic, &of.Partition, &waiting}, func() {
			s.dead[of] = true
			if waiting > 0 {
				r.report.Waiting[s.name] += waiting
			}
		}, "select topic, partition, count(*) filter (where state = 'waiting') from dead_letters group by topic, partition"); err != nil {
			return fmt.Errorf("read the dead letters of %s: %w", s.name, err)
		}
	}
	streams, all := map[string]func(event.Event) string{}, int64(0)
	for _, t := range topics {
		streams[t.Name] = t.Stream
	}
	for _, p := range r.partitions {
		all += p.End - p.First
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan []logged)
	readers, reading := errgroup.WithContext(ctx)
	readers.SetLimit(readersAtOnce)
	go func() {
		defer close(batches)
		for _, p := range r.partitions {
			readers.Go(func() error { return r.readPartition(reading, p, streams[p.Topic], batches) })
		}
		_ = readers.Wait() // which is asked again below
	}()
	var failed error
	for batch := range batches {
		if failed != nil {
			continue
		}
		if failed = r.sort(ctx, batch); failed != nil {
			stop()
		}
		r.report.Compared.Events += len(batch)
		r.progress("read %d of about %d events of the topics", r.report.Compared.Events, all)
	}
	if err := readers.Wait(); err != nil && failed == nil {
		return fmt.Errorf("read the topics: %w", err)
	}
	return failed
}

// readPartition sends the events of a partition, some at a time.
func (r *run) readPartition(ctx context.Context, p kafka.Partition, stream func(event.Event) string, batches chan<- []logged) error {
	var batch []logged
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		select {
		case batches <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := r.kafka.Events(ctx, []kafka.Partition{p}, func(p kafka.Partition, offset int64, e event.Event) error {
		e.Time = event.Kept(e.Time)
		if batch = append(batch, logged{Stream: stream(e), At: place{p.Topic, int32(p.ID), offset}, Event: e}); len(batch) < batchEvents {
			return nil
		}
		return send()
	})
	if err != nil {
		return err
	}
	return send()
}

// sort gives events of one partition to the sorter, with whose dead letters they are, and with what a
// database makes of all that they say.
func (r *run) sort(ctx context.Context, batch []logged) error {
	first, last := batch[0].At, batch[len(batch)-1].At
	for _, s := range r.services {
		if !s.dead[place{Topic: first.Topic, Partition: first.Partition}] {
			continue
		}
		dead := map[int64]bool{}
		var offset int64
		if err := pg.ForEach(ctx, s.side, []any{&offset}, func() { dead[offset] = true },
			`select "offset" from dead_letters where topic = $1 and partition = $2 and "offset" between $3 and $4`, first.Topic, first.Partition, first.Offset, last.Offset); err != nil {
			return fmt.Errorf("read the dead letters of %s: %w", s.name, err)
		}
		for i := range batch {
			if dead[batch[i].At.Offset] {
				batch[i].Dead |= s.bit
			}
		}
	}
	column := func(value func(event.Event) string) []string {
		return pg.Column(batch, func(l logged) string { return value(l.Event) })
	}
	hashes, err := pg.Rows(ctx, r.services[0].side, pgx.RowTo[int64], "select "+eventHash+` from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bigint[],
		$7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::jsonb[]) with ordinality
		t(type, source, subject, time, data_schema, sequence, correlation_id, causation_id, actor, actor_name, trace_parent, data, n) order by n`,
		column(func(e event.Event) string { return e.Type }), column(func(e event.Event) string { return e.Source }),
		column(func(e event.Event) string { return e.Subject }), pg.Column(batch, func(l logged) time.Time { return l.Event.Time }),
		column(func(e event.Event) string { return e.DataSchema }), pg.Column(batch, func(l logged) int64 { return l.Event.Sequence }),
		column(func(e event.Event) string { return e.CorrelationID }), column(func(e event.Event) string { return e.CausationID }),
		column(func(e event.Event) string { return e.Actor }), column(func(e event.Event) string { return e.ActorName }),
		column(func(e event.Event) string { return e.TraceParent }), column(func(e event.Event) string { return string(e.Data) }))
	if err != nil {
		return fmt.Errorf("have PostgreSQL read events of the topics: %w", err)
	}
	for i, l := range batch {
		l.Hash = hashes[i]
		if err := r.events.add(l, len(l.Event.Data)+600); err != nil {
			return err
		}
	}
	return nil
}
