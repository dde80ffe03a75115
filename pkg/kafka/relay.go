package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/signing"
	"countersign.example/pkg/tracing"
	"countersign.example/pkg/wait"
)

const (
	// relayRows and relayBytes bound what the relay publishes in one call. A partition's share of it
	// is one batch, which must stay under the brokers' default limit of 1 MiB; an event that is
	// larger by itself goes alone.
	relayRows  = 1_000
	relayBytes = 900_000

	// relayPoll is the safety net under the notifications.
	relayPoll = 1500 * time.Millisecond

	// writeGrace is how long a call under way may go on when the service stops.
	writeGrace = 5 * time.Second

	// writeWithin bounds a call to the brokers, its second attempt included.
	writeWithin = 30 * time.Second
)

// RelayConfig is what a relay needs.
type RelayConfig struct {
	Client  *Client
	DB      *pg.DB
	Journal *journal.Journal
	// Topics are those that the service writes to. An event goes to the one with its stream's prefix.
	Topics []event.Topic
	// Signer signs what is published, as it is published; nil leaves that out.
	Signer *signing.Signer
	Log    *slog.Logger
}

// Relay publishes what the outbox lists, and notices of new dead letters. One of a service's
// replicas does so at a time; two, for a moment, only make duplicates.
type Relay struct {
	cfg       RelayConfig
	published prometheus.Counter
	failures  prometheus.Counter
	sum       atomic.Int64 // of what is published

	mu    sync.Mutex
	fault error // of the last contact with the brokers
}

// NewRelay returns a relay; Run runs it.
func NewRelay(cfg RelayConfig) *Relay {
	return &Relay{
		cfg: cfg,
		published: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "relay_published_total", Help: "Events that Kafka has acknowledged.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "relay_failures_total", Help: "Attempts to publish that failed and are repeated.",
		}),
	}
}

// Run publishes until ctx ends, and then returns nil. The only other reason to return is
// journal.ErrOtherCluster. It waits for brokers or a database that are away.
func (r *Relay) Run(ctx context.Context) error {
	if err := checkCluster(ctx, r.cfg.Client, r.cfg.Journal, r.cfg.Log, r.setFault); err != nil || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Duplicates are all that a relay of the past makes.
	_ = r.cfg.DB.Lead(ctx, "relay", func(ctx context.Context, _ pg.Lease) error {
		err := r.lead(ctx)
		r.setFault(nil) // another replica may lead now, and nothing here would notice that it can
		if errors.Is(err, journal.ErrOtherCluster) {
			cancel(err)
		}
		return err
	})
	if err := context.Cause(ctx); errors.Is(err, journal.ErrOtherCluster) {
		return err
	}
	return nil
}

// Published is how many events this process has published.
func (r *Relay) Published() int64 { return r.sum.Load() }

// Healthy returns why the last contact with the brokers failed, if it did.
func (r *Relay) Healthy() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fault
}

func (r *Relay) setFault(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = err
}

// lead publishes until ctx ends. Commits that add to the outbox notify it.
func (r *Relay) lead(ctx context.Context) error {
	writer := r.cfg.Client.newWriter()
	defer func() { _ = writer.Close() }()
	notified, stop := r.cfg.DB.Notifications(ctx, journal.OutboxChannel)
	defer stop()

	poll := time.NewTicker(relayPoll)
	defer poll.Stop()
	pause := wait.BackOff(5 * time.Second)
	polled := false
	var failing reports
	for {
		err := r.drain(ctx, writer)
		if err == nil && polled {
			err = r.drainNotices(ctx, writer)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			r.failures.Inc()
			if failing.worth(err) {
				r.cfg.Log.Warn("publishing failed, and will be repeated", "error", err)
			}
			if err := r.recover(ctx, pause); err != nil {
				return err
			}
			continue
		case failing.over():
			r.setFault(nil) // another replica may have published what this one could not
			r.cfg.Log.Info("publishing goes on")
		}
		pause.Reset()
		polled = false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-notified:
		case <-poll.C:
			polled = true
		}
	}
}

// recover waits after a failure, and looks whether the brokers are still the ones we know.
func (r *Relay) recover(ctx context.Context, pause *backoff.ExponentialBackOff) error {
	if !wait.Sleep(ctx, pause.NextBackOff()) {
		return ctx.Err()
	}
	id, err := r.cfg.Client.ClusterID(ctx)
	if err != nil {
		r.setFault(err)
		return nil // away: the next attempt will show
	}
	if err := checkClusterWithin(ctx, r.cfg.Journal, id); errors.Is(err, journal.ErrOtherCluster) {
		return err
	}
	return nil
}

// drain publishes until the outbox is empty. If it was empty at first, then notices of dead letters were the
// reason to look, and it publishes them; otherwise they wait for the next poll.
func (r *Relay) drain(ctx context.Context, writer *kafkago.Writer) error {
	limit := relayRows
	for ctx.Err() == nil {
		batch, err := r.nextBatch(ctx, limit)
		if err != nil {
			return err
		}
		if len(batch.positions) == 0 {
			return r.drainNotices(ctx, writer)
		}
		if err := r.publish(ctx, writer, batch); err != nil {
			return err
		}
		if !batch.cut && len(batch.positions) < limit {
			return nil // what was added meanwhile has notified us again
		}
		// Large events: do not read a thousand of them again to publish the first few.
		limit = relayRows
		if batch.cut {
			limit = len(batch.positions) + 1
		}
	}
	return ctx.Err()
}

// publish writes what was taken, in one call, and takes off the list what was acknowledged.
func (r *Relay) publish(ctx context.Context, writer *kafkago.Writer, t outboxBatch) (err error) {
	ctx, end := tracing.Batch(ctx, tracing.Producer, tracing.PublishBatch, len(t.messages), t.traced)
	defer func() { end(err) }()
	acknowledged, err := r.write(ctx, writer, t.messages)
	if len(acknowledged) == 0 {
		return err
	}
	done := pg.Column(acknowledged, func(n int) int64 { return t.positions[n] })
	r.published.Add(float64(len(done)))
	r.sum.Add(int64(len(done)))
	// Also when the service is stopping: what is left on the list is published again.
	deleteCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeGrace)
	defer cancel()
	return errors.Join(err, r.cfg.Journal.Published(deleteCtx, done))
}

// write returns the indexes of the messages that were acknowledged, and an error unless all were.
func (r *Relay) write(ctx context.Context, writer *kafkago.Writer, messages []kafkago.Message) ([]int, error) {
	writeCtx, cancel := graceful(ctx, writeGrace)
	defer cancel()
	writeCtx, cancelWrite := context.WithTimeout(writeCtx, writeWithin)
	defer cancelWrite()
	acknowledged, err := written(messages, writer.WriteMessages(writeCtx, messages...))
	if err != nil {
		topics := pg.Column(messages, func(m kafkago.Message) string { return m.Topic })
		slices.Sort(topics)
		err = r.cfg.Client.explained(ctx, err, kafkago.ACLOperationTypeWrite, slices.Compact(topics)...)
	}
	r.setFault(err)
	return acknowledged, err
}

// written makes that of what kafka-go's writer has returned.
func written(messages []kafkago.Message, err error) ([]int, error) {
	failed, ok := errors.AsType[kafkago.WriteErrors](err)
	if err != nil && !ok {
		return nil, fmt.Errorf("publish: %w", err)
	}
	acknowledged := make([]int, 0, len(messages))
	var first error
	for i := range messages {
		if ok && failed[i] != nil {
			if first == nil {
				first = fmt.Errorf("publish to %s: %w", messages[i].Topic, failed[i])
			}
			continue
		}
		acknowledged = append(acknowledged, i)
	}
	return acknowledged, first
}

// newWriter returns a writer for one call at a time. Its batch sizes exceed what the relay writes in a call,
// so that each partition gets one batch: kafka-go would write a second batch of a partition after the first
// has failed, which reorders keys.
func (c *Client) newWriter() *kafkago.Writer {
	return &kafkago.Writer{
		Addr:         kafkago.TCP(c.brokers...),
		Balancer:     kafkago.Murmur2Balancer{},
		RequiredAcks: kafkago.RequireAll, // the zero value is none
		BatchSize:    relayRows + 1,
		BatchBytes:   2 * maxMessageBytes,
		BatchTimeout: time.Millisecond, // a call always waits this long, since no batch is ever full
		MaxAttempts:  2,
		WriteTimeout: 10 * time.Second,
		ReadTimeout:  10 * time.Second,
		Transport:    c.transport,
	}
}

// checkCluster waits for the brokers, and checks that they are the journal's cluster.
func checkCluster(ctx context.Context, client *Client, j *journal.Journal, log *slog.Logger, contact func(error)) error {
	var other error
	var failing reports
	wait.Until(ctx, 2*time.Second, func() error {
		id, err := client.ClusterID(ctx)
		contact(err)
		if err == nil {
			err = checkClusterWithin(ctx, j, id)
		}
		if errors.Is(err, journal.ErrOtherCluster) {
			other, err = err, nil
		}
		return err
	}, func(err error, _ bool) {
		if ctx.Err() == nil && failing.worth(err) {
			log.Warn("waiting for Kafka", "error", err)
		}
	})
	return other
}

func checkClusterWithin(ctx context.Context, j *journal.Journal, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return j.CheckCluster(ctx, id)
}

// graceful returns a context that ends a while after ctx has ended, for work that had better
// be finished than cut.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	outlives, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return outlives, func() { stop(); cancel() }
}
