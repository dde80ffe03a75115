package brokers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/kafka"
	"countersign.example/test/faultrun/fault"
	"countersign.example/test/testsystem"
)

const topic = "events"

// start starts brokers with a topic.
func start(t *testing.T) *Kafka {
	t.Helper()
	if os.Getenv("TEST_FAULTS") == "" {
		t.Skip("TEST_FAULTS is not set: it starts three real Kafka brokers, which need Java and Maven, and takes a minute")
	}
	var moved []string
	k, err := Start(t.Context(), t.TempDir(), []string{"some-service"}, func(client string, broker int, address string) (string, error) {
		moved = append(moved, fmt.Sprint(client, broker))
		return address, nil
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Close()) })
	require.Equal(t, []string{"some-service1", "some-service2", "some-service3"}, moved)
	require.NotEqual(t, k.Addresses("some-service"), k.Addresses(own))
	client := kafka.Open("test", k.Connection())
	t.Cleanup(client.Close)
	require.NoError(t, client.CreateTopics(t.Context(), kafka.TopicConfig{Name: topic, Partitions: 3}))
	for _, b := range k.brokers {
		require.NoError(t, k.awaitJoined(t.Context(), b))
	}
	return k
}

// It runs where TEST_FAULTS is set, by hand after a change of this package: three real brokers take a minute
// and Java, which `make test` does without.
func TestBrokersBreakAndHeal(t *testing.T) {
	k := start(t)
	faults := map[string]fault.Fault{}
	for _, f := range k.Faults(nil) {
		faults[f.Kind] = f
	}
	write(t, k)
	for _, kind := range []string{"broker killed", "broker stands still", "broker's disk full"} {
		t.Run(kind, func(t *testing.T) {
			f, ok := faults[kind]
			if !ok {
				t.Skip("only root can make a disk to fill")
			}
			const seed = 1
			heal, err := f.Break(t.Context(), rand.New(rand.NewPCG(seed, seed)))
			require.NoError(t, err)
			victim := k.brokers[rand.New(rand.NewPCG(seed, seed)).IntN(count)]
			if kind == "broker's disk full" {
				for range 3 * 200 { // until the broker has met it
					select {
					case <-victim.running.Ended():
					default:
						write(t, k)
						continue
					}
					break
				}
			}
			require.Error(t, ask(t, victim), "the broker does not answer")
			write(t, k)
			require.NoError(t, heal(t.Context()))
			require.NoError(t, ask(t, victim))
			write(t, k)
		})
	}
	t.Run("broker restarted", func(t *testing.T) {
		pids := map[int]bool{}
		for _, b := range k.brokers {
			pids[b.running.PID()] = true
		}
		heal, err := faults["broker restarted"].Break(t.Context(), rand.New(rand.NewPCG(2, 2)))
		require.NoError(t, err)
		require.Nil(t, heal)
		fresh := 0
		for _, b := range k.brokers {
			require.NoError(t, ask(t, b))
			if !pids[b.running.PID()] {
				fresh++
			}
		}
		require.Equal(t, 1, fresh)
		write(t, k)
	})
	t.Run("leaders moved", func(t *testing.T) {
		before := leaders(t, k)
		_, err := faults["leaders moved"].Break(t.Context(), rand.New(rand.NewPCG(3, 3)))
		require.NoError(t, err)
		require.NotEqual(t, before, leaders(t, k))
		write(t, k)
	})
}

// write writes a message, which two brokers have then.
func write(t *testing.T, k *Kafka) {
	t.Helper()
	testsystem.Eventually(t, "two brokers take a message", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		transport := &kafkago.Transport{DialTimeout: time.Second}
		defer transport.CloseIdleConnections()
		w := &kafkago.Writer{Addr: kafkago.TCP(k.Addresses(own)...), Topic: topic, RequiredAcks: kafkago.RequireAll, BatchSize: 1, Transport: transport}
		return w.WriteMessages(ctx, kafkago.Message{Value: []byte("event")})
	})
}

// ask returns an error unless the broker answers.
func ask(t *testing.T, b *broker) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafkago.Client{Addr: kafkago.TCP(b.addresses[own]), Transport: transport}
	_, err := client.ApiVersions(ctx, &kafkago.ApiVersionsRequest{})
	return err
}

func leaders(t *testing.T, k *Kafka) map[int]int {
	t.Helper()
	answer, err := k.client(nil).Metadata(t.Context(), &kafkago.MetadataRequest{Topics: []string{topic}})
	require.NoError(t, err)
	list := map[int]int{}
	for _, p := range answer.Topics[0].Partitions {
		list[p.ID] = p.Leader.ID
	}
	return list
}
