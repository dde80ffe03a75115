package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg/pgtest"
)

func TestANetworkThatCarriesNothingIsWorkedAround(t *testing.T) {
	t.Parallel()
	// given a service on the other side of a network from its database, that publishes and receives
	addresses := brokers(t)
	direct := newHarness(t, addresses, 1)
	network := pgtest.NewProxy(t, direct.db.URL())
	db := network.Open(t)
	far := *direct
	far.db, far.journal = db, journal.New(db, "/here")
	run(t, far.relay().Run)
	run(t, far.consumer().Run)
	direct.append(newEvent("a", 1))
	direct.eventually(1, "journal where log > 0")

	// when every connection carries nothing any more, without being closed, while a transaction of the consumer
	// and one of the relay wait for locks
	lock, err := direct.db.Pool().Begin(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = lock.Rollback(context.WithoutCancel(t.Context())) })
	_, err = lock.Exec(t.Context(), "lock table streams, outbox in access exclusive mode")
	require.NoError(t, err)
	direct.produce(addresses, direct.encoded(newEvent("c", 1))...)
	direct.db.Notify(journal.OutboxChannel)
	for waiting := 0; waiting < 2; pause(t) {
		require.NoError(t, lock.QueryRow(t.Context(), `select count(distinct relation) from pg_locks
			where not granted and relation in ('streams'::regclass, 'outbox'::regclass)`).Scan(&waiting))
	}
	network.Swallow()
	swallowed := time.Now()
	require.NoError(t, lock.Commit(t.Context()))
	direct.append(newEvent("a", 2), newEvent("b", 1))

	// then it publishes and records again, on new ones
	for recorded := 0; recorded < 4; pause(t) {
		require.NoError(t, direct.db.Pool().QueryRow(t.Context(), "select count(*) from journal where log > 0").Scan(&recorded))
		require.Less(t, time.Since(swallowed), 30*time.Second, "%d recorded", recorded)
	}
}
