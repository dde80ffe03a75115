package pg_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestAPartThatFailsIsUndoneAlone(t *testing.T) {
	db := pgtest.New(t)
	_, err := db.Pool().Exec(t.Context(), "create table numbers (n int primary key)")
	require.NoError(t, err)
	no := errors.New("no")
	rang := map[string]bool{}
	err = db.InTx(t.Context(), func(tx *pg.Tx) error {
		tx.Queue("insert into numbers values (1)")
		for name, fn := range map[string]func(ctx context.Context) error{
			"it says no": func(ctx context.Context) error {
				_, err := tx.Exec(ctx, "insert into numbers values (2)")
				return errors.Join(err, no)
			},
			"it queues and says no": func(context.Context) error {
				tx.Queue("insert into numbers values (2)")
				return no
			},
			"a statement fails": func(ctx context.Context) error {
				_, err := tx.Exec(ctx, "insert into numbers values (1)")
				return err
			},
			"what it queues fails": func(context.Context) error {
				tx.Queue("insert into numbers values (1)")
				return nil
			},
			"a queued one fails before it says no": func(ctx context.Context) error {
				tx.Queue("insert into numbers values (1)")
				_, err := tx.Exec(ctx, "insert into numbers values (2)")
				return err
			},
		} {
			require.Error(t, tx.Savepoint(t.Context(), func() error {
				tx.AfterCommit(func() { rang[name] = true })
				return fn(t.Context())
			}), name)
		}
		require.Panics(t, func() { _ = tx.Savepoint(t.Context(), func() error { panic("no") }) })
		return tx.Savepoint(t.Context(), func() error {
			tx.AfterCommit(func() { rang["good"] = true })
			tx.Queue("insert into numbers values (3)")
			return nil
		})
	})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"good": true}, rang)
	var found []int
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select array_agg(n order by n) from numbers").Scan(&found))
	require.Equal(t, []int{1, 3}, found)
}

func TestAPartThatFailsLeavesNoSavepoint(t *testing.T) {
	db := pgtest.New(t)
	no := errors.New("no")
	err := db.InTx(t.Context(), func(tx *pg.Tx) error {
		require.ErrorIs(t, tx.Savepoint(t.Context(), func() error { return no }), no)
		_, err := tx.Exec(t.Context(), "release savepoint part")
		return err
	})
	require.ErrorContains(t, err, "does not exist")
}
