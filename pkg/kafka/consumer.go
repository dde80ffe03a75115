package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

const (
	// inbox.BatchMessages and batchBytes bound a batch, which is one transaction. When far behind, a batch
	// grows to catchUpMessages and is split into several parallel transactions: the events of one stream lie
	// apart, and each transaction reads every stream that it changes.
	catchUpMessages = 8_000
	batchBytes      = 8 << 20

	// gatherFor is how long to wait for messages that the broker has said are there.
	gatherFor = 4 * time.Millisecond

	// After a transaction, messages are gathered for as long as it took, restAtMost at most: a message that
	// comes alone is recorded at once, and under load a transaction holds what came in a while.
	restAtMost = 20 * time.Millisecond

	// recordGrace is how long a transaction under way may go on when the generation has ended.
	recordGrace = 10 * time.Second

	// recordWithin, and recordEach for each message, are how long recording a batch may take at the first
	// attempt.
	recordWithin = 10 * time.Second
	recordEach   = 10 * time.Millisecond

	// callWithin bounds every other call to the database.
	callWithin = 10 * time.Second
)

// ConsumerConfig is what a consumer needs.
type ConsumerConfig struct {
	inbox.Config
	Client *Client
	// Group is the consumer group: the service's name.
	Group string
}

// checkTopics asks the brokers, once, whether the topics are there and may be read.
func (c ConsumerConfig) checkTopics(ctx context.Context) error {
	return c.Client.checkTopics(ctx, kafkago.ACLOperationTypeRead, c.topicNames()...)
}

// Consumer consumes topics and records what they hold. Replicas share the partitions.
type Consumer struct {
	cfg      ConsumerConfig
	recorder *inbox.Recorder

	mu        sync.Mutex
	fault     error                            // why nothing is received now, if so
	positions map[journal.TopicPartition]int64 // what is recorded, of the partitions assigned now
	lost      []journal.Lost                   // what is not received until an operator has said from where
}

// topicNames are those of what is received.
func (c ConsumerConfig) topicNames() []string { return Names(c.Topics) }

// NewConsumer returns a consumer; Run runs it.
func NewConsumer(cfg ConsumerConfig) *Consumer {
	return &Consumer{cfg: cfg, recorder: inbox.NewRecorder(cfg.Config), fault: errors.New("has not met the brokers yet")}
}

// Run consumes until ctx ends, and then returns nil. The only other reason to return is
// journal.ErrOtherCluster. It waits for brokers or a database that are away.
func (c *Consumer) Run(ctx context.Context) error {
	if err := c.checkCluster(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	c.awaitTopics(ctx) // joining without them would be joining for nothing
	if ctx.Err() != nil {
		return nil
	}
	group, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: c.cfg.Group, Brokers: c.cfg.Client.brokers, Dialer: c.cfg.Client.dialer, Topics: c.cfg.topicNames(),
		StartOffset:       kafkago.FirstOffset,
		HeartbeatInterval: time.Second,      // how soon a rebalance is noticed
		SessionTimeout:    10 * time.Second, // how long the partitions of one killed are not received
		JoinGroupBackoff:  500 * time.Millisecond,
		// A topic that is deleted and recreated ends the generation, which held partitions of the old one.
		WatchPartitionChanges: true, PartitionWatchInterval: time.Second,
	})
	if err != nil {
		return fmt.Errorf("configure the consumer group: %w", err)
	}
	defer func() { _ = group.Close() }() // ends the generation, waits for it, and leaves the group

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var failing reports
	left := false // the last generation, since it held nothing of a topic
	leave := func(generation *kafkago.Generation) { generation.Start(func(context.Context) {}) }
	for ctx.Err() == nil {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			level := slog.LevelDebug
			if !errors.Is(err, kafkago.RebalanceInProgress) { // which is how a group lives
				if c.setFault(err); failing.worth(err) {
					level = slog.LevelWarn
				}
			}
			c.cfg.Log.Log(ctx, level, "joining the consumer group failed, and will be repeated", "error", err)
		}
		// The brokers may be others than before, whenever the group has to be joined again.
		if err := c.checkCluster(ctx); err != nil {
			stop(err)
			break
		}
		if c.awaitTopics(ctx) { // the generation was given nothing of the topic that was not there
			if left = false; generation != nil {
				leave(generation)
			}
			continue
		}
		if generation != nil {
			// A generation that holds nothing of a topic may have been formed before the topic was there. If
			// the next generation holds nothing of it either, other replicas hold all its partitions.
			all := c.holdsOfAll(generation)
			if !all && !left {
				left = true
				leave(generation)
				continue
			}
			left = !all
			incarnation := c.begin(ctx, generation)
			c.setFault(nil)
			if failing.over() {
				c.cfg.Log.Info("joining the consumer group works again")
			}
			generation.Start(func(ctx context.Context) {
				c.consume(pg.OnlyIn(ctx, incarnation), generation)
			})
		}
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (c *Consumer) checkCluster(ctx context.Context) error {
	return checkCluster(ctx, c.cfg.Client, c.cfg.Journal, c.cfg.Log, func(err error) {
		if err != nil { // that they answer is not yet receiving: only a generation is
			c.setFault(err)
		}
	})
}

// awaitTopics waits until every topic is there and may be read, and reports whether it had to. A group that
// is joined before gives out no partitions, and kafka-go's watcher then ends generation after generation.
func (c *Consumer) awaitTopics(ctx context.Context) (waited bool) {
	var failing reports
	wait.Until(ctx, time.Second, func() error { return c.cfg.checkTopics(ctx) }, func(err error, _ bool) {
		if ctx.Err() != nil {
			return
		}
		c.setFault(err)
		if waited = true; failing.worth(err) {
			c.cfg.Log.Warn("waiting for topics", "error", err)
		}
	})
	if failing.over() && ctx.Err() == nil {
		c.cfg.Log.Info("the topics are there")
	}
	return waited
}

// holdsOfAll reports whether the generation was given partitions of every topic.
func (c *Consumer) holdsOfAll(generation *kafkago.Generation) bool {
	return !slices.ContainsFunc(c.cfg.topicNames(), func(topic string) bool { return len(generation.Assignments[topic]) == 0 })
}

// Healthy returns why the service does not consume its topics, if it does not.
func (c *Consumer) Healthy() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault == nil && len(c.lost) > 0 {
		return &journal.LostError{Lost: c.lost}
	}
	return c.fault
}

func (c *Consumer) setFault(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = err
}

// consume is one generation of the group: the partitions are ours until ctx ends.
func (c *Consumer) consume(ctx context.Context, generation *kafkago.Generation) {
	work, cancel := graceful(ctx, recordGrace)
	defer cancel()
	fetching, stopFetching := context.WithCancel(ctx)
	arrived := make(chan kafkago.Message, inbox.BatchMessages)
	var readers sync.WaitGroup
	c.assign(generation)
	for topic, assigned := range generation.Assignments {
		for _, partition := range assigned {
			readers.Go(func() { c.fetch(fetching, stopFetching, topic, partition, arrived) })
		}
	}
	readers.Go(func() { c.watchPositions(fetching, stopFetching) })
	commits := newCommitter(generation, func(err error) {
		c.cfg.Log.Debug("committing offsets failed: what was recorded will come again", "error", err)
		stopFetching() // the generation is most likely over; joining again will show
	})
	defer c.noteProgress(work)()
	defer readers.Wait()
	defer commits.close() // the last offsets, while the generation's connection is open
	defer stopFetching()

	var rested time.Time
	for limit := inbox.BatchMessages; ; {
		batch := gather(fetching, arrived, rested, limit)
		if len(batch) == 0 {
			return
		}
		began := time.Now()
		if !c.recordTraced(fetching, work, stopFetching, batch) {
			return
		}
		commits.recorded(batch)
		c.advance(batch)
		rested = time.Now().Add(min(time.Since(began), restAtMost))
		if limit = inbox.BatchMessages; len(batch) >= limit {
			limit = min(2*len(batch), catchUpMessages)
		}
	}
}

// recordAll records the batch, and repeats that while the generation lasts; false if it ended before. A
// transaction under way when it ends is finished first. It ends the generation where the database is no
// longer the one that it began in: that may lack what came before the batch, and the next generation finds
// out.
func (c *Consumer) recordAll(ctx, work context.Context, end func(), batch []kafkago.Message) (recorded bool) {
	left := pg.Column(batch, received)
	attempt := 0
	recorded = wait.Until(ctx, 5*time.Second, func() (err error) {
		attempt++
		left, err = c.recordWithin(work, left, attempt)
		return err
	}, func(err error, first bool) {
		if first {
			c.cfg.Log.Warn("recording failed, and will be repeated", "error", err)
		}
		c.setFault(err) // nothing is received meanwhile
		if errors.Is(err, pg.ErrReplaced) {
			end()
		}
	})
	if recorded && attempt > 1 {
		c.setFault(nil)
		c.cfg.Log.Info("recording works again", "attempts", attempt)
	}
	return recorded
}

// recordWithin gives the database a while, and longer with each attempt: the database may be slow, or the
// connection may have failed silently, and the next attempt gets another one.
func (c *Consumer) recordWithin(ctx context.Context, batch []inbox.Message, attempt int) ([]inbox.Message, error) {
	within := recordWithin + time.Duration(len(batch))*recordEach
	ctx, cancel := context.WithTimeout(ctx, within*time.Duration(min(attempt, 6)))
	defer cancel()
	return c.recorder.Record(ctx, batch)
}

// fetch passes on a partition's messages, in order. If they do not go on as they should, it calls doubt, and
// the next generation finds out where the partition is.
func (c *Consumer) fetch(ctx context.Context, doubt func(), topic string, p kafkago.PartitionAssignment, arrived chan<- kafkago.Message) {
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: c.cfg.Client.brokers, Dialer: c.cfg.Client.dialer, Topic: topic, Partition: p.ID,
		MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 250 * time.Millisecond,
		ReadBackoffMin: 20 * time.Millisecond, ReadBackoffMax: time.Second, ReadLagInterval: -1,
		OffsetOutOfRangeError: true, // else it waits until the partition has grown again, and goes on in the middle
	})
	defer func() { _ = reader.Close() }()
	if err := reader.SetOffset(p.Offset); err != nil {
		return // closed
	}
	for next := p.Offset; ; {
		m, err := reader.FetchMessage(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, kafkago.TopicAuthorizationFailed) {
			c.setFault(err) // the next generation waits until it is allowed
		}
		if errors.Is(err, kafkago.OffsetOutOfRange) || errors.Is(err, kafkago.TopicAuthorizationFailed) || err == nil && c.skips(ctx, m, next) {
			doubt()
			return
		}
		if err != nil {
			c.cfg.Log.Debug("fetching failed, and will be repeated", "topic", topic, "partition", p.ID, "error", err)
			if !wait.Sleep(ctx, 100*time.Millisecond) {
				return
			}
			continue
		}
		select {
		case arrived <- m:
			next = m.Offset + 1
		case <-ctx.Done():
			return
		}
	}
}

// gather waits for a message and returns it with all that have arrived, limit messages at most. It goes on
// gathering until rested, and waits a moment for messages that the broker has announced. It returns nothing
// when ctx ends.
func gather(ctx context.Context, arrived <-chan kafkago.Message, rested time.Time, limit int) []kafkago.Message {
	var batch []kafkago.Message
	behind := map[journal.TopicPartition]bool{}
	size := 0
	add := func(m kafkago.Message) {
		batch = append(batch, m)
		size += sizeOf(m)
		if tp := partitionOf(m); m.Offset+1 < m.HighWaterMark {
			behind[tp] = true
		} else {
			delete(behind, tp)
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case m := <-arrived:
		add(m)
	}
	var patience <-chan time.Time
	for len(batch) < limit && size < batchBytes {
		select {
		case m := <-arrived:
			add(m)
			continue
		default:
		}
		rest := time.Until(rested)
		if len(behind) == 0 && rest <= 0 {
			return batch
		}
		if len(behind) > 0 {
			rest = max(rest, gatherFor)
		}
		if patience == nil {
			patience = time.After(rest)
		}
		select {
		case m := <-arrived:
			add(m)
		case <-patience:
			return batch
		case <-ctx.Done():
			return nil
		}
	}
	return batch
}

func partitionOf(m kafkago.Message) journal.TopicPartition {
	return journal.TopicPartition{Topic: m.Topic, Partition: m.Partition}
}

// assign remembers the generation's partitions and where they begin.
func (c *Consumer) assign(generation *kafkago.Generation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.positions = map[journal.TopicPartition]int64{}
	for topic, assigned := range generation.Assignments {
		for _, p := range assigned {
			c.positions[journal.TopicPartition{Topic: topic, Partition: p.ID}] = p.Offset
		}
	}
}

// advance remembers what is recorded.
func (c *Consumer) advance(batch []kafkago.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range batch {
		c.positions[partitionOf(m)] = m.Offset + 1
	}
}
