package kafka

import (
	"sync"

	kafkago "github.com/segmentio/kafka-go"
)

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
