package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/wait"
	"countersign.example/test/faultrun/fault"
	"countersign.example/test/testsystem"
)

// strangers is how many come and go in a consumer group at once.
const strangers = 2

// groupFaults have strangers join and leave each service's consumer group again and again, so that its
// partitions are divided each time. What a stranger holds nobody receives meanwhile.
func (s *system) groupFaults() (faults []fault.Fault) {
	for _, service := range clients {
		faults = append(faults, fault.Fault{
			Kind: "rebalance storm", Part: "group of " + service, For: [2]time.Duration{3 * time.Second, 10 * time.Second},
			Break: func(ctx context.Context, luck *rand.Rand) (func(context.Context) error, error) {
				storming, stop := context.WithCancel(context.WithoutCancel(ctx))
				var storm sync.WaitGroup
				var joined atomic.Int32
				for range strangers {
					own := rand.New(rand.NewPCG(luck.Uint64(), 0))
					storm.Go(func() { s.comeAndGo(storming, service, own, &joined) })
				}
				return func(ctx context.Context) error {
					defer storm.Wait()
					defer stop()
					for joined.Load() == 0 { // brokers may be broken, too
						if !wait.Sleep(ctx, 100*time.Millisecond) {
							return ctx.Err()
						}
					}
					return nil
				}, nil
			},
		})
	}
	return faults
}

// comeAndGo joins a group, stays a moment, and leaves it, until ctx ends.
func (s *system) comeAndGo(ctx context.Context, group string, luck *rand.Rand, joined *atomic.Int32) {
	for wait.Sleep(ctx, time.Duration(luck.IntN(500))*time.Millisecond) {
		member, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{ID: group, Brokers: s.Parts.Connection.KafkaBrokers,
			Topics: testsystem.Consumed[group], HeartbeatInterval: 200 * time.Millisecond, SessionTimeout: 10 * time.Second, JoinGroupBackoff: 200 * time.Millisecond})
		if err != nil {
			panic(err) // only for settings that make no sense
		}
		patience, cancel := context.WithTimeout(ctx, 15*time.Second)
		if _, err := member.Next(patience); err == nil {
			joined.Add(1)
			wait.Sleep(ctx, time.Duration(luck.IntN(1000))*time.Millisecond)
		}
		cancel()
		_ = member.Close()
	}
}
