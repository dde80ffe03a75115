package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// tail prints every message of a topic as it comes until ctx ends. It joins no group, so that it
// takes nothing from anyone.
func tail(ctx context.Context, client *kafka.Client, dialer *kafka.Dialer, topic string, fromStart bool, w io.Writer) error {
	list, err := userTopics(ctx, client)
	if err != nil {
		return err
	}
	var partitions []kafka.Partition
	var names []string
	for _, t := range list {
		names = append(names, t.Name)
		if t.Name == topic {
			partitions = t.Partitions
		}
	}
	if partitions == nil {
		return fmt.Errorf("there is no topic %q; there are: %v", topic, names)
	}
	offset := kafka.LastOffset
	if fromStart {
		offset = kafka.FirstOffset
	}
	var mu sync.Mutex // one message at a time on the page
	all, ctx := errgroup.WithContext(ctx)
	for _, partition := range partitions {
		reader := kafka.NewReader(kafka.ReaderConfig{
			Brokers: strings.Split(client.Addr.String(), ","), Dialer: dialer, Topic: topic, Partition: partition.ID, MinBytes: 1, MaxBytes: 10 << 20, MaxWait: 250 * time.Millisecond,
		})
		all.Go(func() error {
			defer func() { _ = reader.Close() }()
			if err := reader.SetOffset(offset); err != nil {
				return err
			}
			for {
				message, err := reader.ReadMessage(ctx)
				if err != nil {
					return err
				}
				mu.Lock()
				show(w, message)
				mu.Unlock()
			}
		})
	}
	return all.Wait()
}

// show prints a message as a block: where it is, its headers one a line, its value.
func show(w io.Writer, m kafka.Message) {
	fmt.Fprintf(w, "%s/%d@%d  %s  key=%s\n", m.Topic, m.Partition, m.Offset, m.Time.Format(time.RFC3339Nano), printable(m.Key))
	for _, header := range m.Headers {
		fmt.Fprintf(w, "  %s: %s\n", header.Key, printable(header.Value))
	}
	fmt.Fprintf(w, "  %s\n\n", printable(m.Value))
}

// printable keeps text as it is and quotes what could play tricks on a terminal.
func printable(b []byte) string {
	for _, r := range string(b) {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return fmt.Sprintf("%q", b)
		}
	}
	return string(b)
}
