package kafka

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/telemetry"
)

// Collectors are the relay's metrics: what it has published and what waits.
func (r *Relay) Collectors() []prometheus.Collector {
	backlog := telemetry.Gauges{
		Descriptions: []*prometheus.Desc{
			telemetry.Description("outbox_events", "Events written and not acknowledged by Kafka."),
			telemetry.Description("outbox_age_seconds", "Age of the oldest of them; 0 when none waits."),
			telemetry.Description("unpushed_changes", "Changes not pushed to open pages."),
		},
		Read: func(ctx context.Context, emit func(int, float64, ...string)) {
			b, err := r.cfg.Journal.Backlog(ctx)
			if err != nil {
				return
			}
			age := 0.0
			if !b.OutboxSince.IsZero() {
				age = time.Since(b.OutboxSince).Seconds()
			}
			emit(0, float64(b.Outbox))
			emit(1, age)
			emit(2, float64(b.Unpushed))
		},
	}
	return []prometheus.Collector{r.published, r.failures, backlog, deniedGauge("publish", r.Healthy)}
}

// Collectors are the consumer's metrics: what became of messages, what lies ahead, and the
// dead letters.
func (c *Consumer) Collectors() []prometheus.Collector {
	lag := telemetry.Gauges{
		Descriptions: []*prometheus.Desc{
			telemetry.Description("consumer_lag_messages", "Messages not recorded yet, of the partitions assigned to this process.", "topic", "partition"),
		},
		Read: func(ctx context.Context, emit func(int, float64, ...string)) {
			for tp, n := range c.lag(ctx) {
				emit(0, float64(n), tp.Topic, strconv.Itoa(tp.Partition))
			}
		},
	}
	behind := telemetry.Gauges{
		Descriptions: []*prometheus.Desc{
			telemetry.Description("catching_up_events", "Events to receive until copies made from the topics have caught up; 0 once they have."),
			telemetry.Description("catching_up_events_per_second", "How fast they are received."),
		},
		Read: func(ctx context.Context, emit func(int, float64, ...string)) {
			progress, behind, err := c.cfg.Journal.CatchingUp(ctx)
			switch {
			case err != nil:
			case behind:
				emit(0, float64(progress.Of-progress.Done))
				emit(1, progress.Rate)
			default:
				emit(0, 0)
				emit(1, 0)
			}
		},
	}
	return append(c.recorder.Collectors(), lag, behind, deniedGauge("receive", c.Healthy))
}

// lag is how many messages are not recorded, of each assigned partition.
func (c *Consumer) lag(ctx context.Context) map[journal.TopicPartition]int64 {
	lag := map[journal.TopicPartition]int64{}
	for tp, s := range c.Standing(ctx) {
		lag[tp] = max(0, s.End-s.Next)
	}
	return lag
}

// Standing asks the brokers where the assigned partitions end, and says how far they are recorded. It is nil
// while nothing is received.
func (c *Consumer) Standing(ctx context.Context) map[journal.TopicPartition]journal.Standing {
	if c.Healthy() != nil {
		return nil
	}
	partitions, err := c.cfg.Client.Offsets(ctx, "", c.cfg.topicNames()...)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	standing := map[journal.TopicPartition]journal.Standing{}
	for _, p := range partitions {
		tp := journal.TopicPartition{Topic: p.Topic, Partition: p.ID}
		if position, ok := c.positions[tp]; ok {
			standing[tp] = journal.Standing{Next: max(p.First, position), End: p.End}
		}
	}
	return standing
}
