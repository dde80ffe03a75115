package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// DeadLettersCommand is `dead-letters list|replay|discard` of a service. open is called when
// a command runs; the function it returns is called at the end.
func DeadLettersCommand(open func(ctx context.Context) (*DeadLetters, func(), error)) *cobra.Command {
	with := func(do func(cmd *cobra.Command, letters *DeadLetters, args []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			letters, closeAll, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer closeAll()
			return do(cmd, letters, args)
		}
	}
	command := &cobra.Command{
		Use:   "dead-letters",
		Short: "Look at messages that could not be recorded, and replay or discard them",
	}
	list := &cobra.Command{
		Use: "list", Short: "List the dead letters that wait", Args: cobra.NoArgs,
	}
	limit := list.Flags().Int("limit", 100, "how many, oldest first")
	list.RunE = with(func(cmd *cobra.Command, letters *DeadLetters, _ []string) error {
		found, err := letters.List(cmd.Context(), *limit)
		if err != nil {
			return err
		}
		return printLetters(cmd.OutOrStdout(), found)
	})
	command.AddCommand(list,
		&cobra.Command{
			Use: "replay <id>", Short: "Record a letter's event at its place, and what is parked behind it", Args: oneID,
			RunE: with(func(cmd *cobra.Command, letters *DeadLetters, args []string) error {
				return report(cmd, "replayed", args[0], letters.Replay)
			}),
		},
		&cobra.Command{
			Use: "discard <id>", Short: "Give a letter up for good, and replay what is parked behind it", Args: oneID,
			RunE: with(func(cmd *cobra.Command, letters *DeadLetters, args []string) error {
				return report(cmd, "replayed from behind it", args[0], letters.Discard)
			}),
		})
	return command
}

// oneID wants a letter's id.
func oneID(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("give the id of one letter, as `dead-letters list` shows it")
	}
	if _, err := strconv.ParseInt(args[0], 10, 64); err != nil {
		return fmt.Errorf("%q is not the id of a letter: that is a number", args[0])
	}
	return nil
}

func report(cmd *cobra.Command, what, arg string, do func(context.Context, int64) (int, error)) error {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil {
		return err
	}
	n, err := do(cmd.Context(), id)
	if err != nil && n == 0 {
		return err
	}
	_, printErr := fmt.Fprintf(cmd.OutOrStdout(), "letters %s: %d\n", what, n)
	return errors.Join(err, printErr)
}

// printLetters quotes what came from the topic: it may hold anything, a terminal's control
// characters too.
func printLetters(w io.Writer, letters []Letter) error {
	if len(letters) == 0 {
		_, err := fmt.Fprintln(w, "no dead letters wait")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tKIND\tORIGIN\tKEY\tBYTES\tATTEMPTS\tRECORDED\tERROR")
	for _, l := range letters {
		firstLine, _, _ := strings.Cut(l.Error, "\n")
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s/%d/%d\t%.60q\t%d\t%d\t%s\t%.200q\n", l.ID, l.Kind, l.Topic, l.Partition, l.Offset,
			l.Key, len(l.Payload), l.Attempts, l.RecordedAt.Format(time.RFC3339), firstLine)
	}
	return table.Flush()
}
