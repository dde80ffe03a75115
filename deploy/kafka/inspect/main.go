// Inspect looks inside Kafka, the embedded one or any other: KAFKA_BROKERS says where
// (127.0.0.1:9092 by default).
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
	"strings"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
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
	brokers := strings.Split(env("KAFKA_BROKERS", "127.0.0.1:"+env("KAFKA_PORT", "9092")), ",")
	client := &kafka.Client{Addr: kafka.TCP(brokers...), Timeout: 10 * time.Second}
	switch {
	case len(args) == 1 && args[0] == "topics":
		return topics(ctx, client, os.Stdout)
	case len(args) == 2 && args[0] == "tail":
		return tail(ctx, client, brokers, args[1], os.Getenv("FROM") == "start", os.Stdout)
	}
	return errUsage
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
