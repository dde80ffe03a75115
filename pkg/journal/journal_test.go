package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

const stream = "thing-1"

func newEvent(subject string, n int) event.Event {
	return event.Event{ID: event.NewID(), Type: "thing_done", Subject: subject, Time: time.Now(),
		Data: json.RawMessage(fmt.Sprintf(`{"n": %d}`, n))}
}

func received(stream string, offset int64, e event.Event) journal.Received {
	return journal.Received{Event: e, Stream: stream, Topic: "things", Partition: 3, Offset: offset}
}

// appendTo appends events to one stream in a transaction of its own.
func appendTo(tb testing.TB, db *pg.DB, j *journal.Journal, stream string, events ...event.Event) journal.Stream {
	tb.Helper()
	var s journal.Stream
	require.NoError(tb, db.InTx(tb.Context(), func(tx *pg.Tx) error {
		loaded, err := j.Load(tb.Context(), tx, stream)
		if err != nil {
			return err
		}
		s = loaded[stream]
		return j.Append(tb.Context(), tx, &s, events...)
	}))
	return s
}

func receive(tb testing.TB, db *pg.DB, j *journal.Journal, events ...journal.Received) (changed []journal.Stream) {
	tb.Helper()
	require.NoError(tb, db.InTx(tb.Context(), func(tx *pg.Tx) (err error) {
		changed, _, err = j.Receive(tb.Context(), tx, events)
		return err
	}))
	return changed
}

func count(tb testing.TB, db *pg.DB, table string) (n int) {
	tb.Helper()
	require.NoError(tb, db.Pool().QueryRow(tb.Context(), "select count(*) from "+table).Scan(&n))
	return n
}

func TestAppendWritesEventOutboxAndUnpushedTogether(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())

	s := appendTo(t, db, j, stream, newEvent("1", 1), newEvent("1", 2))

	require.EqualValues(t, 2, s.Version)
	require.EqualValues(t, 2, s.Revision())
	read, err := j.Read(t.Context(), stream)
	require.NoError(t, err)
	require.Len(t, read.Records, 2)
	require.Equal(t, "/here", read.Records[0].Source)
	require.Zero(t, read.Records[0].Log, "pending until it is received")
	require.Equal(t, s.Records, withData(s.Records, read.Records))
	require.Equal(t, 2, count(t, db, "outbox"))
	require.Equal(t, 1, count(t, db, "unpushed"))
}

// withData returns read with the spacing of want's data, which jsonb does not keep.
func withData(want, read []journal.Record) []journal.Record {
	for i := range read {
		read[i].Data = want[i].Data
	}
	return read
}

func TestARollbackLeavesNothing(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())
	boom := errors.New("boom")

	err := db.InTx(t.Context(), func(tx *pg.Tx) error {
		loaded, err := j.Load(t.Context(), tx, stream)
		require.NoError(t, err)
		s := loaded[stream]
		require.NoError(t, j.Append(t.Context(), tx, &s, newEvent("1", 1)))
		require.NoError(t, tx.Gorm().Exec("insert into unpushed (stream) values ('by gorm')").Error)
		return boom
	})

	require.ErrorIs(t, err, boom)
	for _, table := range []string{"streams", "journal", "outbox", "unpushed"} {
		require.Zero(t, count(t, db, table), table)
	}
}

func TestOwnEventComesBackAndIsConfirmedInTheOrderOfTheLog(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())
	ours := newEvent("1", 1)
	ours.Source = "/here"
	theirs := newEvent("1", 2)
	appendTo(t, db, j, stream, ours)

	// Given that the log holds theirs before ours.
	changed := receive(t, db, j, received(stream, 7, theirs))
	require.Len(t, changed, 1)
	require.Equal(t, theirs.ID, changed[0].Records[0].ID, "pending events come last")
	require.Equal(t, ours.ID, changed[0].Records[1].ID)

	changed = receive(t, db, j, received(stream, 8, ours))

	require.Len(t, changed, 1)
	records := changed[0].Records
	require.EqualValues(t, []int64{1, 2}, []int64{records[0].Log, records[1].Log})
	require.Equal(t, ours.ID, records[1].ID)
	require.EqualValues(t, 8, records[1].Offset)
	require.EqualValues(t, 4, changed[0].Revision(), "two appends and two confirmations")
	read, err := j.Read(t.Context(), stream)
	require.NoError(t, err)
	require.Equal(t, changed[0].Revision(), read.Revision())
	require.Equal(t, 3, count(t, db, "unpushed"))
}

func TestRedeliveryChangesNothing(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())
	first, second := newEvent("1", 1), newEvent("2", 2)
	receive(t, db, j, received(stream, 1, first), received("thing-2", 2, second))

	changed := receive(t, db, j, received(stream, 1, first), received("thing-2", 2, second), received(stream, 1, first))

	require.Empty(t, changed)
	require.Equal(t, 2, count(t, db, "journal"))
	require.Equal(t, 2, count(t, db, "unpushed"))
}

func TestTheSameEventTwiceInOneBatch(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here")
	e := newEvent("1", 1)

	changed := receive(t, db, j, received(stream, 1, e), received(stream, 2, e))

	require.Len(t, changed, 1)
	require.Len(t, changed[0].Records, 1)
	require.EqualValues(t, 1, changed[0].Log)
}

func TestAnIDCountsWithinItsStream(t *testing.T) {
	for name, batches := range map[string]bool{"in one batch": false, "in two": true} {
		t.Run(name, func(t *testing.T) {
			// given an event, and a copy of its id in another stream
			db := pgtest.New(t, journal.Migrations)
			j := journal.New(db, "/here")
			e := newEvent("1", 1)
			first, second := received("thing-2", 1, e), received(stream, 2, e)

			// when both are received, the copy first, and all of it again
			if batches {
				receive(t, db, j, first)
				receive(t, db, j, second)
			} else {
				require.Len(t, receive(t, db, j, first, second), 2)
			}
			require.Empty(t, receive(t, db, j, second, first))

			// then each stream has it once, and goes on without a hole
			require.Equal(t, 2, count(t, db, "journal"))
			require.Equal(t, 1, count(t, db, "journal where shared_id is not null"))
			for _, name := range []string{stream, "thing-2"} {
				s, err := j.Read(t.Context(), name)
				require.NoError(t, err)
				require.Len(t, s.Records, 1)
				require.Equal(t, e.ID, s.Records[0].ID)
				require.EqualValues(t, 1, s.Records[0].Log)
			}
			changed := receive(t, db, j, received(stream, 3, newEvent("1", 2)))
			require.EqualValues(t, 2, changed[0].Log)
			require.EqualValues(t, 2, changed[0].Version)
		})
	}
}

func TestOutboxSinceIsTheOldestThatWaits(t *testing.T) {
	// given a journal of which nothing waits
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here")
	since, err := j.OutboxSince(t.Context())
	require.NoError(t, err)
	require.True(t, since.IsZero())

	// when two events are written
	first := appendTo(t, db, j, stream, newEvent("1", 1)).Records[0].RecordedAt
	appendTo(t, db, j, stream, newEvent("1", 2))

	// then the first says since when
	since, err = j.OutboxSince(t.Context())
	require.NoError(t, err)
	require.True(t, since.Equal(first), "%v, not %v", since, first)
}

func TestDataThatPostgresRefusesIsReported(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here")
	e := newEvent("1", 1)
	e.Data = json.RawMessage(`{"text":"\u0000"}`)

	err := db.InTx(t.Context(), func(tx *pg.Tx) error {
		_, _, err := j.Receive(t.Context(), tx, []journal.Received{received(stream, 1, e)})
		return err
	})

	require.Error(t, err)
	require.False(t, pg.IsRetryable(err), "%v", err)
}

func TestConcurrentWritersOfOneStreamTakeTurns(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here", journal.Live())
	const writers, each = 8, 5

	done := make(chan error, writers)
	for w := range writers {
		go func() {
			for n := range each {
				err := db.InTx(t.Context(), func(tx *pg.Tx) error {
					loaded, err := j.Load(t.Context(), tx, stream, "thing-2")
					if err != nil {
						return err
					}
					s := loaded[stream]
					return j.Append(t.Context(), tx, &s, newEvent("1", w*each+n))
				})
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range writers {
		require.NoError(t, <-done)
	}

	s, err := j.Read(t.Context(), stream)
	require.NoError(t, err)
	require.EqualValues(t, writers*each, s.Version)
	for i, record := range s.Records {
		require.EqualValues(t, i+1, record.Version)
	}
}

func TestAnotherClusterIsRefused(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here")
	require.NoError(t, j.CheckCluster(t.Context(), "one"))
	require.NoError(t, j.CheckCluster(t.Context(), "one"))
	require.ErrorIs(t, j.CheckCluster(t.Context(), "two"), journal.ErrOtherCluster)
}

func TestACommitNotifiesListeners(t *testing.T) {
	db := pgtest.New(t, journal.Migrations)
	j := journal.New(db, "/here")
	elsewhere, err := pg.Open(t.Context(), db.URL())
	require.NoError(t, err)
	t.Cleanup(elsewhere.Close)
	ctx, cancel := context.WithCancel(t.Context())
	woken := make(chan struct{}, 100)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		elsewhere.Listen(ctx, journal.OutboxChannel, func() { woken <- struct{}{} })
	}()
	<-woken // it has connected

	appendTo(t, db, j, stream, newEvent("1", 1))

	select {
	case <-woken:
	case <-time.After(10 * time.Second):
		t.Fatal("not woken")
	}
	cancel()
	<-stopped
}

func TestAppendCostsNoRoundTripOfItsOwn(t *testing.T) {
	// given a journal on the other side of a network
	network := pgtest.NewProxy(t, pgtest.NewURL(t, journal.Migrations))
	db, err := pg.Open(t.Context(), network.URL())
	require.NoError(t, err)
	t.Cleanup(db.Close)
	j := journal.New(db, "/here")

	// when events are appended, the first time to prepare the statements; what others are told by NOTIFY
	// meanwhile only adds
	fewest := int64(math.MaxInt64)
	for range 10 {
		before := network.RoundTrips()
		appendTo(t, db, j, stream, newEvent("1", 1), newEvent("1", 2))
		fewest = min(fewest, network.RoundTrips()-before)
	}

	// then one loads the stream, and one appends and commits
	require.EqualValues(t, 2, fewest)
}
