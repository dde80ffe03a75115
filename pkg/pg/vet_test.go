package pg_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestADatabaseThatIsReplacedIsVettedBeforeItIsUsed(t *testing.T) {
	// given a database in use
	address, before := pgtest.NewURL(t), pgtest.NewURL(t)
	db, err := pg.Open(t.Context(), address)
	require.NoError(t, err)
	defer db.Close()
	var older error
	asked := 0
	db.Vet(func(context.Context) error { asked++; return older })
	require.NoError(t, db.Ping(t.Context()))
	require.Zero(t, asked)

	incarnation, err := db.Incarnation(t.Context())
	require.NoError(t, err)
	only := pg.OnlyIn(t.Context(), incarnation)
	require.NoError(t, db.Pool().Ping(only))

	// when another one takes its place
	older = errors.New("it is older")
	pgtest.FallBack(t, address, before)

	// then nobody gets a connection until it was found good
	used := func() error {
		return db.InTx(t.Context(), func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), "select")
			return err
		})
	}
	for range 30 { // connections of before that broke are found out one by one
		err = used()
		if errors.Is(err, pg.ErrReplaced) {
			break
		}
		require.Error(t, err)
	}
	require.ErrorIs(t, err, pg.ErrReplaced)
	require.ErrorIs(t, err, older)
	require.True(t, pg.IsUnavailable(err))
	older = nil
	require.NoError(t, used())

	// and what follows from the former one is not done in this one, by whichever way
	require.ErrorIs(t, db.Pool().Ping(only), pg.ErrReplaced)
	require.ErrorIs(t, db.Gorm(only).Exec("select").Error, pg.ErrReplaced)
	require.ErrorIs(t, db.InTx(only, func(*pg.Tx) error { return nil }), pg.ErrReplaced)
	so := asked
	require.NoError(t, used())
	require.Equal(t, so, asked)
}

// Else everybody who needs a connection would wait behind it.
func TestAConnectionThatCarriesNothingIsNotWaitedForToVetIt(t *testing.T) {
	network := pgtest.NewProxy(t, pgtest.NewURL(t))
	db, err := pg.Open(t.Context(), network.URL())
	require.NoError(t, err)
	defer db.Close()
	db.Vet(func(context.Context) error { return nil })
	conn, err := pgx.Connect(t.Context(), network.URL())
	require.NoError(t, err)
	network.Swallow()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.Error(t, db.Pool().Config().AfterConnect(ctx, conn))
	require.NoError(t, ctx.Err())
	require.NoError(t, db.Ping(t.Context()))
}
