package operator

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"countersign.example/pkg/journal/inbox"
)

// DeadLettersCommand is `dead-letters list|replay|discard|free` of a service.
func DeadLettersCommand(open Open[*inbox.DeadLetterStore]) *cobra.Command {
	changing := func(do func(cmd *cobra.Command, deadLetters *inbox.DeadLetterStore, args []string) error) func(*cobra.Command, []string) error {
		return with(open, func(cmd *cobra.Command, deadLetters *inbox.DeadLetterStore, args []string) error {
			if deadLetters.Check != nil {
				if err := deadLetters.Check(cmd.Context()); err != nil {
					return err
				}
			}
			return do(cmd, deadLetters, args)
		})
	}
	command := &cobra.Command{
		Use:   "dead-letters",
		Short: "Look at messages that could not be recorded, and replay or discard them",
	}
	list := &cobra.Command{
		Use: "list", Short: "List the dead letters that wait", Args: cobra.NoArgs,
	}
	limit := list.Flags().Int("limit", 100, "how many, oldest first")
	list.Args = func(cmd *cobra.Command, args []string) error {
		if *limit < 1 {
			return fmt.Errorf("--limit is %d: say how many, 1 at least", *limit)
		}
		return cobra.NoArgs(cmd, args)
	}
	list.RunE = with(open, func(cmd *cobra.Command, deadLetters *inbox.DeadLetterStore, _ []string) error {
		found, err := deadLetters.List(cmd.Context(), *limit)
		if err != nil {
			return err
		}
		stranded, err := deadLetters.Stranded(cmd.Context())
		if err != nil {
			return err
		}
		return errors.Join(printDeadLetters(cmd.OutOrStdout(), found), printStranded(cmd.OutOrStdout(), stranded))
	})
	replay := &cobra.Command{
		Use: "replay <id> | --all | --refused [--since TIME]", Short: "Record a dead letter's event at its place, and what is parked behind it",
	}
	all := replay.Flags().Bool("all", false, "every dead letter that holds a key, oldest first")
	refused := replay.Flags().Bool("refused", false, "every refused dead letter that today's rules take, those of a key in the topic's order")
	since := replay.Flags().Time("since", time.Time{}, []string{time.RFC3339}, "with --refused: only what was refused then or later, such as 2026-12-24T12:00:00Z")
	replay.MarkFlagsMutuallyExclusive("all", "refused")
	replay.Args = func(cmd *cobra.Command, args []string) error {
		switch {
		case cmd.Flags().Changed("since") && !*refused:
			return errors.New("--since is for --refused")
		case (*all || *refused) && len(args) > 0:
			return errors.New("--all and --refused take no id")
		case *all || *refused:
			return nil
		}
		return oneID(cmd, args)
	}
	replay.RunE = changing(func(cmd *cobra.Command, deadLetters *inbox.DeadLetterStore, args []string) error {
		switch {
		case *all:
			n, err := deadLetters.ReplayAll(cmd.Context())
			return report(cmd, "replayed", n, err)
		case *refused:
			n, err := deadLetters.ReplayRefused(cmd.Context(), *since)
			return report(cmd, "replayed", n, err)
		}
		n, err := deadLetters.Replay(cmd.Context(), idOf(args))
		return reportOne(cmd, idOf(args), "recorded", "replayed", n, err)
	})
	replay.SetFlagErrorFunc(idAsFlag)
	discard := &cobra.Command{
		Use: "discard <id>", Short: "Give a dead letter up for good, and replay what is parked behind it", Args: oneID,
		RunE: changing(func(cmd *cobra.Command, deadLetters *inbox.DeadLetterStore, args []string) error {
			n, err := deadLetters.Discard(cmd.Context(), idOf(args))
			return reportOne(cmd, idOf(args), "discarded", "replayed from behind it", n, err)
		}),
	}
	discard.SetFlagErrorFunc(idAsFlag)
	command.AddCommand(list, replay, discard,
		&cobra.Command{
			Use: "free", Short: "Free the keys that are quarantined although no poison message holds them, and replay what is parked", Args: cobra.NoArgs,
			RunE: changing(func(cmd *cobra.Command, deadLetters *inbox.DeadLetterStore, _ []string) error {
				keys, n, err := deadLetters.Free(cmd.Context())
				return report(cmd, fmt.Sprintf("replayed from behind %d keys that were freed", keys), n, err)
			}),
		})
	return command
}

// oneID wants a dead letter's id.
func oneID(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("give the id of one dead letter, as `dead-letters list` shows it")
	}
	if id, err := strconv.ParseInt(args[0], 10, 64); err != nil || id < 1 {
		return fmt.Errorf("%q is not the id of a dead letter: that is a number, 1 or more", args[0])
	}
	return nil
}

// idAsFlag says what an id is where one is read as a flag, such as -1.
func idAsFlag(_ *cobra.Command, err error) error {
	if !strings.Contains(err.Error(), "shorthand") {
		return err
	}
	return fmt.Errorf("%w; the id of a dead letter is a number, 1 or more, as `dead-letters list` shows it", err)
}

// reportOne reports what became of one dead letter, and of those behind it. Its error is that of the one
// letter. That another one has failed again is only reported.
func reportOne(cmd *cobra.Command, id int64, done, behind string, n int, err error) error {
	again, failedAgain := errors.AsType[*inbox.FailedAgainError](err)
	if err != nil && (failedAgain && again.DeadLetter == id || !failedAgain && n == 0) {
		return report(cmd, behind, n, err)
	}
	_, printErr := fmt.Fprintf(cmd.OutOrStdout(), "dead letter %d is %s\n", id, done)
	if err := report(cmd, behind, n, nil); err != nil {
		return err
	}
	if interrupted(err) {
		return err
	}
	if err != nil {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), err)
	}
	return printErr
}

// interrupted reports whether err says more than that dead letters failed again.
func interrupted(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(joined.Unwrap(), interrupted)
	}
	_, again := errors.AsType[*inbox.FailedAgainError](err)
	return err != nil && !again
}

// idOf is the id that oneID has let pass.
func idOf(args []string) int64 {
	id, _ := strconv.ParseInt(args[0], 10, 64)
	return id
}

func report(cmd *cobra.Command, what string, n int, err error) error {
	if err != nil && n == 0 {
		return err
	}
	_, printErr := fmt.Fprintf(cmd.OutOrStdout(), "dead letters %s: %d\n", what, n)
	return errors.Join(err, printErr)
}

// printStranded says of each key what to do.
func printStranded(w io.Writer, keys []inbox.StrandedKey) error {
	if len(keys) == 0 {
		return nil
	}
	for _, k := range keys {
		_, _ = fmt.Fprintf(w, "key %.200q of %s is quarantined since %s, with %d dead letters, although no poison message holds it\n",
			k.Key, k.Topic, k.Since.UTC().Format(time.RFC3339), k.Waiting)
	}
	_, err := fmt.Fprintln(w, "`dead-letters free` frees such keys and records what waits")
	return err
}

// printDeadLetters quotes what came from the topic, which may hold anything, such as a terminal's control
// characters.
func printDeadLetters(w io.Writer, deadLetters []inbox.DeadLetter) error {
	if len(deadLetters) == 0 {
		_, err := fmt.Fprintln(w, "no dead letters wait")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tKIND\tORIGIN\tKEY\tBYTES\tATTEMPTS\tRECORDED\tERROR")
	for _, l := range deadLetters {
		firstLine, _, _ := strings.Cut(l.Error, "\n")
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s/%d/%d\t%.60q\t%d\t%d\t%s\t%.200q\n", l.ID, l.Kind, l.Topic, l.Partition, l.Offset,
			l.Key, len(l.Payload), l.Attempts, l.RecordedAt.Format(time.RFC3339), firstLine)
	}
	return table.Flush()
}
