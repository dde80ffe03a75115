package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	kafkago "github.com/segmentio/kafka-go"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/pg"
)

// adoptBatch is how many messages are recorded, and how many streams followed up, at once.
const adoptBatch = inbox.BatchMessages

// Adoption brings a journal that is older than the topics up to their end: it records what they hold, the
// service's own events too, in their order. It is one transaction, so that nothing happens in between.
//
// Nobody decides while it records, since most of what follows from an event is further on in the topics.
// After that Restore brings the service's other tables up to date with the journal, and the projectors do
// what is still to be done.
type Adoption struct {
	ConsumerConfig
	// Restore is given the streams that have changed, and reports what it did, line by line. It may be nil.
	Restore func(ctx context.Context, tx *pg.Tx, streams []string, report func(string)) error
	// Reserve is given the service's own events that wait as dead letters until their keys are freed: what they
	// have used up must not be given again meanwhile. It may be nil.
	Reserve func(ctx context.Context, tx *pg.Tx, waiting []event.Event, report func(string)) error
}

// errDryRun undoes what was only tried.
var errDryRun = errors.New("a dry run")

// Run adopts, and reports what it does, line by line. A dry run does the same, and undoes it.
func (a *Adoption) Run(ctx context.Context, d inbox.Decision, dry bool, report func(string)) error {
	if err := d.Check(); err != nil && !dry {
		return err
	}
	if err := a.databaseAnswers(ctx); err != nil {
		return err
	}
	err := findMissing(ctx, a.ConsumerConfig, map[journal.TopicPartition]int64{})
	if err == nil {
		report("nothing is missing: there is nothing to adopt")
		return nil
	}
	if _, missing := errors.AsType[*MissingError](err); !missing {
		return err
	}
	extents, err := a.extents(ctx)
	if err != nil {
		return err
	}
	err = a.DB.InTx(ctx, func(tx *pg.Tx) error {
		if err := a.adopt(ctx, tx, extents, d, report); err != nil {
			return err
		}
		if dry {
			return errDryRun
		}
		tx.AfterCommit(func() { a.DB.Notify(journal.OutboxChannel) })
		return nil
	})
	if dry && errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

// databaseAnswers returns an error unless PostgreSQL answers within answerWithin.
func (a *Adoption) databaseAnswers(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := inbox.LastDecision(within, a.DB)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return fmt.Errorf("nothing was changed: PostgreSQL does not answer within %s; try again once it does: %w", answerWithin, err)
	}
	return err
}

func (a *Adoption) adopt(ctx context.Context, tx *pg.Tx, extents map[journal.TopicPartition]journal.Extent, d inbox.Decision, report func(string)) error {
	// It reads from the brokers in between, for as long as that takes; and two of these would do the same.
	for _, statement := range []string{
		"set local statement_timeout = 0", "set local idle_in_transaction_session_timeout = 0",
		"select pg_advisory_xact_lock(hashtextextended('adopt', 0))",
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("prepare to adopt: %w", err)
		}
	}
	next, lost, err := a.Journal.PositionsIn(ctx, tx, extents)
	if err != nil {
		return err
	}
	if len(lost) > 0 {
		return &journal.LostError{Lost: lost}
	}
	var before found
	if err := before.look(ctx, tx); err != nil {
		return err
	}
	w := a.writer(tx)
	if before.refused, err = w.recorder.RecordDisallowedOwnEvents(ctx, tx); err != nil {
		return err
	}
	for _, tp := range slices.SortedFunc(maps.Keys(next), journal.TopicPartition.Compare) {
		if err := w.partition(ctx, a.Client, tp, next[tp], extents[tp].End); err != nil {
			return err
		}
	}
	if err := a.Journal.NoteAdopted(ctx, tx, extents); err != nil {
		return err
	}
	detail, waiting, err := a.reportAdopted(ctx, tx, before, report)
	if err != nil {
		return err
	}
	if a.Reserve != nil {
		if err := a.Reserve(ctx, tx, waiting, report); err != nil {
			return fmt.Errorf("reserve what waiting events have used up: %w", err)
		}
	}
	streams := slices.Sorted(maps.Keys(w.changed))
	if a.Restore != nil {
		if err := a.Restore(ctx, tx, streams, report); err != nil {
			return fmt.Errorf("bring the other tables up to date: %w", err)
		}
	}
	if err := a.follow(ctx, tx, streams, report); err != nil {
		return err
	}
	return d.Record(ctx, tx, "adopt", nil, nil, detail)
}

// follow does what is still to be done about streams.
func (a *Adoption) follow(ctx context.Context, tx *pg.Tx, streams []string, report func(string)) error {
	var before int64
	if err := tx.QueryRow(ctx, "select coalesce(max(position), 0) from journal").Scan(&before); err != nil {
		return fmt.Errorf("look at the journal: %w", err)
	}
	for ids := range slices.Chunk(streams, adoptBatch) {
		loaded, err := a.Journal.Load(ctx, tx, ids...)
		if err != nil {
			return err
		}
		changed := make([]journal.Stream, len(ids))
		for i, id := range ids {
			changed[i] = loaded[id]
		}
		for _, project := range a.Projectors {
			if err := project(ctx, tx, changed); err != nil {
				return err
			}
		}
	}
	if err := tx.Flush(ctx); err != nil {
		return err
	}
	var typ, stream string
	err := pg.ForEach(ctx, tx, []any{&typ, &stream}, func() { report(fmt.Sprintf("it follows: %s of %s", typ, stream)) },
		"select type, stream from journal where position > $1 and log is null order by position", before)
	if err != nil {
		return fmt.Errorf("look at what follows: %w", err)
	}
	return nil
}

// adopting records in one transaction, without deciding anything.
type adopting struct {
	recorder *inbox.Recorder
	changed  map[string]bool
}

func (a *Adoption) writer(tx *pg.Tx) *adopting {
	w := &adopting{changed: map[string]bool{}}
	c := a.Config
	c.Primary = false
	c.Projectors = []journal.Projector{func(_ context.Context, _ *pg.Tx, streams []journal.Stream) error {
		for _, s := range streams {
			w.changed[s.ID] = true
		}
		return nil
	}}
	w.recorder = inbox.NewRecorderIn(tx, c)
	return w
}

func (w *adopting) partition(ctx context.Context, client *Client, tp journal.TopicPartition, from, to int64) error {
	if from >= to {
		return nil
	}
	messages := make([]inbox.Message, 0, adoptBatch)
	flush := func() error {
		if len(messages) == 0 {
			return nil
		}
		_, err := w.recorder.Record(ctx, messages)
		messages = messages[:0]
		return err
	}
	err := client.readPartition(ctx, Partition{Topic: tp.Topic, ID: tp.Partition, First: from, End: to}, func(m kafkago.Message) error {
		if messages = append(messages, received(m)); len(messages) < adoptBatch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("record %s/%d: %w", tp.Topic, tp.Partition, err)
	}
	return nil
}

// Skip has events, which say that the service has written them, never be recorded: an operator knows that
// somebody else has. They stay on record as discarded dead letters. It skips all of them or none.
func (a *Adoption) Skip(ctx context.Context, origins []inbox.Origin, d inbox.Decision) ([]inbox.OwnEvent, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	extents, err := a.extents(ctx)
	if err != nil {
		return nil, err
	}
	messages, events := make([]inbox.Message, len(origins)), make([]inbox.OwnEvent, len(origins))
	for i, origin := range origins {
		if messages[i], events[i], err = a.ownEventAt(ctx, origin, extents); err != nil {
			return nil, err
		}
	}
	err = a.DB.InTx(ctx, func(tx *pg.Tx) error {
		for i, e := range events {
			if err := a.Config.Skip(ctx, tx, messages[i], e, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// ownEventAt reads the event at a place; inbox.ErrNotMissing where it is none of the service's own.
func (a *Adoption) ownEventAt(ctx context.Context, origin inbox.Origin, extents map[journal.TopicPartition]journal.Extent) (
	message inbox.Message, e inbox.OwnEvent, err error,
) {
	extent, there := extents[origin.TopicPartition]
	if !there || origin.Offset < extent.First || origin.Offset >= extent.End {
		return message, e, fmt.Errorf("%s: %w: the partition does not hold it", origin, inbox.ErrNotMissing)
	}
	err = a.Client.readPartition(ctx, Partition{Topic: origin.Topic, ID: origin.Partition, First: origin.Offset, End: origin.Offset + 1},
		func(m kafkago.Message) error { message = received(m); return nil })
	if err != nil {
		return message, e, fmt.Errorf("read %s: %w", origin, err)
	}
	e, ours := a.OwnEvent(message)
	if !ours || e.Offset != origin.Offset {
		return message, e, fmt.Errorf("%s: %w", origin, inbox.ErrNotMissing)
	}
	return message, e, nil
}
