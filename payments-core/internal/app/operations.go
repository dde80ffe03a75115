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
	"countersign.example/pkg/pg"
	"countersign.example/pkg/service"
)

// stuckOperations is the command for what the gateway cannot be asked again by itself: `operations
// list|retry|settle`.
func stuckOperations(load service.Loader[Config]) *cobra.Command {
	command := &cobra.Command{
		Use:   "operations",
		Short: "Look at what is stuck, or open for long, at the payment gateway, and retry or settle it",
	}
	command.AddCommand(listCommand(load), retryCommand(load), settleCommand(load))
	return command
}

type runOperations func(ctx context.Context, out io.Writer, db *pg.DB, ops *operations.Service, args []string) error

// withOperations returns what a command runs with the service of operations. A command that changes something
// first checks that the database has what the core has written.
func withOperations(load service.Loader[Config], changes bool, run runOperations) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cfg, log, err := load()
		if err != nil {
			return err
		}
		b, err := declaration().Open(cmd.Context(), cfg, log)
		if err != nil {
			return err
		}
		defer b.Close()
		ops, err := newOperations(cfg, b)
		if err == nil && changes {
			err = declaration().CheckBeforeChange(cmd.Context(), b)
		}
		if err != nil {
			return err
		}
		return run(cmd.Context(), cmd.OutOrStdout(), b.DB, ops, args)
	}
}

func listCommand(load service.Loader[Config]) *cobra.Command {
	return &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: "List the operations that are stuck, and those that have been open for long, oldest first",
		RunE: withOperations(load, false, func(ctx context.Context, out io.Writer, _ *pg.DB, ops *operations.Service, _ []string) error {
			stuck, err := ops.Stuck(ctx)
			if err != nil {
				return err
			}
			unanswered, err := ops.Unanswered(ctx)
			if err != nil {
				return err
			}
			return errors.Join(printStuck(out, stuck), printUnanswered(out, unanswered))
		}),
	}
}

func retryCommand(load service.Loader[Config]) *cobra.Command {
	var by operations.Handling
	command := &cobra.Command{
		Use: "retry <key>", Short: "Ask the gateway for the same again: what is stuck with a new key, what is only open at once",
		RunE: withOperations(load, true, func(ctx context.Context, out io.Writer, db *pg.DB, ops *operations.Service, args []string) error {
			key := ""
			err := db.InTx(ctx, func(tx *pg.Tx) (err error) {
				key, err = ops.Retry(ctx, tx, args[0], by)
				return err
			})
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
	handledBy(command, &by, nil)
	return command
}

func settleCommand(load service.Loader[Config]) *cobra.Command {
	var by operations.Handling
	var as operations.Settlement
	var outcome string
	command := &cobra.Command{
		Use: "settle <key>", Short: "Say how it came out, without asking the gateway",
		RunE: withOperations(load, true, func(ctx context.Context, out io.Writer, db *pg.DB, ops *operations.Service, args []string) error {
			as.Succeeded = outcome == "succeeded"
			err := db.InTx(ctx, func(tx *pg.Tx) error { return ops.Settle(ctx, tx, args[0], as, by) })
			if err == nil {
				_, err = fmt.Fprintf(out, "settled as %s\n", outcome)
			}
			return err
		}),
	}
	handledBy(command, &by, func() error {
		if outcome != "succeeded" && outcome != "failed" {
			return fmt.Errorf("--outcome is %q: say succeeded or failed", outcome)
		}
		return nil
	})
	command.Flags().StringVar(&outcome, "outcome", "", "succeeded or failed")
	command.Flags().StringVar(&as.Reference, "reference", "", "the gateway's reference, if there is one")
	return command
}

// handledBy has a command take one key, and adds the flags that put an operator on record. It checks them
// after the command's own flags, which own checks; nil if there are none.
func handledBy(command *cobra.Command, by *operations.Handling, own func() error) {
	command.Flags().StringVar(&by.By, "by", "", "your name, for the record (required)")
	command.Flags().StringVar(&by.Why, "why", "", "why, for the record (required)")
	command.Args = func(cmd *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(1)(cmd, args); err != nil {
			return err
		}
		if own != nil {
			if err := own(); err != nil {
				return err
			}
		}
		return by.Check()
	}
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
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%.200q\n",
			o.Key, o.Amount, o.StuckAt.Format(time.RFC3339), o.Attempts, o.LastError)
	}
	return table.Flush()
}

// printUnanswered prints nothing if there are none.
func printUnanswered(out io.Writer, unanswered []operations.Unanswered) error {
	if len(unanswered) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "\nopen for more than %s, and asked again without an operator:\n", operations.OpenTooLong)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "KEY\tAMOUNT\tOPEN SINCE\tATTEMPTS\tASKED NEXT\tWHY")
	for _, u := range unanswered {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%.200q\n",
			u.Key, u.Amount, u.OpenedAt.Format(time.RFC3339), u.Attempts, u.NextCall(), u.Why())
	}
	return table.Flush()
}
