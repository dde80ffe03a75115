package postgres

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/embedded"
	"countersign.example/test/faultrun/fault"
	"countersign.example/test/testsystem"
)

func TestMain(m *testing.M) {
	embedded.PostgresKeeper()
	os.Exit(m.Run())
}

// It runs where TEST_FAULTS is set, by hand after a change of this package: two servers that crash take half
// a minute, and only a run of faults needs them.
func TestPostgresBreaksAndHeals(t *testing.T) {
	// Given somebody who counts, one commit after the other.
	p := start(t)
	require.NoError(t, p.primary.exec(t.Context(), "create table counted (n int)"))
	var counted atomic.Int64
	go count(t.Context(), p, &counted)
	goesOn := func(t *testing.T) {
		t.Helper()
		before := counted.Load()
		testsystem.Eventually(t, "it counts", func() error {
			if counted.Load() < before+10 {
				return os.ErrDeadlineExceeded
			}
			return nil
		})
	}
	lost := func(t *testing.T) (n int) {
		t.Helper()
		require.NoError(t, p.primary.ask(t.Context(), func(conn *pgx.Conn) error {
			return conn.QueryRow(t.Context(), "select max(n) - count(distinct n) from counted").Scan(&n)
		}))
		return n
	}
	adopted := 0
	environment := &fault.Environment{Command: func(ctx context.Context, _ string, _ ...string) *exec.Cmd {
		adopted++
		return exec.CommandContext(ctx, "true")
	}}
	for _, f := range p.Faults(environment) {
		t.Run(f.Kind, func(t *testing.T) {
			goesOn(t)
			connected, err := pgx.Connect(t.Context(), p.URL())
			require.NoError(t, err)
			defer connected.Close(context.Background())

			heal, err := f.Break(t.Context(), rand.New(rand.NewPCG(1, 1)))
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				during, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				return connected.Ping(during) != nil
			}, 5*time.Second, 10*time.Millisecond, "who was connected is so no longer")

			require.NoError(t, heal(t.Context()))
			if adopted > 0 {
				require.Positive(t, lost(t), "what the standby did not know is lost")
				require.Equal(t, 2, adopted, "both cores adopt what they lack")
			} else {
				require.Zero(t, lost(t), "all that was committed is there")
			}
			goesOn(t)
			require.NoError(t, p.standby.running.Await(t.Context(), p.streams))
		})
	}
}

// count adds one number after the other, and the same again when it does not know.
func count(ctx context.Context, p *Postgres, counted *atomic.Int64) {
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		_ = p.primary.ask(attempt, func(conn *pgx.Conn) error {
			for {
				_, err := conn.Exec(attempt, "insert into counted values ($1)", counted.Load()+1)
				if err != nil {
					return err
				}
				counted.Add(1)
			}
		})
		cancel()
	}
}

func start(t *testing.T) *Postgres {
	t.Helper()
	if os.Getenv("TEST_FAULTS") == "" {
		t.Skip("TEST_FAULTS is not set: it starts two PostgreSQL servers, and takes half a minute")
	}
	dir, err := os.MkdirTemp("", "countersign-faults-") // t.TempDir is out of reach for PostgreSQL's user
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	p, err := Start(t.Context(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}
