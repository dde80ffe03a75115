package pg_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg/pgtest"
)

func TestANotificationThatCouldNotBeSentIsSentAgain(t *testing.T) {
	// given a process that listens, and another one
	url := pgtest.NewURL(t)
	here, there := open(t, url), open(t, url)
	ctx, stop := context.WithCancel(t.Context())
	woken, done := make(chan struct{}, 100), make(chan struct{})
	go func() {
		defer close(done)
		there.Listen(ctx, "news", func() { woken <- struct{}{} })
	}()
	t.Cleanup(func() { stop(); <-done })
	receive(t, woken) // now it listens
	var pid int
	require.NoError(t, here.Pool().QueryRow(t.Context(), "select pg_backend_pid()").Scan(&pid))

	// when the other one's connection is gone as it notifies
	_, err := there.Pool().Exec(t.Context(), "select pg_terminate_backend($1, 5000)", pid)
	require.NoError(t, err)
	here.Notify("news", "of something")

	receive(t, woken)
}
