package operator

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/pg/pgtest"
)

func TestACommandDoesNotWaitForKafkaWithoutEnd(t *testing.T) {
	// given a broker that takes connections and says nothing
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := kafka.Open("test", connection.Plaintext(silent.Addr().String()))
	defer client.Close()
	before := answerWithin
	answerWithin = time.Second
	defer func() { answerWithin = before }()
	db := pgtest.New(t, journal.Migrations)
	cfg := kafka.ConsumerConfig{Client: client, Config: inbox.Config{
		DB: db, Journal: journal.New(db, "/here"), Topics: []event.Topic{{Name: "payments"}},
	}}

	loss := AcceptLossCommand(func(context.Context) (*kafka.Losses, func(), error) { return kafka.NewLosses(cfg), func() {}, nil })
	skip := SkipCommand(func(context.Context) (*kafka.Adoption, func(), error) {
		return &kafka.Adoption{ConsumerConfig: cfg}, func() {}, nil
	})
	loss.SetArgs([]string{})
	skip.SetArgs([]string{"payments/1/107", "payments/1/108", "--reason", "forged", "--by", "mia"})
	for name, execute := range map[string]func(context.Context) error{"accept-loss": loss.ExecuteContext, "skip": skip.ExecuteContext} {
		began := time.Now()
		err := execute(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no answer from Kafka or PostgreSQL within ") {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}
