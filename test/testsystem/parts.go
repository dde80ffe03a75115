package testsystem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/embedded"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/live"
	"countersign.example/pkg/service/servicetest"
)

// Parts are what the services need besides PostgreSQL.
type Parts struct {
	Brokers    string
	Connection connection.Settings // the tests' own, which may do everything
	RedisURL   string
	Kafka      *embedded.KafkaBroker // nil when real
	Redis      *embedded.RedisServer // nil when real
	kafkaDir   string
}

// oneByOne has tests take turns that would disturb each other on a real part.
var oneByOne sync.Mutex

// Own are parts of the test's own, each nil or empty where it has none.
type Own struct {
	Kafka    *connection.Settings
	Redis    string            // its address, redis://
	Postgres map[string]string // addresses of servers by service, as superuser
}

// startParts starts what is not there.
func startParts(tb testing.TB, own Own) *Parts {
	tb.Helper()
	p := &Parts{Brokers: os.Getenv("TEST_KAFKA_BROKERS"), RedisURL: os.Getenv("TEST_REDIS_URL")}
	if own.Redis != "" {
		p.RedisURL = own.Redis
	} else if p.Brokers != "" || p.RedisURL != "" {
		oneByOne.Lock()
		tb.Cleanup(oneByOne.Unlock)
	}
	switch {
	case own.Kafka != nil:
		p.Brokers, p.Connection = strings.Join(own.Kafka.KafkaBrokers, ","), *own.Kafka
	case p.Brokers == "":
		p.kafkaDir = tb.TempDir()
		broker, err := embedded.Kafka(p.kafkaDir, servicetest.FreeAddr(tb))
		if err != nil {
			tb.Fatal(err)
		}
		p.Kafka, p.Brokers = broker, broker.Addr()
		tb.Cleanup(func() {
			if p.Kafka != nil {
				p.Kafka.Close()
			}
		})
	default:
		forget(tb, p.Brokers)
	}
	if own.Kafka == nil {
		p.Connection = connection.Plaintext(p.Brokers)
	}
	if p.RedisURL == "" {
		server, err := embedded.Redis(servicetest.FreeAddr(tb))
		if err != nil {
			tb.Fatal(err)
		}
		p.Redis, p.RedisURL = server, server.URL()
		tb.Cleanup(server.Close)
	}
	if p.Redis == nil { // with what the test before this one has pushed
		emptyRedis(tb, p.RedisURL)
	}
	return p
}

// NeedEmbeddedKafka skips a test that stops the broker, where it is a real one.
func (p *Parts) NeedEmbeddedKafka(tb testing.TB) {
	tb.Helper()
	if p.Kafka == nil {
		tb.Skip("this test stops and starts the broker, so it needs the embedded one: unset TEST_KAFKA_BROKERS")
	}
}

// StopKafka stops the embedded broker; its data stay.
func (p *Parts) StopKafka() {
	p.Kafka.Close()
	p.Kafka = nil
}

// StartKafka starts it again at the same address.
func (p *Parts) StartKafka(tb testing.TB) {
	tb.Helper()
	broker, err := embedded.Kafka(p.kafkaDir, p.Brokers)
	if err != nil {
		tb.Fatal(err)
	}
	p.Kafka = broker
}

func emptyRedis(tb testing.TB, address string) {
	tb.Helper()
	client, err := live.Connect(address, nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := client.FlushDB(tb.Context()).Err(); err != nil {
		tb.Fatalf("empty Redis: %v", err)
	}
}

// NeedEmbeddedRedis skips a test that stops Redis, where it is a real one.
func (p *Parts) NeedEmbeddedRedis(tb testing.TB) {
	tb.Helper()
	if p.Redis == nil {
		tb.Skip("this test stops and starts Redis, so it needs the embedded one: unset TEST_REDIS_URL")
	}
}

// StopRedis stops the embedded Redis; its data stay.
func (p *Parts) StopRedis() { p.Redis.Close() }

// StartRedis starts it again at the same address.
func (p *Parts) StartRedis(tb testing.TB) {
	tb.Helper()
	if err := p.Redis.Restart(); err != nil {
		tb.Fatal(err)
	}
}

// EmptyRedis deletes everything in Redis, also in a real one.
func (p *Parts) EmptyRedis(tb testing.TB) {
	tb.Helper()
	emptyRedis(tb, p.RedisURL)
}

// forget removes what an earlier test has left on a real broker: a core whose journal is empty
// refuses to go on where its consumer group has been.
func forget(tb testing.TB, brokers string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startTimeout)
	defer cancel()
	admin := &kafkago.Client{Addr: kafkago.TCP(brokers), Timeout: 10 * time.Second}
	for _, group := range consumers {
		// A fresh broker first has to make the topic that groups are kept in.
		Eventually(tb, "the consumer group "+group+" is gone", func() error {
			answer, err := admin.DeleteGroups(ctx, &kafkago.DeleteGroupsRequest{GroupIDs: []string{group}})
			if err == nil {
				err = answer.Errors[group]
			}
			if errors.Is(err, kafkago.GroupIdNotFound) {
				err = nil
			}
			return err
		})
	}
	topics := []string{payment.Topic, order.Topic, catalog.Topic, people.Topic, kafka.DeadLettersTopic}
	deleted, err := admin.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: topics})
	if err != nil {
		tb.Fatalf("delete topics: %v", err)
	}
	for topic, err := range deleted.Errors {
		if err != nil && !errors.Is(err, kafkago.UnknownTopicOrPartition) {
			tb.Fatalf("delete topic %s: %v", topic, err)
		}
	}
	Eventually(tb, "the old topics are gone", func() error {
		// A client of its own each time: the transport remembers.
		fresh := &kafkago.Client{Addr: kafkago.TCP(brokers), Timeout: 10 * time.Second, Transport: &kafkago.Transport{}}
		answer, err := fresh.Metadata(ctx, &kafkago.MetadataRequest{Topics: topics})
		if err != nil {
			return err
		}
		for _, topic := range answer.Topics {
			if topic.Error == nil {
				return fmt.Errorf("topic %s is there", topic.Name)
			}
		}
		return nil
	})
}
