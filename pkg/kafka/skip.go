package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/spf13/cobra"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// ErrNotMissing says that nothing is there to skip.
var ErrNotMissing = errors.New("there is no event that says that this service has written it and that the journal lacks")

// Skip has an event, which says that the service has written it, never be recorded: an operator knows that somebody else has. It
// stays on record as a discarded dead letter.
func (a *Adoption) Skip(ctx context.Context, origin Origin, d Decision) (MissingEvent, error) {
	if err := d.Check(); err != nil {
		return MissingEvent{}, err
	}
	extents, err := a.Client.extents(ctx, a.Group, a.topicNames()...)
	if err != nil {
		return MissingEvent{}, err
	}
	extent, there := extents[origin.TopicPartition]
	if !there || origin.Offset < extent.First || origin.Offset >= extent.End {
		return MissingEvent{}, fmt.Errorf("%s: %w: the partition does not hold it", origin, ErrNotMissing)
	}
	var message kafkago.Message
	err = a.Client.readPartition(ctx, Partition{Topic: origin.Topic, ID: origin.Partition, First: origin.Offset, End: origin.Offset + 1},
		func(m kafkago.Message) error { message = m; return nil })
	if err != nil {
		return MissingEvent{}, fmt.Errorf("read %s: %w", origin, err)
	}
	e, ours := a.ownEvent(message)
	if !ours || e.Offset != origin.Offset {
		return MissingEvent{}, fmt.Errorf("%s: %w", origin, ErrNotMissing)
	}
	err = a.DB.InTx(ctx, func(tx *pg.Tx) error {
		var known bool
		if err := tx.QueryRow(ctx, "select exists (select from journal where event_id = $1)", e.ID).Scan(&known); err != nil {
			return fmt.Errorf("look for the event: %w", err)
		}
		if known {
			return fmt.Errorf("%s: %w: it is in the journal", origin, ErrNotMissing)
		}
		cause := fmt.Errorf("skipped by %s: %s", d.By, d.Reason)
		deadLetter := item{message: message, received: journal.Received{Event: event.Event{ID: e.ID}}}.deadLetter(Refused, cause)
		if err := insertDeadLetters(ctx, tx, []item{deadLetter}); err != nil && !errors.Is(err, errMeanwhile) { // or it is one already
			return err
		}
		tag, err := tx.Exec(ctx, `update dead_letters set state = 'discarded', settled_at = clock_timestamp(), error = $4
			where topic = $1 and partition = $2 and "offset" = $3 and state = 'waiting' and kind = 'refused'`,
			origin.Topic, origin.Partition, origin.Offset, errorText(cause))
		if err != nil {
			return fmt.Errorf("skip %s: %w", origin, err)
		}
		if tag.RowsAffected() == 0 {
			return fmt.Errorf("%s: %w: it is a dead letter already", origin, ErrNotMissing)
		}
		return d.keep(ctx, tx, "skip", &origin.TopicPartition, &origin.Offset, e.String())
	})
	return e, err
}

// AdoptCommand and SkipCommand are `adopt` and `skip` of a service. open is called when they run; the function it
// returns is called at the end.
func AdoptCommand(open func(ctx context.Context) (*Adoption, func(), error)) *cobra.Command {
	var d Decision
	var dry bool
	command := &cobra.Command{
		Use: "adopt", Short: "Record what the topics hold of this service's own events and its journal lacks, after a restore from a backup",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			adoption, closeAll, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer closeAll()
			err = adoption.Run(cmd.Context(), d, dry, func(line string) { _, _ = fmt.Fprintln(cmd.OutOrStdout(), line) })
			if err == nil && dry {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "this was a dry run: nothing was changed")
			}
			return err
		},
	}
	command.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, and do nothing")
	d.flags(command)
	return command
}

// SkipCommand is `skip` of a service; see AdoptCommand.
func SkipCommand(open func(ctx context.Context) (*Adoption, func(), error)) *cobra.Command {
	var d Decision
	command := &cobra.Command{
		Use: "skip topic/partition/offset", Short: "Never record an event that says to be this service's own, and that it has not written",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("say which event: topic/partition/offset, as the log does")
			}
			_, _, err := readOrigin(args[0])
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			place, offset, err := readOrigin(args[0])
			if err != nil {
				return err
			}
			adoption, closeAll, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer closeAll()
			skipped, err := adoption.Skip(cmd.Context(), Origin{place, offset}, d)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "skipped: %s\n", skipped)
			return err
		},
	}
	d.flags(command)
	return command
}
