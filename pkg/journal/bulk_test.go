package journal_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestAppendEachIsAppendToEach(t *testing.T) {
	const many = 1000
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())
	appendTo(t, db, j, "thing-0", newEvent("0", 1)) // one of them has a past

	// when
	var streams []*journal.Stream
	require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error {
		var names []string
		for i := range many {
			names = append(names, fmt.Sprintf("thing-%d", i))
		}
		loaded, err := j.Load(t.Context(), tx, names...)
		if err != nil {
			return err
		}
		var events []event.Event
		for i, name := range names {
			s := loaded[name]
			streams = append(streams, &s)
			events = append(events, newEvent(fmt.Sprint(i), 2))
		}
		return j.AppendEach(t.Context(), tx, streams, events)
	}))

	// then each stream is as Append would have left it, in memory and in the tables
	require.Equal(t, many+1, count(t, db, "outbox"))
	require.Equal(t, many+1, count(t, db, "unpushed"))
	for i, version := range map[int]int64{0: 2, 1: 1, many - 1: 1} {
		s := *streams[i]
		read, err := j.Read(t.Context(), s.ID)
		require.NoError(t, err)
		require.Equal(t, version, s.Version)
		require.Len(t, s.New, 1)
		require.Equal(t, withData(s.Records, read.Records), s.Records)
	}
	next := appendTo(t, db, j, "thing-0", newEvent("0", 3))
	require.EqualValues(t, 3, next.Version)
}
