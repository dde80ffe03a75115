// Inspect looks inside Kafka, the embedded one or any other: KAFKA_BROKERS says where
// (127.0.0.1:9092 by default). KAFKA_TLS, KAFKA_SASL and so on are as for a service.
//
//	inspect topics          topics with their partitions, and how far each consumer group has read
//	inspect tail <topic>    messages with their headers as they come; FROM=start for those that are there
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"

	"countersign.example/pkg/kafka/connection"
	"countersign.example/pkg/service"
)

const usage = "usage: inspect topics | inspect tail <topic>"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := dispatch(ctx, os.Args[1:])
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errUsage) {
			os.Exit(2) //nolint:gocritic // nothing deferred matters
		}
		os.Exit(1)
	}
}

var errUsage = errors.New(usage)

func dispatch(ctx context.Context, args []string) error {
	if os.Getenv("KAFKA_BROKERS") == "" {
		_ = os.Setenv("KAFKA_BROKERS", "127.0.0.1:"+env("KAFKA_PORT", "9092"))
	}
	var c struct{ connection.Settings }
	if err := service.Parse(&c); err != nil {
		return err
	}
	client, dialer := open(c.Settings)
	switch {
	case len(args) == 1 && args[0] == "topics":
		return topics(ctx, client, os.Stdout)
	case len(args) == 2 && args[0] == "tail":
		return tail(ctx, client, dialer, args[1], os.Getenv("FROM") == "start", os.Stdout)
	}
	return errUsage
}

// open returns what asks the brokers, and what readers connect by. Both sign in as the settings say.
func open(settings connection.Settings) (*kafka.Client, *kafka.Dialer) {
	const within = 5 * time.Second
	dial := settings.NewDialer("inspect", within).DialContext
	client := &kafka.Client{Addr: kafka.TCP(settings.KafkaBrokers...), Timeout: 10 * time.Second, Transport: &kafka.Transport{Dial: dial, DialTimeout: within}}
	return client, &kafka.Dialer{DialFunc: dial, Timeout: within}
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// userTopics are the topics that are not Kafka's own.
func userTopics(ctx context.Context, client *kafka.Client) ([]kafka.Topic, error) {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, fmt.Errorf("no answer from Kafka at %s: %w\nstart one (make run, make kafka), or set KAFKA_BROKERS", client.Addr, err)
	}
	var list []kafka.Topic
	for _, topic := range metadata.Topics {
		if !topic.Internal {
			list = append(list, topic)
		}
	}
	return list, nil
}
