package kafka_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestANetworkThatCarriesNothingIsWorkedAround(t *testing.T) {
	// given a service on the other side of a network from its database, that publishes and hears
	direct := newHouse(t, brokers(t), 1)
	network := pgtest.NewProxy(t, direct.db.URL())
	db, err := pg.Open(t.Context(), network.URL())
	require.NoError(t, err)
	t.Cleanup(db.Close)
	far := *direct
	far.db, far.journal = db, journal.New(db, "/here")
	run(t, far.relay().Run)
	run(t, far.consumer().Run)
	direct.append(newEvent("a", 1))
	direct.eventually(1, "journal where log > 0")

	// when every connection carries nothing any more, without being closed, while it works
	direct.append(newEvent("a", 2))
	network.Swallow()
	swallowed := time.Now()
	direct.append(newEvent("a", 3), newEvent("b", 1))

	// then it publishes and records again, on new ones
	for recorded := 0; recorded < 4; {
		require.NoError(t, direct.db.Pool().QueryRow(t.Context(), "select count(*) from journal where log > 0").Scan(&recorded))
		require.Less(t, time.Since(swallowed), 30*time.Second, "%d recorded", recorded)
		pause(t)
	}
}
