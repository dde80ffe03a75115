package kafka

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrapeTimeout bounds what a scrape asks of the database or the brokers. What cannot be had
// in time is left out.
const scrapeTimeout = 2 * time.Second

// gauges are read when they are scraped.
type gauges struct {
	descriptions []*prometheus.Desc
	read         func(ctx context.Context, emit func(description int, value float64, labels ...string))
}

func (g gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range g.descriptions {
		ch <- d
	}
}

func (g gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	g.read(ctx, func(description int, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(g.descriptions[description], prometheus.GaugeValue, value, labels...)
	})
}

func description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Collectors are the relay's metrics: what it has published and what waits.
func (r *Relay) Collectors() []prometheus.Collector {
	backlog := gauges{
		descriptions: []*prometheus.Desc{
			description("outbox_events", "Events written and not acknowledged by Kafka."),
			description("outbox_age_seconds", "Age of the oldest of them; 0 when none waits."),
			description("unpushed_changes", "Changes not pushed to open pages."),
		},
		read: func(ctx context.Context, emit func(int, float64, ...string)) {
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
	return []prometheus.Collector{r.published, r.failures, backlog}
}

// countDeadLetters reads those that wait, and no others.
const countDeadLetters = `select count(*) filter (where kind = 'malformed'), count(*) filter (where kind = 'poison'),
	count(*) filter (where kind = 'parked'), count(*) filter (where kind = 'refused'), (select count(*) from parked_keys),
	(select count(*) ` + fromStranded + `) from dead_letters where state = 'waiting'`

// Collectors are the consumer's metrics: what became of messages, what lies ahead, and the
// dead letters.
func (c *Consumer) Collectors() []prometheus.Collector {
	lag := gauges{
		descriptions: []*prometheus.Desc{
			description("consumer_lag_messages", "Messages not recorded yet, of the partitions assigned to this process.", "topic", "partition"),
		},
		read: func(ctx context.Context, emit func(int, float64, ...string)) {
			for tp, n := range c.lag(ctx) {
				emit(0, float64(n), tp.topic, strconv.Itoa(tp.partition))
			}
		},
	}
	deadLetters := gauges{
		descriptions: []*prometheus.Desc{
			description("dead_letters", "Dead letters that wait.", "kind"),
			description("parked_keys", "Keys whose events wait behind a poison letter."),
			description("stranded_keys", "Keys that are parked although no poison letter holds them; `dead-letters free` frees them."),
		},
		read: func(ctx context.Context, emit func(int, float64, ...string)) {
			var malformed, poison, parked, refused, keys, stranded int64
			err := c.cfg.DB.Pool().QueryRow(ctx, countDeadLetters).Scan(&malformed, &poison, &parked, &refused, &keys, &stranded)
			if err != nil {
				return
			}
			emit(0, float64(malformed), string(Malformed))
			emit(0, float64(poison), string(Poison))
			emit(0, float64(parked), string(Parked))
			emit(0, float64(refused), string(Refused))
			emit(1, float64(keys-stranded))
			emit(2, float64(stranded))
		},
	}
	behind := gauges{
		descriptions: []*prometheus.Desc{
			description("catching_up_events", "Events to hear until copies made from the topics have caught up; 0 once they have."),
			description("catching_up_events_per_second", "How fast they are being heard."),
		},
		read: func(ctx context.Context, emit func(int, float64, ...string)) {
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
	return []prometheus.Collector{c.recorder.outcomes, c.recorder.refused, lag, deadLetters, behind}
}

// lag asks the brokers where the assigned partitions end.
func (c *Consumer) lag(ctx context.Context) map[topicPartition]int64 {
	if c.Healthy() != nil {
		return nil
	}
	partitions, err := c.cfg.Client.Offsets(ctx, "", c.cfg.topicNames()...)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	lag := map[topicPartition]int64{}
	for _, p := range partitions {
		tp := topicPartition{p.Topic, p.ID}
		if position, ok := c.positions[tp]; ok {
			lag[tp] = max(0, p.End-max(p.First, position))
		}
	}
	return lag
}
