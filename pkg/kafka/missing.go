package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
)

const (
	// lookBatch is how many messages are read before the journal is asked.
	lookBatch = 1_000
	// lookUntil bounds how many missing events are counted: that there are so many is enough to know.
	lookUntil = 10_000
	// lookAtOnce is how many partitions are read at once.
	lookAtOnce = 4
	// nameMissing is how many of them are named.
	nameMissing = 5
)

// MissingError is what the topics hold of a service's own events and its journal lacks: the database is older
// than when the service wrote them, or somebody has forged them.
type MissingError struct {
	Events  int // lookUntil at most, unless All
	All     bool
	Streams int
	First   []inbox.OwnEvent // some of them, partition by partition
}

func (e *MissingError) Error() string {
	atLeast := ""
	if !e.All {
		atLeast = "at least "
	}
	named := make([]string, len(e.First))
	for i, m := range e.First {
		named[i] = m.String()
	}
	return fmt.Sprintf("the journal lacks %s%d events that this service has written, of %d streams: the database is older than it was. Among them: %s",
		atLeast, e.Events, e.Streams, strings.Join(named, "; "))
}

// errEnough ends a search that has found lookUntil events.
var errEnough = errors.New("enough is known")

// finding is a search for missing events. It reads several partitions at once.
type finding struct {
	cfg ConsumerConfig

	mu      sync.Mutex
	whole   map[journal.TopicPartition]int64 // up to where nothing is missing, as far as is known
	found   map[inbox.Origin]inbox.OwnEvent
	streams map[string]bool
	ids     map[uuid.UUID]bool
	order   []inbox.Origin
}

// findMissing reads the topics from this database's positions to their end, and compares the service's own
// events with its journal. Of what was received before, it checks the disallowed dead letters. It returns a
// *MissingError, a *journal.LostError if the answer is gone with messages, or nil. With nothing new in the
// topics it costs a few calls. whole is up to where partitions are known to be complete, and is brought up to
// date: a search that is cut off goes on where it was.
func findMissing(ctx context.Context, cfg ConsumerConfig, whole map[journal.TopicPartition]int64) error {
	return find(ctx, cfg, whole, true)
}

// find is findMissing, with the dead letters or without.
func find(ctx context.Context, cfg ConsumerConfig, whole map[journal.TopicPartition]int64, deadLetters bool) error {
	extents, err := cfg.extents(ctx)
	if err != nil {
		return err
	}
	next, lost, err := cfg.Journal.Positions(ctx, extents)
	if err != nil {
		return err
	}
	if len(lost) > 0 {
		return &journal.LostError{Lost: lost}
	}
	f := &finding{cfg: cfg, whole: whole, found: map[inbox.Origin]inbox.OwnEvent{}, streams: map[string]bool{}, ids: map[uuid.UUID]bool{}}
	if deadLetters {
		err = f.deadLetters(ctx)
	}
	if err == nil {
		err = f.topics(ctx, next, extents)
	}
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if len(f.found) == 0 {
		return nil
	}
	missing := &MissingError{Events: len(f.ids), All: err == nil, Streams: len(f.streams)}
	for _, origin := range f.order[:min(len(f.order), nameMissing)] {
		missing.First = append(missing.First, f.found[origin])
	}
	return missing
}

func (f *finding) topics(ctx context.Context, next map[journal.TopicPartition]int64, extents map[journal.TopicPartition]journal.Extent) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	places := make(chan journal.TopicPartition)
	var readers sync.WaitGroup
	for range lookAtOnce {
		readers.Go(func() {
			for tp := range places {
				if err := f.partition(ctx, tp, next[tp], extents[tp].End); err != nil {
					stop(err)
				}
			}
		})
	}
	for tp, start := range next {
		next[tp] = max(start, f.whole[tp])
	}
	for tp, start := range next {
		if start < extents[tp].End {
			places <- tp
		}
	}
	close(places)
	readers.Wait()
	return context.Cause(ctx)
}

func (f *finding) partition(ctx context.Context, tp journal.TopicPartition, from, to int64) error {
	var own []inbox.OwnEvent
	read, clean := 0, true
	flush := func(next int64) error {
		missing, err := f.compare(ctx, own)
		if err != nil {
			return err
		}
		if clean = clean && missing == 0; clean {
			f.mu.Lock()
			f.whole[tp] = next
			f.mu.Unlock()
		}
		own, read = own[:0], 0
		return nil
	}
	err := f.cfg.Client.readPartition(ctx, Partition{Topic: tp.Topic, ID: tp.Partition, First: from, End: to}, func(m kafkago.Message) error {
		if e, ours := f.cfg.OwnEvent(received(m)); ours {
			own = append(own, e)
		}
		if read++; read < lookBatch {
			return nil
		}
		return flush(m.Offset + 1)
	})
	if err == nil {
		err = flush(to)
	}
	if err != nil {
		return fmt.Errorf("read %s/%d: %w", tp.Topic, tp.Partition, err)
	}
	return nil
}

// compare adds those of events that the journal lacks.
func (f *finding) compare(ctx context.Context, events []inbox.OwnEvent) (found int, err error) {
	missing, err := f.cfg.Missing(ctx, events)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range missing {
		if _, known := f.found[e.Origin]; !known {
			f.found[e.Origin] = e
			f.order = append(f.order, e.Origin)
			f.ids[e.ID], f.streams[e.Stream] = true, true
		}
	}
	if len(f.found) >= lookUntil {
		return len(missing), errEnough
	}
	return len(missing), nil
}

// deadLetters looks at what was disallowed while the service ran.
func (f *finding) deadLetters(ctx context.Context) error {
	events, err := f.cfg.DisallowedOwnEvents(ctx)
	if err == nil {
		_, err = f.compare(ctx, events)
	}
	return err
}
