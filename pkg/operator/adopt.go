package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
)

// AdoptCommand is `adopt` of a service.
func AdoptCommand(open Open[*kafka.Adoption]) *cobra.Command {
	var d inbox.Decision
	var dry bool
	command := &cobra.Command{
		Use: "adopt", Short: "Record what the topics hold of this service's own events and its journal lacks, after a restore from a backup",
		Args: func(cmd *cobra.Command, args []string) error {
			if !dry {
				return errors.Join(cobra.NoArgs(cmd, args), d.Check())
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: with(open, func(cmd *cobra.Command, adoption *kafka.Adoption, _ []string) error {
			err := adoption.Run(cmd.Context(), d, dry, func(line string) { _, _ = fmt.Fprintln(cmd.OutOrStdout(), line) })
			if err == nil && dry {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "this was a dry run: nothing was changed")
			}
			return err
		}),
	}
	command.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, and do nothing")
	decisionFlags(command, &d)
	return command
}

// SkipCommand is `skip` of a service.
func SkipCommand(open Open[*kafka.Adoption]) *cobra.Command {
	var d inbox.Decision
	command := &cobra.Command{
		Use:   "skip topic/partition/offset ...",
		Short: "Never record events that say to be this service's own, and that it has not written: all or none",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("say which events: topic/partition/offset, as the log does")
			}
			_, err := readOrigins(args)
			return errors.Join(err, d.Check())
		},
		RunE: with(open, func(cmd *cobra.Command, adoption *kafka.Adoption, args []string) error {
			origins, err := readOrigins(args)
			if err != nil {
				return err
			}
			return answered(cmd.Context(), len(origins), func(ctx context.Context) error {
				skipped, err := adoption.Skip(ctx, origins, d)
				for _, e := range skipped {
					_, _ = fmt.Fprintf(cmd.OutOrStdout(), "skipped: %s\n", e)
				}
				return err
			})
		}),
	}
	decisionFlags(command, &d)
	return command
}
