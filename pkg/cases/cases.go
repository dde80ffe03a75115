// Package cases lets process managers decide one at a time: a case is a set of streams that belong
// together, and whoever records an event of one of them holds the case first.
//
// Invariants:
//   - Cases are locked before any stream, all of a transaction's in one call and in the order of their
//     ids, so that nothing deadlocks.
//   - Who holds a case sees every event of its streams that was committed before, and nobody else
//     records one until the transaction ends. Without that, of two transactions that record one half of
//     a case each, both would miss the other half.
//   - A stream joins a case in the transaction that records why, and never leaves it.
package cases

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// Member says that a stream belongs to a case.
type Member struct{ Case, Stream string }

// Held are the cases that a transaction holds, each with its streams in the order of their ids.
type Held map[string][]string

// Streams are those of all the cases held, each once.
func (h Held) Streams() []string {
	var streams []string
	for _, members := range h {
		streams = append(streams, members...)
	}
	slices.Sort(streams)
	return slices.Compact(streams)
}

// Each statement sees what was committed when it starts: the last one reads what the lock waited for.
const (
	join = `with joined as (insert into case_members (case_id, stream)
			select c, s from unnest($1::text[], $2::text[]) as joining (c, s) on conflict do nothing)
		insert into cases (id) select distinct c from unnest($1::text[]) as joining (c) order by c on conflict do nothing`
	lock = `select from cases where id = any (array(select case_id from case_members where stream = any($1)))
		order by id for no key update`
	read = `select distinct case_id, stream from case_members
		where case_id = any (array(select case_id from case_members where stream = any($1)))`
)

// Hold has members join their cases, and locks every case that one of streams or of members belongs to until the transaction
// ends. A stream that belongs to none locks nothing. It goes with whatever comes next in the transaction.
func Hold(tx *pg.Tx, members []Member, streams ...string) {
	hold(tx, members, streams)
}

// Lock is Hold, and returns the cases. It costs one round trip.
func Lock(ctx context.Context, tx *pg.Tx, members []Member, streams ...string) (Held, error) {
	return Of(ctx, tx, hold(tx, members, streams)...)
}

// hold returns the streams with those of members.
func hold(tx *pg.Tx, members []Member, streams []string) []string {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Case, b.Case), cmp.Compare(a.Stream, b.Stream))
	})
	members = slices.Compact(members)
	if len(members) > 0 {
		ids, joining := make([]string, len(members)), make([]string, len(members))
		for i, m := range members {
			ids[i], joining[i] = m.Case, m.Stream
		}
		streams = append(slices.Clone(streams), joining...)
		tx.Queue(join, ids, joining)
	}
	tx.Queue(lock, streams)
	return streams
}

// Of returns the cases of streams. The transaction has locked them before.
func Of(ctx context.Context, tx *pg.Tx, streams ...string) (Held, error) {
	held, batch := Held{}, &pgx.Batch{}
	batch.Queue(read, streams).Query(func(rows pgx.Rows) error {
		var id, stream string
		_, err := pgx.ForEachRow(rows, []any{&id, &stream}, func() error {
			held[id] = append(held[id], stream)
			return nil
		})
		return err
	})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("lock cases: %w", err)
	}
	for _, members := range held {
		slices.Sort(members)
	}
	return held, nil
}
