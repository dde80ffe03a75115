package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
)

// AcceptLossCommand is `accept-loss` of a service.
func AcceptLossCommand(open Open[*kafka.Losses]) *cobra.Command {
	var d inbox.Decision
	command := &cobra.Command{
		Use:   "accept-loss [topic/partition ...]",
		Short: "Receive partitions again of which a part is gone that was never received; without arguments, list them",
		Args: func(_ *cobra.Command, args []string) error {
			_, err := readPartitions(args)
			if len(args) > 0 {
				err = errors.Join(err, d.Check())
			}
			return err
		},
		RunE: with(open, func(cmd *cobra.Command, losses *kafka.Losses, args []string) error {
			places, err := readPartitions(args)
			if err != nil {
				return err
			}
			return answered(cmd.Context(), 0, func(ctx context.Context) error {
				if len(places) == 0 {
					lost, err := losses.List(ctx)
					if err == nil && len(lost) == 0 {
						_, err = fmt.Fprintln(cmd.OutOrStdout(), "nothing is lost")
					}
					return printLost(cmd, lost, err)
				}
				accepted, err := losses.Accept(ctx, places, d)
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "received again from the oldest message on, with what is gone left out:\n")
				}
				return printLost(cmd, accepted, err)
			})
		}),
	}
	decisionFlags(command, &d)
	return command
}

func readPartitions(args []string) ([]journal.TopicPartition, error) {
	places := make([]journal.TopicPartition, len(args))
	for i, arg := range args {
		var err error
		if places[i], err = readPartition(arg); err != nil {
			return nil, err
		}
	}
	return places, nil
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
