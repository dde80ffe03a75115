package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// Stream is a stream with how much it has.
type Stream struct {
	ID     string
	Events int64
	Type   string    // of its newest event
	Time   time.Time // of that
	Last   int64     // its position
}

// Kinds are how the names of streams begin.
var Kinds = func() (kinds []string) {
	for _, t := range Topics {
		kinds = append(kinds, t.Prefixes...)
	}
	slices.Sort(kinds)
	return kinds
}()

// end sorts after all that begins as what it is added to.
const end = "\U0010ffff"

// ranges of names are found by the index of names: those that begin as somebody has typed, and those whose id
// does, of each kind.
func ranges(begins string) (least, most []string) {
	add := func(prefix string) { least, most = append(least, prefix), append(most, prefix+end) }
	add(begins)
	if begins != "" {
		for _, kind := range Kinds {
			add(kind + begins)
		}
	}
	return least, most
}

// Streams are at most limit of the streams whose name or id begins so, by their names, after or before one.
// They come in the order of their names, and more tells whether there are others beyond.
func (r *Reader) Streams(ctx context.Context, begins, after, before string, limit int) (found []Stream, more bool, err error) {
	least, most := ranges(begins)
	beyond, order := ` and streams.stream collate "C" > @after`, ""
	if before != "" {
		beyond, order = ` and streams.stream collate "C" < @before`, " desc"
	}
	found, err = pg.Rows(ctx, r.db.Pool(), scanStream, `select s.stream, s.version, j.type, j.time, j.position from (
		select distinct on (stream collate "C") stream, version from unnest(@least::text[], @most::text[]) as range (least, most)
		cross join lateral (select stream, version from streams
			where streams.stream collate "C" >= range.least collate "C" and streams.stream collate "C" < range.most collate "C" and version > 0`+beyond+`
			order by streams.stream collate "C"`+order+` limit @limit) as each
		order by stream collate "C"`+order+` limit @limit) s
		join journal j on j.stream = s.stream and j.version = s.version order by s.stream collate "C"`+order,
		pgx.NamedArgs{"least": least, "most": most, "after": after, "before": before, "limit": limit + 1})
	if err != nil {
		return nil, false, fmt.Errorf("look for streams: %w", err)
	}
	if more = len(found) > limit; more {
		found = found[:limit]
	}
	if before != "" {
		slices.Reverse(found)
	}
	return found, more, nil
}

func scanStream(row pgx.CollectableRow) (s Stream, err error) {
	err = row.Scan(&s.ID, &s.Events, &s.Type, &s.Time, &s.Last)
	s.Time = s.Time.UTC()
	return s, err
}
