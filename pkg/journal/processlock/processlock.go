// Package processlock lets process managers decide one at a time: a process instance is a set of streams that
// belong together (an order with its payments), and whoever records an event of one of them acquires the
// instance's lock first.
//
// Invariants:
//   - Locks are acquired before any stream's row, all of a transaction's in one call and in the order of
//     their ids, so that nothing deadlocks.
//   - Who holds a lock sees every event of the instance's streams that was committed before, and nobody else
//     records one until the transaction ends. Without the lock, of two transactions that record one half of
//     an instance each, both would miss the other half.
//   - A stream joins an instance in the transaction that records why, and never leaves it.
package processlock

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Member says that a stream belongs to a process instance.
type Member struct{ Process, Stream string }

// Acquired are the process instances whose locks a transaction holds, by id: the streams of each, in the
// order of their ids.
type Acquired map[string][]string

// Streams are those of all instances, each once.
func (h Acquired) Streams() []string {
	var streams []string
	for _, members := range h {
		streams = append(streams, members...)
	}
	slices.Sort(streams)
	return slices.Compact(streams)
}

// Each statement sees what was committed when it starts: the last one reads what the lock waited for.
const (
	join = `with joined as (insert into process_members (process_id, stream)
			select p, s from unnest($1::text[], $2::text[]) as joining (p, s) on conflict do nothing)
		insert into process_locks (process_id) select distinct p from unnest($1::text[]) as joining (p) order by p on conflict do nothing`
	lock = `select from process_locks where process_id = any (array(select process_id from process_members where stream = any($1)))
		order by process_id for no key update`
	read = `select distinct process_id, stream from process_members
		where process_id = any (array(select process_id from process_members where stream = any($1)))`
)

// Acquire is QueueAcquire, and returns the instances. It costs one round trip.
func Acquire(ctx context.Context, tx *pg.Tx, members []Member, streams ...string) (Acquired, error) {
	return Read(ctx, tx, QueueAcquire(tx, members, streams...)...)
}

// Before returns an inbox.Config's Before: it acquires the locks of received events, whose streams members
// makes members of processes.
func Before(
	members func(e event.Event, stream string) []Member,
) func(ctx context.Context, tx *pg.Tx, received []journal.Received) error {
	return func(_ context.Context, tx *pg.Tx, received []journal.Received) error {
		var joining []Member
		streams := make([]string, len(received))
		for i, r := range received {
			streams[i] = r.Stream
			joining = append(joining, members(r.Event, r.Stream)...)
		}
		QueueAcquire(tx, joining, streams...)
		return nil
	}
}

// NamedBy returns the members of Before for processes that are named by the id of one aggregate, whose stream
// is root(id): that stream is a member, and so is the stream part(id) of another aggregate from the event on
// for which processOf returns a process.
func NamedBy(root, part func(id string) string, processOf func(event.Event) string) func(e event.Event, stream string) []Member {
	return func(e event.Event, stream string) []Member {
		switch stream {
		case root(e.Subject):
			return []Member{{e.Subject, stream}}
		case part(e.Subject):
			if process := processOf(e); process != "" {
				return []Member{{process, root(process)}, {process, stream}}
			}
		}
		return nil
	}
}

// QueueAcquire has members join their instances, and acquires the lock of every instance that one of streams
// or of members belongs to, until the transaction ends. A stream that belongs to none locks nothing. It
// returns all of these streams. The statements are queued: they run with what comes next in the transaction.
func QueueAcquire(tx *pg.Tx, members []Member, streams ...string) []string {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Process, b.Process), cmp.Compare(a.Stream, b.Stream))
	})
	members = slices.Compact(members)
	if len(members) > 0 {
		joining := pg.Column(members, func(m Member) string { return m.Stream })
		streams = append(slices.Clone(streams), joining...)
		tx.Queue(join, pg.Column(members, func(m Member) string { return m.Process }), joining)
	}
	tx.Queue(lock, streams)
	return streams
}

// Read returns the instances of streams. The transaction has acquired their locks before.
func Read(ctx context.Context, tx *pg.Tx, streams ...string) (Acquired, error) {
	acquired, batch := Acquired{}, &pgx.Batch{}
	var id, stream string
	batch.Queue(read, streams).Query(pg.EachRow([]any{&id, &stream}, func() { acquired[id] = append(acquired[id], stream) }))
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("lock process instances: %w", err)
	}
	for _, members := range acquired {
		slices.Sort(members)
	}
	return acquired, nil
}

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of process locks and of processes' members. The set is called cases in the
// databases that have it.
var Migrations = pg.NewMigrations("cases", files)
