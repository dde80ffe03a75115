package kafka

import (
	"context"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/embedded"
	"countersign.example/pkg/kafka/connection"
)

func TestReadingAPartitionEnds(t *testing.T) {
	t.Parallel()
	// given a partition of three messages
	broker, err := embedded.Kafka("", "")
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	client := Open("test", connection.Plaintext(broker.Addr()))
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	require.NoError(t, client.CreateTopics(ctx, TopicConfig{Name: "read", Partitions: 1}))
	for range 3 {
		_, err := client.admin.Produce(ctx, &kafkago.ProduceRequest{
			Topic: "read", RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(kafkago.Record{Value: kafkago.NewBytes([]byte("x"))}),
		})
		require.NoError(t, err)
	}
	read := func(end int64) (offsets []int64, err error) {
		err = client.readPartition(ctx, Partition{Topic: "read", End: end}, func(m kafkago.Message) error {
			offsets = append(offsets, m.Offset)
			return nil
		})
		return offsets, err
	}

	// then it is read to where it ended
	offsets, err := read(2)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 1}, offsets)

	// and not waited for what is there no more
	_, err = read(5)
	require.ErrorContains(t, err, "cut short while it was read: it ends at offset 3, and ended at 5")

	// and where no message comes, the broker tells whether there is one
	for next, want := range map[int64]bool{2: false, 3: true} {
		ended, err := client.endsBefore(ctx, Partition{Topic: "read", End: 3}, next)
		require.NoError(t, err)
		require.Equal(t, want, ended, next)
	}
}
