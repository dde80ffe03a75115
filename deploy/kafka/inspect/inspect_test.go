package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"countersign.example/pkg/embedded"
	"countersign.example/pkg/kafka/connection"
)

// given starts a broker with a topic of two partitions and one message in it.
func given(t *testing.T) (*kafka.Client, *kafka.Dialer, string) {
	t.Helper()
	broker, err := embedded.Kafka("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	client, dialer := open(connection.Plaintext(broker.Addr()))
	if _, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: "payments", NumPartitions: 2, ReplicationFactor: 1}},
	}); err != nil {
		t.Fatal(err)
	}
	writer := &kafka.Writer{Addr: client.Addr, Topic: "payments", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	defer writer.Close()
	if err := writer.WriteMessages(t.Context(), kafka.Message{
		Key: []byte("p1"), Value: []byte("{\"a\":\"\x1b[2J\"}"),
		Headers: []kafka.Header{{Key: "ce_type", Value: []byte("payment_requested")}},
	}); err != nil {
		t.Fatal(err)
	}
	return client, dialer, broker.Addr()
}

func TestTopicsShowsOffsetsAndLag(t *testing.T) {
	client, _, addr := given(t)
	// given a group that has read the message
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: "payments", GroupID: "manager-ui", MaxWait: 100 * time.Millisecond, StartOffset: kafka.FirstOffset})
	if _, err := reader.ReadMessage(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}

	var page bytes.Buffer
	if err := topics(t.Context(), client, &page); err != nil {
		t.Fatal(err)
	}

	for _, line := range []string{`payments +[01] +0 +1 +1`, `payments +[01] +0 +0 +0`, `manager-ui +payments +[01] +1 +0`} {
		if !regexp.MustCompile(line).MatchString(page.String()) {
			t.Errorf("no line like %q in\n%s", line, page.String())
		}
	}
}

func TestTailShowsHeadersAndDisarmsTheValue(t *testing.T) {
	client, dialer, _ := given(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, in := io.Pipe()
	go func() { _ = in.CloseWithError(tail(ctx, client, dialer, "payments", true, in)) }()

	var page strings.Builder
	buffer := make([]byte, 1024)
	for !strings.Contains(page.String(), "2J") {
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatalf("%v after:\n%s", err, page.String())
		}
		page.Write(buffer[:n])
	}
	cancel()
	if !strings.Contains(page.String(), "ce_type: payment_requested") || !strings.Contains(page.String(), "key=p1") {
		t.Errorf("headers or key are missing:\n%s", page.String())
	}
	if strings.Contains(page.String(), "\x1b") {
		t.Error("a control sequence reached the terminal")
	}
}

func TestTailOfNoTopicSaysWhichThereAre(t *testing.T) {
	client, dialer, _ := given(t)
	err := tail(t.Context(), client, dialer, "paymants", false, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "payments") {
		t.Errorf("got %v", err)
	}
}
