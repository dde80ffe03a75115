package kafka

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

// noteEvery is how often the database stores its positions. A crash in between makes redeliveries.
const noteEvery = 500 * time.Millisecond

// begin has the generation start where this database is: an empty one at the topics' beginning, and one
// restored from a backup where the backup was, although the group has committed more. It leaves lost
// partitions out. The generation goes on in that incarnation of the database alone.
func (c *Consumer) begin(ctx context.Context, generation *kafkago.Generation) (incarnation string) {
	doubted := false
	var failing reports
	wait.Until(ctx, 5*time.Second, func() (err error) {
		if incarnation, err = c.incarnation(ctx); err != nil {
			return err
		}
		ctx := pg.OnlyIn(ctx, incarnation)
		extents, err := c.cfg.extents(ctx)
		if err != nil {
			return err
		}
		if !doubted {
			_, lost, err := within(ctx, extents, c.cfg.Journal.Positions)
			if err != nil {
				return err
			}
			if doubted = slices.ContainsFunc(lost, isNew); doubted {
				// A partition that has just got another leader may look cut short for a moment.
				if !wait.Sleep(ctx, doubtFor) {
					return ctx.Err()
				}
				if extents, err = c.cfg.extents(ctx); err != nil {
					return err
				}
			}
		}
		next, lost, err := within(ctx, extents, c.cfg.Journal.StartPositions)
		if err != nil {
			return err
		}
		c.reportLost(lost)
		start(generation, next, extents)
		return nil
	}, func(err error, _ bool) {
		if ctx.Err() != nil {
			return
		}
		if c.setFault(err); failing.worth(err) {
			c.cfg.Log.Warn("finding out where to go on failed, and will be repeated", "error", err)
		}
	})
	return incarnation
}

func (c *Consumer) incarnation(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return c.cfg.DB.Incarnation(ctx)
}

// within asks the journal, for callWithin at most.
func within(ctx context.Context, extents map[journal.TopicPartition]journal.Extent,
	ask func(context.Context, map[journal.TopicPartition]journal.Extent) (map[journal.TopicPartition]int64, []journal.Lost, error),
) (next map[journal.TopicPartition]int64, lost []journal.Lost, err error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return ask(ctx, extents)
}

// start gives the generation's partitions their offsets, and leaves out those that have none. It never skips
// messages: if the group has committed less, or nothing, that counts.
func start(generation *kafkago.Generation, next map[journal.TopicPartition]int64, extents map[journal.TopicPartition]journal.Extent) {
	for topic, assigned := range generation.Assignments {
		received := make([]kafkago.PartitionAssignment, 0, len(assigned))
		for _, p := range assigned {
			tp := journal.TopicPartition{Topic: topic, Partition: p.ID}
			offset, known := next[tp]
			if !known {
				continue
			}
			p.Offset = max(min(p.Offset, offset), extents[tp].First)
			received = append(received, p)
		}
		generation.Assignments[topic] = received
	}
}

// noteProgress stores the positions in the database now and then, and once more when stop is called.
func (c *Consumer) noteProgress(ctx context.Context) (stop func()) {
	stopped := make(chan struct{})
	var noting sync.WaitGroup
	noted := map[journal.TopicPartition]int64{}
	note := func() {
		next := c.nextOffsets()
		if maps.Equal(next, noted) {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		if err := c.cfg.Journal.SavePositions(ctx, next); err != nil {
			c.cfg.Log.Debug("noting what was received failed, and will be repeated", "error", err)
			return
		}
		noted = next
	}
	noting.Go(func() {
		ticker := time.NewTicker(noteEvery)
		defer ticker.Stop()
		for {
			select {
			case <-stopped:
				note()
				return
			case <-ticker.C:
				note()
			}
		}
	})
	return func() {
		close(stopped)
		noting.Wait()
	}
}

// nextOffsets are the next offsets of the partitions assigned now.
func (c *Consumer) nextOffsets() map[journal.TopicPartition]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := maps.Clone(c.positions)
	maps.DeleteFunc(next, func(_ journal.TopicPartition, offset int64) bool {
		return offset < 0 // nothing was committed, and nothing has come
	})
	return next
}

// committer commits a generation's offsets beside the recording, so that no transaction waits for the broker.
// It makes one call at a time, always with the newest offsets. Messages whose offsets a crash leaves
// uncommitted are redelivered, and known.
type committer struct {
	generation *kafkago.Generation
	failed     func(error)
	changed    chan struct{}
	done       chan struct{}

	mu      sync.Mutex
	offsets map[string]map[int]int64
}

func newCommitter(generation *kafkago.Generation, failed func(error)) *committer {
	c := &committer{generation: generation, failed: failed, changed: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for range c.changed {
			c.commit()
		}
	}()
	return c
}

// recorded adds messages that are in the journal, each partition's in order.
func (c *committer) recorded(batch []kafkago.Message) {
	c.mu.Lock()
	if c.offsets == nil {
		c.offsets = map[string]map[int]int64{}
	}
	for _, m := range batch {
		if c.offsets[m.Topic] == nil {
			c.offsets[m.Topic] = map[int]int64{}
		}
		c.offsets[m.Topic][m.Partition] = m.Offset + 1
	}
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default: // the commit to come takes these too
	}
}

func (c *committer) commit() {
	c.mu.Lock()
	offsets := c.offsets
	c.offsets = nil
	c.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	if err := c.generation.CommitOffsets(offsets); err != nil {
		c.failed(err)
	}
}

// close commits what is left.
func (c *committer) close() {
	close(c.changed)
	<-c.done
}
