package kafka

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// Losses are the partitions that a service does not receive any more, since what was to come next is gone.
type Losses struct{ cfg ConsumerConfig }

// NewLosses returns the losses of the service that receives as cfg says.
func NewLosses(cfg ConsumerConfig) *Losses { return &Losses{cfg} }

// List returns what is lost now.
func (l *Losses) List(ctx context.Context) ([]journal.Lost, error) {
	extents, err := l.cfg.Client.extents(ctx, l.cfg.Group, l.cfg.topicNames()...)
	if err != nil {
		return nil, err
	}
	_, lost, err := l.cfg.Journal.Positions(ctx, extents)
	return lost, err
}

// Accept has lost partitions received again, from their oldest message on, and keeps on record who decided that. It is all or
// nothing; a running service goes on by itself.
func (l *Losses) Accept(ctx context.Context, places []journal.TopicPartition, d Decision) (accepted []journal.Lost, err error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	extents, err := l.cfg.Client.extents(ctx, l.cfg.Group, l.cfg.topicNames()...)
	if err != nil {
		return nil, err
	}
	err = l.cfg.DB.InTx(ctx, func(tx *pg.Tx) error {
		accepted = nil
		for _, place := range places {
			recreated, err := l.cfg.Journal.Recreated(ctx, tx, place, extents[place])
			if err != nil {
				return err
			}
			lost, err := l.cfg.Journal.AcceptLoss(ctx, tx, place, extents)
			if err != nil {
				return err
			}
			if recreated {
				if err := freeOffsetsOf(ctx, tx, place); err != nil {
					return err
				}
			}
			first := extents[place].First
			if err := d.keep(ctx, tx, "accept-loss", &place, &first, lost.Missing); err != nil {
				return err
			}
			accepted = append(accepted, lost)
		}
		return nil
	})
	return accepted, err
}

// freeOffsetsOf takes the offsets of the former topic from its dead letters: a message of the new one with such an offset
// would be taken for set aside already.
func freeOffsetsOf(ctx context.Context, tx *pg.Tx, place journal.TopicPartition) error {
	_, err := tx.Exec(ctx, `update dead_letters set "offset" = -id,
		error = error || ' (it was at offset ' || "offset" || ' of the topic before that was made anew)'
		where topic = $1 and partition = $2 and "offset" >= 0`, place.Topic, place.Partition)
	if err != nil {
		return fmt.Errorf("set letters of the former topic apart: %w", err)
	}
	return nil
}

// freeOffsets takes the offsets from dead letters of messages that are gone: other ones are there now, in a partition that was cut short and has
// grown again, or a topic that was recreated by brokers that give it no id.
func freeOffsets(ctx context.Context, tx *pg.Tx, deadLetters []int64) error {
	if len(deadLetters) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `update dead_letters set "offset" = -id,
		error = error || ' (it was at offset ' || "offset" || ', where another message is now)'
		where id = any($1) and "offset" >= 0`, deadLetters)
	if err != nil {
		return fmt.Errorf("set letters of messages that are gone apart: %w", err)
	}
	return nil
}

// AcceptLossCommand is `accept-loss` of a service. open is called when it runs; the function it returns is called at the end.
func AcceptLossCommand(open func(ctx context.Context) (*Losses, func(), error)) *cobra.Command {
	var d Decision
	command := &cobra.Command{
		Use:   "accept-loss [topic/partition ...]",
		Short: "Hear partitions again of which a part is gone unheard; without arguments, list them",
		RunE: func(cmd *cobra.Command, args []string) error {
			losses, closeAll, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer closeAll()
			if len(args) == 0 {
				lost, err := losses.List(cmd.Context())
				if err == nil && len(lost) == 0 {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), "nothing is lost")
				}
				return printLost(cmd, lost, err)
			}
			places := make([]journal.TopicPartition, len(args))
			for i, arg := range args {
				if places[i], err = readPlace(arg); err != nil {
					return err
				}
			}
			accepted, err := losses.Accept(cmd.Context(), places, d)
			if err == nil {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "heard again from the oldest message on, with what is gone left out:\n")
			}
			return printLost(cmd, accepted, err)
		},
	}
	d.flags(command)
	return command
}

func printLost(cmd *cobra.Command, lost []journal.Lost, err error) error {
	if err != nil {
		return err
	}
	for _, l := range lost {
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), l); err != nil {
			return err
		}
	}
	return nil
}
