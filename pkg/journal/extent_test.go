package journal

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

func TestWhatOthersReceiveMeanwhileIsNotBeyondTheEnd(t *testing.T) {
	t.Parallel()
	// given a database that needs offset 10 next
	db := pgtest.New(t, Migrations)
	j := New(db, "/here", Live())
	place := TopicPartition{Topic: "payments", Partition: 1}
	require.NoError(t, db.InTx(t.Context(), func(tx *pg.Tx) error {
		return j.NoteAdopted(t.Context(), tx, map[TopicPartition]Extent{place: {End: 10}})
	}))
	received, err := j.Received(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[TopicPartition]int64{place: 10}, received)

	// when the brokers said that the partition ends at 8 while it needed 7: another replica received meanwhile
	next, lost, err := j.StartPositions(t.Context(), map[TopicPartition]Extent{place: {End: 8, Received: 7}})

	// then nothing is lost
	require.NoError(t, err)
	require.Empty(t, lost)
	require.Equal(t, map[TopicPartition]int64{place: 10}, next)

	// when they say so although it needed 9 before they were asked
	_, lost, err = j.StartPositions(t.Context(), map[TopicPartition]Extent{place: {End: 8, Received: 9}})

	// then the partition was cut short
	require.NoError(t, err)
	require.Len(t, lost, 1)
	require.Contains(t, lost[0].Missing, "it ends at offset 8, and 10 was to come next")
}
