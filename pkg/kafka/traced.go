package kafka

import (
	"context"
	"errors"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/tracing"
)

// errNotRecorded ends the spans of a batch that another replica will receive.
var errNotRecorded = errors.New("the generation has ended")

// traceFor is how long after its publication an event is still part of its trace. A copy that is made again,
// or that was away for long, adds nothing to traces that nobody looks at any more.
const traceFor = 15 * time.Minute

// recordTraced is recordAll, within the traces of what is recorded.
func (c *Consumer) recordTraced(ctx, work context.Context, doubt func(), batch []kafkago.Message) (recorded bool) {
	work, end := tracing.Batch(work, tracing.Consumer, tracing.ProcessBatch, len(batch), c.traced(batch))
	if recorded = c.recordAll(ctx, work, doubt, batch); !recorded {
		end(errNotRecorded)
		return false
	}
	end(nil)
	return true
}

// traced are the first messages whose trace is recorded. Nobody has verified them yet: who writes to the
// topic may say anything, and any number of times.
func (c *Consumer) traced(batch []kafkago.Message) (parts []tracing.Part) {
	if !tracing.On() {
		return nil
	}
	for _, m := range batch {
		if len(parts) == tracing.MaxParts {
			break
		}
		var parent, id, typ string
		for _, h := range m.Headers {
			switch h.Key {
			case "traceparent":
				parent = string(h.Value)
			case "ce_id":
				id = string(h.Value)
			case "ce_type":
				typ = string(h.Value)
			}
		}
		if tracing.Recorded(parent) && time.Since(m.Time) < traceFor {
			parts = append(parts, tracing.Received(parent, c.cfg.Group, m.Topic, id, typ))
		}
	}
	return parts
}
