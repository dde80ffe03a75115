package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"countersign.example/payments-core/internal/operations"
	"countersign.example/pkg/service"
)

// stuckOperations is the command for what the gateway cannot be asked again by itself: `operations
// list|retry|settle`.
func stuckOperations(load service.Loader[Config]) *cobra.Command {
	with := func(changes bool, do func(ctx context.Context, out io.Writer, ops *operations.Service, args []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			cfg, log, err := load()
			if err != nil {
				return err
			}
			db, j, ops, err := openService(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			defer db.Close()
			if changes {
				if err := checkBeforeChange(cmd.Context(), cfg, recording(db, j, ops, log)); err != nil {
					return err
				}
			}
			return do(cmd.Context(), cmd.OutOrStdout(), ops, args)
		}
	}
	command := &cobra.Command{
		Use:   "operations",
		Short: "Look at what is stuck, or open for long, at the payment gateway, and retry or settle it",
	}
	command.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the operations that are stuck, and those that have been open for long, oldest first", Args: cobra.NoArgs,
			RunE: with(false, func(ctx context.Context, out io.Writer, ops *operations.Service, _ []string) error {
				stuck, err := ops.Stuck(ctx)
				if err != nil {
					return err
				}
				waiting, err := ops.Unanswered(ctx)
				if err != nil {
					return err
				}
				return errors.Join(printStuck(out, stuck), printWaiting(out, waiting))
			}),
		},
		retryCommand(with), settleCommand(with),
	)
	return command
}

type withService func(changes bool, do func(context.Context, io.Writer, *operations.Service, []string) error) func(*cobra.Command, []string) error

func retryCommand(with withService) *cobra.Command {
	var by operations.Handling
	command := &cobra.Command{
		Use: "retry <key>", Short: "Ask the gateway for the same again: what is stuck with a new key, what is only open at once", Args: cobra.ExactArgs(1),
		RunE: with(true, func(ctx context.Context, out io.Writer, ops *operations.Service, args []string) error {
			key, err := ops.Retry(ctx, args[0], by)
			switch {
			case err != nil:
			case key == "":
				_, err = fmt.Fprintln(out, "given up, and not asked again: the payment's order cannot use it, and what is held is let go")
			case key == args[0]:
				_, err = fmt.Fprintf(out, "not stuck: asked at once, with the same key %s\n", key)
			default:
				_, err = fmt.Fprintf(out, "asked again as %s\n", key)
			}
			return err
		}),
	}
	handledBy(command, &by)
	return command
}

func settleCommand(with withService) *cobra.Command {
	var by operations.Handling
	var as operations.Settlement
	var outcome string
	command := &cobra.Command{
		Use: "settle <key>", Short: "Say how it came out, without asking the gateway", Args: cobra.ExactArgs(1),
		RunE: with(true, func(ctx context.Context, out io.Writer, ops *operations.Service, args []string) error {
			if outcome != "succeeded" && outcome != "failed" {
				return service.UsageError{Err: fmt.Errorf("--outcome is %q: say succeeded or failed", outcome)}
			}
			as.Succeeded = outcome == "succeeded"
			err := ops.Settle(ctx, args[0], as, by)
			if err == nil {
				_, err = fmt.Fprintf(out, "settled as %s\n", outcome)
			}
			return err
		}),
	}
	handledBy(command, &by)
	command.Flags().StringVar(&outcome, "outcome", "", "succeeded or failed")
	command.Flags().StringVar(&as.Reference, "reference", "", "the gateway's reference, if there is one")
	return command
}

// handledBy adds the flags that put an operator on record.
func handledBy(command *cobra.Command, by *operations.Handling) {
	command.Flags().StringVar(&by.By, "by", "", "your name, for the record (required)")
	command.Flags().StringVar(&by.Why, "why", "", "why, for the record (required)")
}

// printStuck quotes what came from the gateway.
func printStuck(out io.Writer, stuck []operations.Operation) error {
	if len(stuck) == 0 {
		_, err := fmt.Fprintln(out, "nothing is stuck")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "KEY\tAMOUNT\tSTUCK SINCE\tATTEMPTS\tWHY")
	for _, o := range stuck {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%.200q\n", o.Key, o.Amount, o.StuckAt.Format(time.RFC3339), o.Attempts, o.LastError)
	}
	return table.Flush()
}

// printWaiting is silent where nothing waits.
func printWaiting(out io.Writer, waiting []operations.Unanswered) error {
	if len(waiting) == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(out, "\nopen for more than %s, and asked again without an operator:\n", operations.OpenTooLong); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "KEY\tAMOUNT\tOPEN SINCE\tATTEMPTS\tASKED NEXT\tWHY")
	for _, w := range waiting {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%.200q\n", w.Key, w.Amount, w.OpenedAt.Format(time.RFC3339), w.Attempts, w.NextCall(), w.Why())
	}
	return table.Flush()
}
