package operator

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"countersign.example/pkg/journal"
)

// reportEvery is how often the command prints how far it is.
const reportEvery = time.Second

// RebuildCommand is `rebuild` of a service.
func RebuildCommand(open Open[journal.Rebuild]) *cobra.Command {
	return &cobra.Command{
		Use: "rebuild", Short: "Make the copies again from this service's own journal, while it runs", Args: cobra.NoArgs,
		RunE: with(open, func(cmd *cobra.Command, r journal.Rebuild, _ []string) error {
			return rebuild(cmd.Context(), r, cmd.OutOrStdout())
		}),
	}
}

// rebuild runs and reports.
func rebuild(ctx context.Context, r journal.Rebuild, w io.Writer) error {
	began := time.Now()
	reported, last := began, journal.Progress{}
	removed, err := r.Run(ctx, func(p journal.Progress) {
		if last = p; time.Since(reported) >= reportEvery {
			reported = time.Now()
			_, _ = fmt.Fprintln(w, p)
		}
	})
	if err != nil {
		return fmt.Errorf("the copies are rebuilt up to %s; run it again to go through all of them: %w",
			journal.Progress{Done: last.Done, Of: last.Of}, err)
	}
	var wrong int64
	if r.Mend != nil {
		if wrong, err = r.Mend(ctx); err != nil {
			return fmt.Errorf("the copies are rebuilt, but not what is kept beside them; run it again: %w", err)
		}
	}
	took := time.Since(began)
	last.Rate = float64(last.Done) / max(took.Seconds(), 0.001)
	_, err = fmt.Fprintf(w, "%s events in %s, %s\n", journal.Thousands(last.Done), took.Round(time.Millisecond), last.RateText())
	for i, c := range r.Copies {
		if removed[i] > 0 && err == nil {
			_, err = fmt.Fprintf(w, "%s: %s rows without a stream removed\n", c.Table, journal.Thousands(removed[i]))
		}
	}
	if wrong > 0 && err == nil {
		_, err = fmt.Fprintf(w, "%s sums of lists put right\n", journal.Thousands(wrong))
	}
	return err
}
