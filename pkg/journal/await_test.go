package journal_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// has is reached with so many events.
func has(version int64) func(journal.Stream) bool {
	return func(s journal.Stream) bool { return s.Version >= version }
}

// waiting starts to wait, and returns once that has looked for the first time.
func waiting(t *testing.T, j *journal.Journal, version int64) <-chan bool {
	t.Helper()
	looked, answer := make(chan struct{}, 100), make(chan bool, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	go func() {
		answer <- j.Await(ctx, stream, func(s journal.Stream) bool {
			looked <- struct{}{}
			return has(version)(s)
		})
	}()
	<-looked
	return answer
}

func TestAwaitIsWokenByTheCommit(t *testing.T) {
	// given two that wait, one for more than there will be
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())
	appendTo(t, db, j, stream, newEvent("1", 1))
	second := waiting(t, j, 2)

	// when another stream, and then theirs, is written to
	appendTo(t, db, j, "thing-2", newEvent("2", 1))
	appendTo(t, db, j, stream, newEvent("1", 2))

	// then who waits goes on, and who comes later does not wait
	require.True(t, <-second)
	require.True(t, j.Await(t.Context(), stream, has(2)))
	ended, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.False(t, j.Await(ended, stream, has(3)))
	require.False(t, j.Await(ended, "thing-unknown", has(1)))
}

func TestAwaitIsWokenByAnotherProcessIfThisOneListens(t *testing.T) {
	// given a process that listens once, as the pusher does, and in which somebody waits
	db := pgtest.New(t, journal.Migrations)
	here, err := pg.Open(t.Context(), db.URL())
	require.NoError(t, err)
	t.Cleanup(here.Close)
	ctx, cancel := context.WithCancel(context.Background())
	listening, stopped := make(chan struct{}, 100), make(chan struct{})
	go func() {
		defer close(stopped)
		here.Listen(ctx, journal.UnpushedChannel, func() { listening <- struct{}{} })
	}()
	t.Cleanup(func() { cancel(); <-stopped })
	<-listening
	answer := waiting(t, journal.New(here, "/here", journal.Live()), 1)

	// when another process writes
	appendTo(t, db, journal.New(db, "/here", journal.Live()), stream, newEvent("1", 1))

	// then
	require.True(t, <-answer)
}

func TestTouchHasStreamsPushedOnly(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())
	touch := func(j *journal.Journal) {
		require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error { return j.Touch(t.Context(), tx, "thing-1", "thing-2", "thing-1") }))
	}

	touch(j)
	touch(journal.New(db, "/here")) // which has no pages

	require.Equal(t, 2, count(t, db, "unpushed"))
	require.Equal(t, 0, count(t, db, "streams"))
}
