package redis

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"countersign.example/test/faultrun/fault"
)

func TestRedisBreaksAndHeals(t *testing.T) {
	t.Parallel()
	for kind, then := range map[string]struct {
		broken func(*testing.T, *goredis.Client) // how it is before it is healed
		keeps  bool                              // what was written before
	}{
		"Redis killed":        {away, true},
		"Redis stands still":  {away, true},
		"Redis lost its data": {away, false},
		"Redis evicts": {func(t *testing.T, client *goredis.Client) {
			require.NoError(t, client.Set(t.Context(), "more", "value", 0).Err())
		}, false},
		"Redis is full": {func(t *testing.T, client *goredis.Client) {
			require.ErrorContains(t, client.Set(t.Context(), "more", "value", 0).Err(), "OOM")
		}, true},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r, client := start(t)
			require.NoError(t, client.Set(t.Context(), "key", strings.Repeat("value", 100_000), 0).Err())
			heal, err := find(t, r, kind).Break(t.Context(), rand.New(rand.NewPCG(1, 1)))
			require.NoError(t, err)
			then.broken(t, client)
			require.NoError(t, heal(t.Context()))
			err = client.Get(t.Context(), "key").Err()
			require.Equal(t, then.keeps, !errors.Is(err, goredis.Nil), "%v", err)
			require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())
		})
	}
}

func TestRedisIsRestoredFromAnOlderSnapshot(t *testing.T) {
	t.Parallel()
	r, client := start(t)
	require.NoError(t, client.Set(t.Context(), "before", "value", 0).Err())
	restored := make(chan error)
	go func() {
		_, err := find(t, r, "Redis restored from an older snapshot").Break(t.Context(), rand.New(rand.NewPCG(1, 1)))
		restored <- err
	}()
	for n := 0; ; n++ {
		select {
		case err := <-restored:
			require.NoError(t, err)
			require.Equal(t, "value", client.Get(t.Context(), "before").Val())
			kept, err := client.Get(t.Context(), "counter").Int()
			require.True(t, errors.Is(err, goredis.Nil) || err == nil && kept < n, "%d of %d: %v", kept, n, err)
			return
		default:
			client.Set(t.Context(), "counter", n, 0) // fails at times
		}
	}
}

func start(t *testing.T) (*Redis, *goredis.Client) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not there")
	}
	r, err := Start(t.Context(), t.TempDir())
	require.NoError(t, err)
	client := goredis.NewClient(&goredis.Options{Addr: r.Address(), ReadTimeout: 200 * time.Millisecond, MaxRetries: -1})
	t.Cleanup(func() {
		require.NoError(t, client.Close())
		require.NoError(t, r.Close())
	})
	return r, client
}

func find(t *testing.T, r *Redis, kind string) fault.Fault {
	t.Helper()
	for _, f := range r.Faults(nil) {
		if f.Kind == kind {
			return f
		}
	}
	t.Fatalf("there is no fault %q", kind)
	return fault.Fault{}
}

func away(t *testing.T, client *goredis.Client) {
	t.Helper()
	require.Error(t, client.Ping(t.Context()).Err())
}
