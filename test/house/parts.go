package house

import (
	"os"
	"testing"

	"countersign.example/pkg/embedded"
)

// Parts are what the services stand on besides PostgreSQL.
type Parts struct {
	Brokers  string
	RedisURL string
	Kafka    *embedded.KafkaBroker // nil when real
	Redis    *embedded.RedisServer // nil when real
	kafkaDir string
}

func startParts(tb testing.TB) *Parts {
	tb.Helper()
	p := &Parts{Brokers: os.Getenv("TEST_KAFKA_BROKERS"), RedisURL: os.Getenv("TEST_REDIS_URL")}
	if p.Brokers == "" {
		p.kafkaDir = tb.TempDir()
		broker, err := embedded.Kafka(p.kafkaDir, "")
		if err != nil {
			tb.Fatal(err)
		}
		p.Kafka, p.Brokers = broker, broker.Addr()
		tb.Cleanup(func() {
			if p.Kafka != nil {
				p.Kafka.Close()
			}
		})
	}
	if p.RedisURL == "" {
		server, err := embedded.Redis("")
		if err != nil {
			tb.Fatal(err)
		}
		p.Redis, p.RedisURL = server, server.URL()
		tb.Cleanup(server.Close)
	}
	return p
}

// StopKafka takes the embedded broker away; its data stay.
func (p *Parts) StopKafka() {
	p.Kafka.Close()
	p.Kafka = nil
}

// StartKafka brings it back at the same address.
func (p *Parts) StartKafka(tb testing.TB) {
	tb.Helper()
	broker, err := embedded.Kafka(p.kafkaDir, p.Brokers)
	if err != nil {
		tb.Fatal(err)
	}
	p.Kafka = broker
}
