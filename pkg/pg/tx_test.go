package pg_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

const insertThing = "insert into things values ($1)"

func TestWhatIsQueuedGoesWithTheCommit(t *testing.T) {
	db := pgtest.New(t, things)
	var subscribed []int

	require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error {
		tx.Queue(insertThing+" returning id", 1).QueryRow(func(row pgx.Row) error {
			subscribed = append(subscribed, 0)
			return row.Scan(&subscribed[0])
		})
		require.Empty(t, subscribed) // nothing has been sent
		tx.Queue(insertThing, 2)
		return nil
	}))

	require.Equal(t, []int{1}, subscribed)
	require.Equal(t, []int{1, 2}, ids(t, db))
}

func TestWhatIsQueuedIsThereForWhateverComesNext(t *testing.T) {
	db := pgtest.New(t, things)
	ctx := t.Context()
	next := map[string]func(tx *pg.Tx) int{
		"a query": func(tx *pg.Tx) (n int) {
			require.NoError(t, tx.QueryRow(ctx, "select count(*) from things").Scan(&n))
			return n
		},
		"an update": func(tx *pg.Tx) int {
			tag, err := tx.Exec(ctx, "update things set id = id")
			require.NoError(t, err)
			return int(tag.RowsAffected())
		},
		"a batch": func(tx *pg.Tx) (n int) {
			b := &pgx.Batch{}
			b.Queue("select count(*) from things").QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
			require.NoError(t, tx.SendBatch(ctx, b).Close())
			return n
		},
		"a batch read by hand": func(tx *pg.Tx) (n int) {
			b := &pgx.Batch{}
			b.Queue("select count(*) from things")
			results := tx.SendBatch(ctx, b)
			require.NoError(t, results.QueryRow().Scan(&n))
			require.NoError(t, results.Close())
			return n
		},
		"a savepoint": func(tx *pg.Tx) (n int) {
			inner, err := tx.Begin(ctx)
			require.NoError(t, err)
			require.NoError(t, inner.QueryRow(ctx, "select count(*) from things").Scan(&n))
			require.NoError(t, inner.Rollback(ctx))
			return n
		},
		"GORM": func(tx *pg.Tx) int {
			var n int64
			require.NoError(t, tx.Gorm().Model(&thing{}).Count(&n).Error)
			return int(n)
		},
	}
	for name, look := range next {
		for _, begun := range []bool{false, true} {
			boom := errors.New("boom")
			err := db.InTx(ctx, func(tx *pg.Tx) error {
				if begun {
					_, err := tx.Exec(ctx, "select")
					require.NoError(t, err)
				}
				tx.Queue(insertThing, 1)
				tx.Queue(insertThing, 2)
				require.Equal(t, 2, look(tx), "%s, begun: %t", name, begun)
				return boom
			})
			require.ErrorIs(t, err, boom)
			require.Empty(t, ids(t, db), name)
		}
	}
}

func TestAQueuedStatementThatFailsUndoesEverything(t *testing.T) {
	db := pgtest.New(t, things)
	for name, do := range map[string]func(tx *pg.Tx) error{
		"alone":            func(*pg.Tx) error { return nil },
		"before an update": func(tx *pg.Tx) error { _, err := tx.Exec(t.Context(), insertThing, 2); return err },
		"before a query":   func(tx *pg.Tx) error { return tx.QueryRow(t.Context(), "select 1").Scan(new(int)) },
		"before GORM":      func(tx *pg.Tx) error { return tx.Gorm().Take(&thing{}).Error },
	} {
		err := db.InTx(t.Context(), func(tx *pg.Tx) error {
			tx.AfterCommit(func() { t.Error("called after a rollback") })
			tx.Queue(insertThing, 1)
			tx.Queue(insertThing, 1)
			return do(tx)
		})
		require.True(t, pg.IsUnique(err, "things_pkey"), "%s: %v", name, err)
		require.Empty(t, ids(t, db), name)
	}

	// and the connection is as good as before
	require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error { tx.Queue(insertThing, 3); return nil }))
	require.Equal(t, []int{3}, ids(t, db))
}

func TestAFailureAfterQueueingSendsNothing(t *testing.T) {
	db := pgtest.New(t, things)
	boom := errors.New("boom")

	err := db.InTx(t.Context(), func(tx *pg.Tx) error { tx.Queue(insertThing, 1); return boom })

	require.ErrorIs(t, err, boom)
	require.Empty(t, ids(t, db))
}

func TestNothingRunsOutsideOfATransactionThatCouldNotBegin(t *testing.T) {
	db := pgtest.New(t, things)
	for name, next := range map[string]func(tx *pg.Tx) error{
		"GORM": func(tx *pg.Tx) error { return tx.Gorm().Create(&thing{ID: 1}).Error },
		"a batch": func(tx *pg.Tx) error {
			b := &pgx.Batch{}
			b.Queue(insertThing, 1)
			return tx.SendBatch(t.Context(), b).Close()
		},
		"a query":  func(tx *pg.Tx) error { return tx.QueryRow(t.Context(), insertThing+" returning id", 1).Scan(new(int)) },
		"the next": func(tx *pg.Tx) error { _, err := tx.Exec(t.Context(), insertThing, 1); return err },
		"nothing":  func(*pg.Tx) error { return errors.New("as expected") },
	} {
		err := db.InTx(t.Context(), func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), "insert into nowhere values ($1)", 1) // fails before anything is sent
			require.Error(t, err, name)
			require.Error(t, next(tx), name)
			return nil // as if that did not matter
		})
		require.ErrorContains(t, err, "nowhere", name)
		require.Empty(t, ids(t, db), name)
	}
}

func TestTheTransactionIsNotForItsUsersToEnd(t *testing.T) {
	db := pgtest.New(t, things)
	require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error {
		require.Error(t, tx.Commit(t.Context()))
		require.Error(t, tx.Rollback(t.Context()))
		return nil
	}))
}

func TestARefusalOfWhatWasQueuedUndoesEverything(t *testing.T) {
	db := pgtest.New(t, things)
	refusal := errors.New("that is not what was wanted")
	refuse := map[string]func(q *pgx.QueuedQuery){
		"a row":  func(q *pgx.QueuedQuery) { q.QueryRow(func(pgx.Row) error { return refusal }) },
		"rows":   func(q *pgx.QueuedQuery) { q.Query(func(pgx.Rows) error { return refusal }) },
		"number": func(q *pgx.QueuedQuery) { q.Exec(func(pgconn.CommandTag) error { return refusal }) },
	}
	next := map[string]func(tx *pg.Tx){
		"the commit": func(*pg.Tx) {},
		"another":    func(tx *pg.Tx) { tx.Queue(insertThing, 2) },
		"an update whose error does not matter": func(tx *pg.Tx) {
			_, err := tx.Exec(t.Context(), insertThing, 3)
			require.ErrorIs(t, err, refusal)
		},
		"a query whose error does not matter": func(tx *pg.Tx) {
			require.ErrorIs(t, tx.QueryRow(t.Context(), "select 1").Scan(new(int)), refusal)
		},
	}
	for what, refuse := range refuse {
		for before, next := range next {
			err := db.InTx(t.Context(), func(tx *pg.Tx) error {
				tx.AfterCommit(func() { t.Error("called after a rollback") })
				refuse(tx.Queue(insertThing+" returning id", 1))
				next(tx)
				return nil
			})
			require.ErrorIs(t, err, refusal, "%s before %s", what, before)
			require.Empty(t, ids(t, db), "%s before %s: an error for what was committed", what, before)
		}
	}
}

func TestWhatIsQueuedCostsNoRoundTripUnlessItMayBeRefused(t *testing.T) {
	network := pgtest.NewProxy(t, pgtest.NewURL(t, things))
	db, err := pg.Open(t.Context(), network.URL())
	require.NoError(t, err)
	t.Cleanup(db.Close)
	next := 0
	for name, test := range map[string]struct {
		queue func(tx *pg.Tx)
		trips int64
	}{
		"no result":       {func(tx *pg.Tx) { tx.Queue(insertThing, next) }, 1},
		"a row that fits": {func(tx *pg.Tx) { tx.QueueRow(insertThing+" returning id", []any{next}, new(int)) }, 1},
		"a judge": {func(tx *pg.Tx) {
			tx.Queue(insertThing+" returning id", next).QueryRow(func(row pgx.Row) error { return row.Scan(new(int)) })
		}, 2},
	} {
		var trips int64
		for range 2 { // the first time, statements are prepared
			next++
			before := network.RoundTrips()
			require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error { test.queue(tx); return nil }), name)
			trips = network.RoundTrips() - before
		}
		require.Equal(t, test.trips, trips, name)
	}
}

func TestARowThatDoesNotFitIsAMistake(t *testing.T) {
	db := pgtest.New(t, things)
	require.Panics(t, func() {
		_ = db.InTx(t.Context(), func(tx *pg.Tx) error {
			tx.QueueRow("select 'no number'", nil, new(int))
			return nil
		})
	})
	// but not that a statement fails
	err := db.InTx(t.Context(), func(tx *pg.Tx) error {
		for range 2 {
			tx.QueueRow(insertThing+" returning id", []any{1}, new(int))
		}
		return nil
	})
	require.True(t, pg.IsUnique(err, "things_pkey"), "%v", err)
	require.Empty(t, ids(t, db))
	// nor that whoever waits has gone
	ctx, leave := context.WithCancel(t.Context())
	err = db.InTx(ctx, func(tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, insertThing, 1); err != nil {
			return err
		}
		tx.QueueRow(insertThing+" returning id", []any{2}, new(int))
		leave()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, ids(t, db))
}

// Only the race detector sees what this is about: who destroys a broken connection, and the rollback.
func TestABrokenConnectionIsLeftToWhoeverDestroysIt(t *testing.T) {
	db := pgtest.New(t)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.InTx(t.Context(), func(tx *pg.Tx) error {
			require.NoError(t, tx.Gorm().Exec("select 1").Error)
			// given a statement whose context has ended: database/sql takes its connection for a bad one
			cancel()
			return tx.Gorm().WithContext(ctx).Exec("select 1").Error
		})
		require.Error(t, err)
	}
}
