package kafka

import (
	"context"
	"maps"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/journal"
)

// noteEvery is how often the database is told how far it has heard. A crash in between makes redeliveries.
const noteEvery = 500 * time.Millisecond

// begin has the generation start where this database is: an empty one at the topics' beginning, and one restored from a backup
// where the backup was, although the group has committed more.
func (c *Consumer) begin(ctx context.Context, generation *kafkago.Generation) {
	wait := newBackOff(5 * time.Second)
	for told := false; ; {
		next, err := c.beginHearing(ctx)
		if err == nil {
			rewind(generation, next)
			return
		}
		if !told && ctx.Err() == nil {
			c.cfg.Log.Warn("finding out where to go on failed, and will be repeated", "error", err)
			told = true
		}
		c.contact(err)
		if !sleep(ctx, wait.NextBackOff()) {
			return
		}
	}
}

func (c *Consumer) beginHearing(ctx context.Context) (map[journal.Place]int64, error) {
	topics := make([]string, len(c.cfg.Topics))
	for i, t := range c.cfg.Topics {
		topics[i] = t.Name
	}
	partitions, err := c.cfg.Client.Offsets(ctx, c.cfg.Group, topics...)
	if err != nil {
		return nil, err
	}
	extents := make(map[journal.Place]journal.Extent, len(partitions))
	for _, p := range partitions {
		extents[journal.Place{Topic: p.Topic, Partition: p.ID}] = journal.Extent{First: p.First, End: p.End, Committed: p.Committed}
	}
	return c.cfg.Journal.BeginHearing(ctx, extents)
}

// rewind never skips: where the group has committed less, or nothing, that counts.
func rewind(generation *kafkago.Generation, next map[journal.Place]int64) {
	for topic, assigned := range generation.Assignments {
		for i, p := range assigned {
			if offset, known := next[journal.Place{Topic: topic, Partition: p.ID}]; known && p.Offset > offset {
				assigned[i].Offset = offset
			}
		}
	}
}

// noteProgress tells the database now and then how far it has heard, and once more when stop is called.
func (c *Consumer) noteProgress(ctx context.Context) (stop func()) {
	stopped := make(chan struct{})
	var noting sync.WaitGroup
	noted := map[journal.Place]int64{}
	note := func() {
		next := c.heard()
		if maps.Equal(next, noted) {
			return
		}
		if err := c.cfg.Journal.NoteHeard(ctx, next); err != nil {
			c.cfg.Log.Debug("noting what was heard failed, and will be repeated", "error", err)
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

// heard are the next offsets of the partitions assigned now.
func (c *Consumer) heard() map[journal.Place]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[journal.Place]int64, len(c.positions))
	for tp, offset := range c.positions {
		if offset >= 0 { // nothing was committed, and nothing has come
			next[journal.Place{Topic: tp.topic, Partition: tp.partition}] = offset
		}
	}
	return next
}
