package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

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
	hashBatch     = 1_000
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

// deadLetters are those of a service, in the order of the topics.
type deadLetters struct {
	*cursor[place]
	bit uint8 // the service's
}

func (r *run) openDeadLetters(ctx context.Context) (all []deadLetters, err error) {
	for _, s := range r.services {
		var waiting int
		if err := s.side.QueryRow(ctx, "select count(*) from dead_letters where state = 'waiting'").Scan(&waiting); err != nil {
			return all, fmt.Errorf("read the dead letters of %s: %w", s.name, err)
		}
		if waiting > 0 {
			r.report.Waiting[s.name] = waiting
		}
		c, err := newCursor(func(yield func(place, error) bool) {
			var at place
			rows, err := s.rows.Query(ctx, `select topic, partition, "offset" from dead_letters where "offset" >= 0 order by topic collate "C", partition, "offset"`)
			if err == nil {
				defer rows.Close()
				for rows.Next() {
					if err = rows.Scan(&at.Topic, &at.Partition, &at.Offset); err != nil {
						break
					}
					if !yield(at, nil) {
						return
					}
				}
				err = errors.Join(err, rows.Err())
			}
			if err != nil {
				yield(at, fmt.Errorf("read the dead letters of %s: %w", s.name, err))
			}
		}, func(p place) string { return p.Topic })
		all = append(all, deadLetters{c, s.bit})
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func comparePlaces(a, b place) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
}

// readTopics sorts the events of the topics up to the position by their streams.
func (r *run) readTopics(ctx context.Context) error {
	letters, err := r.openDeadLetters(ctx)
	defer func() {
		for _, l := range letters {
			l.close()
		}
	}()
	if err != nil {
		return err
	}
	streams, all := map[string]func(event.Event) string{}, int64(0)
	for _, t := range topics {
		streams[t.Name] = t.Stream
	}
	for _, p := range r.partitions {
		all += p.End - p.First
	}
	slices.SortFunc(r.partitions, func(a, b kafka.Partition) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.ID, b.ID))
	})
	var batch []logged
	err = r.kafka.Events(ctx, r.partitions, func(p kafka.Partition, offset int64, e event.Event) error {
		at := place{p.Topic, int32(p.ID), offset}
		e.Time = event.Kept(e.Time)
		l := logged{Stream: streams[p.Topic](e), At: at, Event: e}
		for _, of := range letters {
			for of.more && comparePlaces(of.head, at) < 0 {
				if err := of.advance(); err != nil {
					return err
				}
			}
			if of.more && of.head == at {
				l.Dead |= of.bit
			}
		}
		r.report.Compared.Events++
		r.progress("read %d of about %d events of the topics", r.report.Compared.Events, all)
		if batch = append(batch, l); len(batch) < hashBatch {
			return nil
		}
		err := r.sort(ctx, batch)
		batch = batch[:0]
		return err
	})
	if err != nil {
		return fmt.Errorf("read the topics: %w", err)
	}
	return r.sort(ctx, batch)
}

// sort gives events to the sorter, with what a database makes of all that they say.
func (r *run) sort(ctx context.Context, batch []logged) error {
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
