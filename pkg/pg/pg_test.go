package pg_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

var things = pg.Migrations{Name: "things", FS: fstest.MapFS{
	"00001_things.sql": {Data: []byte("-- +goose Up\ncreate table things (id int primary key);")},
}}

type thing struct{ ID int }

func ids(tb testing.TB, db *pg.DB) (ids []int) {
	tb.Helper()
	require.NoError(tb, db.Gorm(tb.Context()).Model(&thing{}).Order("id").Pluck("id", &ids).Error)
	return ids
}

func TestPgxAndGormCommitTogether(t *testing.T) {
	db := pgtest.New(t, things)
	var after []int

	require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error {
		tx.AfterCommit(func() { after = ids(t, db) })
		if err := tx.Gorm().Create(&thing{ID: 1}).Error; err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), "insert into things values (2)")
		return err
	}))

	require.Equal(t, []int{1, 2}, ids(t, db))
	require.Equal(t, []int{1, 2}, after)
}

func TestAFailureRollsBackBothAndSkipsWhatFollowsACommit(t *testing.T) {
	db := pgtest.New(t, things)
	boom := errors.New("boom")

	err := db.InTx(t.Context(), func(tx *pg.Tx) error {
		tx.AfterCommit(func() { t.Error("called after a rollback") })
		require.NoError(t, tx.Gorm().Create(&thing{ID: 1}).Error)
		_, err := tx.Exec(t.Context(), "insert into things values (2)")
		require.NoError(t, err)
		return boom
	})

	require.ErrorIs(t, err, boom)
	require.Empty(t, ids(t, db))
}

func TestAPanicRollsBack(t *testing.T) {
	db := pgtest.New(t, things)
	require.Panics(t, func() {
		_ = db.InTx(t.Context(), func(tx *pg.Tx) error {
			require.NoError(t, tx.Gorm().Create(&thing{ID: 1}).Error)
			panic("boom")
		})
	})
	require.Empty(t, ids(t, db))
}

func TestACancelledRequestRollsBackAndTheConnectionIsNotLost(t *testing.T) {
	db := pgtest.New(t, things)
	for range 50 { // more than the pool has
		ctx, cancel := context.WithCancel(t.Context())
		err := db.InTx(ctx, func(tx *pg.Tx) error {
			require.NoError(t, tx.Gorm().Create(&thing{ID: 1}).Error)
			cancel()
			return nil
		})
		require.Error(t, err)
	}
	require.Empty(t, ids(t, db))
}

func TestGormCannotBeginByItself(t *testing.T) {
	db := pgtest.New(t, things)
	require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error {
		err := tx.Gorm().Transaction(func(*gorm.DB) error { return nil })
		require.ErrorIs(t, err, gorm.ErrInvalidTransaction)
		return nil
	}))
}

func receive[T any](tb testing.TB, c <-chan T) T {
	tb.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		tb.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestShutdownDoesNotWaitForAConnectionThatIsHeld(t *testing.T) {
	// given a connection that nobody gives back
	db, err := pg.Open(t.Context(), pgtest.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	held, err := db.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// when the database is to be closed in time
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- db.Shutdown(ctx) }()
	// then it says what holds it up, in time
	select {
	case err := <-stopped:
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 connections are still in use") {
			t.Errorf("got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits for the connection")
	}
	held.Release()
	if err := db.Shutdown(t.Context()); err != nil {
		t.Errorf("once it is given back: %v", err)
	}
}
