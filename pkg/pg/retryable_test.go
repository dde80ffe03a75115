package pg_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestOnlyWhatIsKnownToPassPasses(t *testing.T) {
	for code, passes := range map[string]bool{
		"08006": true, "08P01": true, "40001": true, "40P01": true, "53100": true, "53300": true, "55P03": true, "57014": true,
		"57P01": true, "57P03": true, "58030": true, "25006": true, "25P03": true,
		"22003": false, "22P05": false, "23502": false, "23505": false, "23514": false, "25P02": false, "42703": false, "42P01": false,
		"54000": false, "54001": false, "P0001": false, "XX000": false, "": false, "4": false,
	} {
		require.Equal(t, passes, pg.IsRetryable(fmt.Errorf("write: %w", &pgconn.PgError{Code: code})), code)
	}
	for err, passes := range map[error]bool{
		io.ErrUnexpectedEOF: true, net.ErrClosed: true, context.Canceled: true, context.DeadlineExceeded: true,
		&net.OpError{Op: "read", Err: syscall.ECONNRESET}: true, errors.New("no"): false,
	} {
		require.Equal(t, passes, pg.IsRetryable(fmt.Errorf("write: %w", err)), err)
	}
}

func TestAPlanFromBeforeAMigrationPasses(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), pgtest.NewURL(t))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	_, err = conn.Exec(t.Context(), "create table things (n int)")
	require.NoError(t, err)
	all := func() error {
		rows, err := conn.Query(t.Context(), "select * from things")
		rows.Close()
		return errors.Join(err, rows.Err())
	}
	require.NoError(t, all())
	_, err = conn.Exec(t.Context(), "alter table things add column m int")
	require.NoError(t, err)
	err = all()
	require.ErrorContains(t, err, "0A000")
	require.True(t, pg.IsRetryable(err))
	require.NoError(t, all())
}
