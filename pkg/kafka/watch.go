package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

const (
	// doubtFor is how long to wait before a partition is taken for cut short: longer than a new leader needs
	// to know its end.
	doubtFor = 1500 * time.Millisecond

	// watchEvery is how often the brokers are asked whether the topics are still the ones being received.
	watchEvery = 2 * time.Second
)

func isNew(l journal.Lost) bool { return !l.Noted }

// reportLost remembers which partitions are lost, and logs a change.
func (c *Consumer) reportLost(lost []journal.Lost) {
	c.mu.Lock()
	before := c.lost
	c.lost = lost
	c.mu.Unlock()
	same := func(a, b journal.Lost) bool { return a.TopicPartition == b.TopicPartition && a.Missing == b.Missing }
	if slices.EqualFunc(before, lost, same) {
		return
	}
	for _, l := range lost {
		c.cfg.Log.Error("a partition is not received any more, since what was to come next is gone; everything else goes on. "+
			"Bring the topic back, or accept the loss with the command accept-loss (docs/operations.md, Lost topics)",
			"topic", l.Topic, "partition", l.Partition, "offset", l.Next, "missing", l.Missing)
	}
	if len(lost) == 0 {
		c.cfg.Log.Info("all partitions are received again")
	}
}

// skips reports whether messages between next and m are gone, which kafka-go skips silently. A gap by itself
// is no loss: transactions leave markers that no consumer sees.
func (c *Consumer) skips(ctx context.Context, m kafkago.Message, next int64) bool {
	if next < 0 || m.Offset == next {
		return false
	}
	if m.Offset < next { // it was recreated
		return true
	}
	partitions, err := c.cfg.Client.Offsets(ctx, "", m.Topic)
	if err != nil {
		return true // another generation will know more
	}
	return slices.ContainsFunc(partitions, func(p Partition) bool { return p.ID == m.Partition && p.First > next })
}

// watchPositions calls changed, and returns, when a partition was cut short or recreated, or an operator has
// accepted a loss, since the generation began. It ignores brokers or a database that are away.
func (c *Consumer) watchPositions(ctx context.Context, changed func()) {
	for wait.Sleep(ctx, watchEvery) {
		next := c.nextOffsets() // before the brokers are asked, so that none can be beyond its end
		extents, err := c.cfg.extents(ctx)
		if err != nil {
			continue
		}
		_, lost, err := within(ctx, extents, c.cfg.Journal.Positions)
		if errors.Is(err, pg.ErrReplaced) {
			changed()
			return
		}
		if err != nil {
			continue
		}
		c.mu.Lock()
		known := slices.Clone(c.lost)
		c.mu.Unlock()
		samePlace := func(a, b journal.Lost) bool { return a.TopicPartition == b.TopicPartition }
		if !slices.EqualFunc(known, lost, samePlace) {
			changed()
			return
		}
		for tp, offset := range next {
			if e, there := extents[tp]; there && (offset > e.End || offset < e.First) {
				changed()
				return
			}
		}
	}
}
