package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
)

// History calls each with every event of a topic from its start to its present end: partition by partition,
// in the topic's order, each event once. It leaves out malformed messages, which are dead letters everywhere.
// An error of each ends it.
func (c *Client) History(ctx context.Context, topic string, each func(event.Event) error) error {
	partitions, err := c.Offsets(ctx, "", topic)
	if err != nil {
		return err
	}
	type key struct { // an id counts within its subject
		id      uuid.UUID
		subject string
	}
	seen := map[key]bool{}
	return c.Events(ctx, partitions, func(_ Partition, _ int64, e event.Event) error {
		k := key{e.ID, e.Subject}
		if seen[k] {
			return nil
		}
		seen[k] = true
		return each(e)
	})
}

// Events calls each with every event of partitions, from First to before End, and its offset: one partition
// after the other, in the topic's order, an event as often as it is there. What is malformed is left out. An
// error of each ends it. It keeps nothing.
func (c *Client) Events(ctx context.Context, partitions []Partition, each func(p Partition, offset int64, e event.Event) error) error {
	for _, p := range partitions {
		err := c.readPartition(ctx, p, func(m kafkago.Message) error {
			e, err := Decode(m)
			if errors.Is(err, ErrMalformed) {
				return nil
			}
			if err != nil {
				return err
			}
			return each(p, m.Offset, e)
		})
		if err != nil {
			return fmt.Errorf("read %s, partition %d: %w", p.Topic, p.ID, err)
		}
	}
	return nil
}

const (
	// readIdle is how long to wait for a message that should be there, before the brokers are asked whether
	// it is.
	readIdle = 2 * time.Second
	// kafka-go gives up a fetch that the broker has not begun to answer within readWait, and asks again: a
	// broker must be able to put readBytes together in that time. Closing waits for the fetch under way.
	readBytes = 2 << 20
	readWait  = 250 * time.Millisecond
)

// readPartition reads from the first message to the last one before p.End. What compaction has removed is not
// waited for. Where the partition loses meanwhile what is still to be read, that is an error.
func (c *Client) readPartition(ctx context.Context, p Partition, each func(kafkago.Message) error) error {
	if p.First >= p.End {
		return nil
	}
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: c.brokers, Dialer: c.dialer, Topic: p.Topic, Partition: p.ID, MinBytes: 1, MaxBytes: readBytes, MaxWait: readWait,
	})
	defer func() { _ = reader.Close() }()
	if err := reader.SetOffset(p.First); err != nil {
		return err
	}
	last := time.Now()
	for next := p.First; next < p.End; {
		idle, stop := context.WithTimeout(ctx, readIdle)
		m, err := reader.FetchMessage(idle)
		waited := idle.Err() != nil && ctx.Err() == nil
		stop()
		switch {
		case err == nil && m.Offset >= p.End:
			return nil
		case err == nil:
			if err := each(m); err != nil {
				return err
			}
			next, last = m.Offset+1, time.Now()
		case !waited:
			return err
		case time.Since(last) > answerWithin:
			return errNoAnswer
		default:
			if ended, err := c.endsBefore(ctx, p, next); err != nil || ended {
				return err
			}
		}
	}
	return nil
}

// endsBefore reports whether a partition holds no message from next to p.End. It is an error where it is not
// as it was when p was asked for.
func (c *Client) endsBefore(ctx context.Context, p Partition, next int64) (bool, error) {
	partitions, err := c.Offsets(ctx, "", p.Topic)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(partitions, func(now Partition) bool { return now.ID == p.ID })
	switch {
	case i < 0:
		return false, errors.New("the partition is gone")
	case partitions[i].End < p.End:
		return false, fmt.Errorf("it was cut short while it was read: it ends at offset %d, and ended at %d", partitions[i].End, p.End)
	case partitions[i].First > next:
		return false, fmt.Errorf("offsets %d to %d were cut off before they were read", next, partitions[i].First-1)
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	for _, broker := range c.brokers {
		var conn *kafkago.Conn
		if conn, err = c.dialer.DialLeader(ctx, "tcp", broker, p.Topic, p.ID); err == nil {
			return nothingFrom(ctx, conn, next, p.End), nil
		}
	}
	return false, nil // the reader says what is wrong with the brokers
}

// nothingFrom reports whether the broker has answered that it has no message from next on, and has the
// offsets before end.
func nothingFrom(ctx context.Context, conn *kafkago.Conn, next, end int64) bool {
	defer func() { _ = conn.Close() }()
	if until, set := ctx.Deadline(); set {
		_ = conn.SetDeadline(until)
	}
	if _, err := conn.Seek(next, kafkago.SeekAbsolute); err != nil {
		return false
	}
	batch := conn.ReadBatchWith(kafkago.ReadBatchConfig{MinBytes: 1, MaxBytes: readBytes, MaxWait: readWait})
	_, err := batch.ReadMessage()
	_ = batch.Close()
	// An empty answer is one or the other of these, by how long the broker has waited; without an answer
	// there is no end.
	return (errors.Is(err, io.EOF) || errors.Is(err, kafkago.RequestTimedOut)) && batch.HighWaterMark() >= end
}
