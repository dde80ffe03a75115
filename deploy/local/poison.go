package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/manager-ui/people"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/schema"
	"countersign.example/pkg/signing"
)

// poison publishes an event that manager-ui has signed, and whose data nobody can use. It is about nobody, so
// that nothing real waits behind it.
func poison(ctx context.Context, keys string, brokers []string) error {
	quiet := slog.New(slog.DiscardHandler)
	trusted, err := signing.OpenKeys(signing.TrustFile(keys), quiet)
	if err != nil {
		return err
	}
	signer, err := signing.OpenSigner(signing.KeyFile(keys, "/"+managerUI.name), "/"+managerUI.name, trusted, quiet)
	if err != nil {
		return err
	}
	e := event.Event{ID: event.NewID(), Type: people.TypeSeenByManagerUI, Source: "/" + managerUI.name, Subject: uuid.NewString(), Time: time.Now().UTC(),
		DataSchema: schema.URI(people.TypeSeenByManagerUI), Data: json.RawMessage(`{"person_id": 7, "name": "nobody"}`)}
	e.CorrelationID = e.ID.String()
	message := kafka.Encode(people.Events.Name, e)
	if err := kafka.Sign(&message, signer); err != nil {
		return fmt.Errorf("sign the event: %w", err)
	}
	writer := &kafkago.Writer{Addr: kafkago.TCP(brokers...), Balancer: kafkago.Murmur2Balancer{}, RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond}
	defer func() { _ = writer.Close() }()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := writer.WriteMessages(ctx, message); err != nil {
		return fmt.Errorf("publish the event: %w", err)
	}
	return nil
}
