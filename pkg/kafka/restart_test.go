package kafka_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg/pgtest"
)

// emptied is the same service with an empty database. Its journal is one with pages.
func (h *harness) emptied() *harness {
	db := pgtest.New(h.tb, journal.Migrations, inbox.Migrations)
	return &harness{tb: h.tb, db: db, journal: journal.New(db, "/here", journal.Live()), client: h.client, keys: h.keys, topic: h.topic, partitions: h.partitions, group: h.group}
}

func catchingUp(tb testing.TB, j *journal.Journal) (journal.Progress, bool) {
	tb.Helper()
	p, behind, err := j.CatchingUp(tb.Context())
	require.NoError(tb, err)
	return p, behind
}

func TestAnEmptyDatabaseIsRebuiltFromTheTopicAlthoughItsGroupHasReceivedIt(t *testing.T) {
	t.Parallel()
	// given a service that has received a topic, and loses its database
	addresses := brokers(t)
	h := newHarness(t, addresses, 3)
	var events []event.Event
	for n := range 50 {
		events = append(events, newEvent(fmt.Sprint(n%10), n))
	}
	h.produce(addresses, h.encoded(events...)...)
	stop := run(t, h.consumer().Run)
	h.eventually(50, "journal")
	stop()
	emptied := h.emptied()
	// and that somebody uses before it receives again
	mine := newEvent("mine", 1)
	emptied.append(mine)

	// when it receives again
	stop = run(t, emptied.consumer().Run)

	// then everything is there, and it says that it is done
	emptied.eventually(50, "journal where log > 0")
	eventually(t, func() bool {
		progress, _ := catchingUp(t, emptied.journal)
		return progress.Done == 50 && progress.Of == 50
	})
	stop()

	// and goes on from there once more, receiving nothing twice
	emptied.eventually(50, "journal where log > 0")
	h.produce(addresses, h.encoded(newEvent("1", 99))...)
	run(t, emptied.consumer().Run)
	emptied.eventually(51, "journal where log > 0")
	progress, _ := catchingUp(t, emptied.journal)
	require.EqualValues(t, 50, progress.Of)
}

func TestReplicasOfAnEmptyDatabaseBeginTogether(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 6)
	var events []event.Event
	for n := range 60 {
		events = append(events, newEvent(uuid.NewString(), n))
	}
	h.produce(addresses, h.encoded(events...)...)
	stop := run(t, h.consumer().Run)
	h.eventually(60, "journal")
	stop()

	emptied := h.emptied()
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { run(t, emptied.consumer().Run) })
	}
	both.Wait()

	emptied.eventually(60, "journal where log > 0")
}

func TestEmptyTopicsAreCaughtUpWithAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, brokers(t), 3).emptied()
	consumer := h.consumer()
	run(t, consumer.Run)
	eventually(t, func() bool { return consumer.Healthy() == nil })
	h.eventually(3, "consumer_positions where next = target")
	_, behind := catchingUp(t, h.journal)
	require.False(t, behind)
}

func TestARestoredBackupReceivesWhatItLacks(t *testing.T) {
	t.Parallel()
	// given a database as it was two events ago
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	first, second, third := newEvent("1", 1), newEvent("1", 2), newEvent("2", 1)
	h.produce(addresses, h.encoded(first)...)
	stop := run(t, h.consumer().Run)
	h.eventually(1, "journal")
	stop()
	backup := h.another("/here")
	backup.group = h.group
	_, err := backup.db.Pool().Exec(t.Context(), "insert into consumer_positions (topic, partition, first, next, target) values ($1, 0, 0, 1, 1)", h.topic)
	require.NoError(t, err)
	h.produce(addresses, h.encoded(second, third)...)
	stop = run(t, h.consumer().Run)
	h.eventually(3, "journal")
	stop()

	// when the service runs with it
	run(t, backup.consumer().Run)

	// then it receives those two, though the group has committed them
	backup.eventually(2, "journal")
	_, behind := catchingUp(t, backup.journal)
	require.False(t, behind)
}

func TestAJournalThatIsOlderThanTheRecordOfPositionsGoesOnWhereItsGroupIs(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	h.produce(addresses, h.encoded(newEvent("1", 1))...)
	stop := run(t, h.consumer().Run)
	h.eventually(1, "journal")
	stop()
	_, err := h.db.Pool().Exec(t.Context(), "delete from consumer_positions")
	require.NoError(t, err)

	consumer := h.consumer()
	run(t, consumer.Run)
	h.produce(addresses, h.encoded(newEvent("1", 2))...)

	h.eventually(2, "journal")
	h.eventually(1, "consumer_positions where first = 1")
}
