package brokers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/test/faultrun/fault"
)

// Faults are what happens to the brokers: one of them at a time, so that what is acknowledged has a replica
// that lives.
func (k *Kafka) Faults(*fault.Environment) []fault.Fault {
	const part = "kafka"
	list := []fault.Fault{
		{Kind: "broker killed", Part: part, For: [2]time.Duration{0, 8 * time.Second}, Break: k.one((*Kafka).kill)},
		{Kind: "broker stands still", Part: part, For: [2]time.Duration{time.Second, 12 * time.Second}, Break: k.one((*Kafka).pause)},
		{Kind: "broker restarted", Part: part, Break: k.one((*Kafka).restart)},
		{Kind: "leaders moved", Part: part, Break: k.moveLeaders},
	}
	if k.brokers[0].disk {
		list = append(list, fault.Fault{Kind: "broker's disk full", Part: part, For: [2]time.Duration{2 * time.Second, 8 * time.Second},
			Break: k.one((*Kafka).fillDisk)})
	}
	return list
}

type healing = func(context.Context) error

// one chooses the broker.
func (k *Kafka) one(do func(*Kafka, context.Context, *broker) (healing, error)) func(context.Context, *rand.Rand) (healing, error) {
	return func(ctx context.Context, rnd *rand.Rand) (healing, error) {
		return do(k, ctx, k.brokers[rnd.IntN(count)])
	}
}

func (k *Kafka) kill(_ context.Context, b *broker) (healing, error) {
	b.running.Kill()
	return func(ctx context.Context) error { return k.startAgain(ctx, b) }, nil
}

func (k *Kafka) startAgain(ctx context.Context, b *broker) error {
	if err := b.start(); err != nil {
		return err
	}
	return k.awaitJoined(ctx, b)
}

func (k *Kafka) pause(_ context.Context, b *broker) (healing, error) {
	if err := b.running.Signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return errors.Join(b.running.Signal(syscall.SIGCONT), k.awaitJoined(ctx, b))
	}, nil
}

// restart has a broker hand over what it leads before it stops.
func (k *Kafka) restart(ctx context.Context, b *broker) (healing, error) {
	stopped := b.running.End(syscall.SIGTERM, stopPatience)
	return nil, errors.Join(stopped, k.startAgain(ctx, b))
}

// moveLeaders puts the replicas of each partition into another order, and has the first of them lead.
func (k *Kafka) moveLeaders(ctx context.Context, rnd *rand.Rand) (healing, error) {
	client := k.client(nil)
	defer client.Transport.(*kafkago.Transport).CloseIdleConnections()
	known, err := client.Metadata(ctx, &kafkago.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	by := 1 + rnd.IntN(count-1)
	for _, topic := range known.Topics {
		moved := kafkago.AlterPartitionReassignmentsRequest{Topic: topic.Name, Timeout: 10 * time.Second}
		var partitions []int
		for _, partition := range topic.Partitions {
			ids := make([]int, len(partition.Replicas))
			for i, replica := range partition.Replicas {
				ids[(i+by)%len(ids)] = replica.ID
			}
			partitions = append(partitions, partition.ID)
			moved.Assignments = append(moved.Assignments, kafkago.AlterPartitionReassignmentsRequestAssignment{PartitionID: partition.ID, BrokerIDs: ids})
		}
		if err := move(ctx, client, &moved); err != nil {
			return nil, fmt.Errorf("move the leaders of %s: %w", topic.Name, err)
		}
		if err := elect(ctx, client, topic.Name, partitions); err != nil {
			return nil, fmt.Errorf("elect the leaders of %s: %w", topic.Name, err)
		}
	}
	return nil, nil
}

func move(ctx context.Context, client *kafkago.Client, to *kafkago.AlterPartitionReassignmentsRequest) error {
	answer, err := client.AlterPartitionReassignments(ctx, to)
	if err != nil {
		return err
	}
	errs := []error{answer.Error}
	for _, result := range answer.PartitionResults {
		errs = append(errs, result.Error)
	}
	return errors.Join(errs...)
}

func elect(ctx context.Context, client *kafkago.Client, topic string, partitions []int) error {
	answer, err := client.ElectLeaders(ctx, &kafkago.ElectLeadersRequest{Topic: topic, Partitions: partitions, Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	errs := []error{answer.Error}
	for _, result := range answer.PartitionResults {
		// What leads already, or whose new order is on its way yet, is no failure: others have moved.
		passes := []error{kafkago.ElectionNotNeeded, kafkago.PreferredLeaderNotAvailable}
		if !slices.ContainsFunc(passes, func(known error) bool { return errors.Is(result.Error, known) }) {
			errs = append(errs, result.Error)
		}
	}
	return errors.Join(errs...)
}
