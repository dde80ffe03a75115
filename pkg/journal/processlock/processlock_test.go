package processlock_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func lock(tb testing.TB, db *pg.DB, members []processlock.Member, streams ...string) (acquired processlock.Acquired) {
	tb.Helper()
	require.NoError(tb, db.InTx(tb.Context(), func(tx *pg.Tx) (err error) {
		acquired, err = processlock.Acquire(tb.Context(), tx, members, streams...)
		return err
	}))
	return acquired
}

func TestAProcessHasItsMembers(t *testing.T) {
	db := pgtest.New(t, processlock.Migrations)

	// given two processes that share a stream
	first := lock(t, db, []processlock.Member{{"a", "order-a"}, {"a", "payment-1"}, {"a", "payment-1"}, {"b", "payment-1"}})
	require.Equal(t, processlock.Acquired{"a": {"order-a", "payment-1"}, "b": {"payment-1"}}, first)
	// when they join again, with another one
	lock(t, db, []processlock.Member{{"a", "payment-2"}, {"a", "order-a"}})

	// then any stream leads to all of its processes, and one without a process to none
	require.Equal(t, processlock.Acquired{"a": {"order-a", "payment-1", "payment-2"}}, lock(t, db, nil, "payment-2"))
	acquired := lock(t, db, nil, "payment-1", "payment-9")
	require.Equal(t, processlock.Acquired{"a": {"order-a", "payment-1", "payment-2"}, "b": {"payment-1"}}, acquired)
	require.Equal(t, []string{"order-a", "payment-1", "payment-2"}, acquired.Streams())
	require.Empty(t, lock(t, db, nil, "payment-9"))
}

func TestWhoComesSecondWaitsAndSeesWhatTheFirstHasDone(t *testing.T) {
	db := pgtest.New(t, processlock.Migrations)
	lock(t, db, []processlock.Member{{"a", "order-a"}, {"a", "payment-1"}})
	holds, finish := make(chan struct{}), make(chan struct{})
	first, second := make(chan error, 1), make(chan error, 1)

	// given a transaction that holds the process lock, by its order
	go func() {
		first <- db.InTx(t.Context(), func(tx *pg.Tx) error {
			_, err := processlock.Acquire(t.Context(), tx, []processlock.Member{{"a", "payment-2"}}, "order-a")
			close(holds)
			<-finish
			return err
		})
	}()
	<-holds
	// when another one wants it, by a payment
	var acquired processlock.Acquired
	go func() {
		second <- db.InTx(t.Context(), func(tx *pg.Tx) (err error) {
			acquired, err = processlock.Acquire(t.Context(), tx, nil, "payment-1")
			return err
		})
	}()

	// then it waits for the first one to end
	waits(t, db)
	select {
	case <-second:
		t.Fatal("both hold the lock")
	default:
	}
	close(finish)
	require.NoError(t, <-first)
	require.NoError(t, <-second)
	require.Equal(t, processlock.Acquired{"a": {"order-a", "payment-1", "payment-2"}}, acquired)
}

// waits returns once a connection of the database waits for a lock.
func waits(tb testing.TB, db *pg.DB) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		var waiting bool
		err := db.Pool().QueryRow(context.Background(), `select exists (select from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waiting)
		return err == nil && waiting
	}, 10*time.Second, 5*time.Millisecond)
}

// TestManyLockManyAtOnce would deadlock, if processes were locked or joined in the order given.
func TestManyLockManyAtOnce(t *testing.T) {
	db := pgtest.New(t, processlock.Migrations)
	const workers = 8
	ended := make(chan error, workers)
	for n := range workers {
		go func() {
			var err error
			for range 20 {
				members := []processlock.Member{{"a", "order-a"}, {"b", "order-b"}, {"c", "order-c"}, {"b", "payment-1"}}
				if n%2 == 0 {
					members[0], members[2] = members[2], members[0]
				}
				err = db.InTx(t.Context(), func(tx *pg.Tx) error {
					_, err := processlock.Acquire(t.Context(), tx, members)
					return err
				})
				if err != nil {
					break
				}
			}
			ended <- err
		}()
	}
	for range workers {
		require.NoError(t, <-ended)
	}
}
