package journal

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// Rebuild makes a service's copies anew from its own journal, in service: every stream is refolded in place, and then the rows
// without a stream are removed, so that pages are never empty.
type Rebuild struct {
	Journal    *Journal
	Projectors []Projector
	Copies     []CopyTable // in the order in which they are made; several may have the same Prefix
}

// Run tells progress (may be nil) now and then, and returns how many rows were removed from each table.
func (r Rebuild) Run(ctx context.Context, progress func(Progress)) (removed []int64, err error) {
	prefixes := r.prefixes()
	var of int64
	for _, prefix := range prefixes {
		events, err := r.Journal.count(ctx, prefix)
		if err != nil {
			return nil, err
		}
		of += events
	}
	var meter Meter
	began, before := time.Now(), int64(0)
	for _, prefix := range prefixes {
		last := before
		err := r.Journal.Refold(ctx, prefix, func(events int64) {
			last = before + events
			if progress != nil {
				progress(meter.Note(began, time.Now(), last, max(of, last)))
			}
		}, r.Projectors...)
		if err != nil {
			return nil, err
		}
		before = last
	}
	for _, table := range r.Copies {
		n, err := r.Journal.Sweep(ctx, table)
		if err != nil {
			return nil, err
		}
		removed = append(removed, n)
	}
	return removed, nil
}

func (r Rebuild) prefixes() []string {
	var prefixes []string
	seen := map[string]bool{}
	for _, c := range r.Copies {
		if !seen[c.Prefix] {
			seen[c.Prefix] = true
			prefixes = append(prefixes, c.Prefix)
		}
	}
	return prefixes
}

// tellEvery is how often the command prints how far it is.
const tellEvery = time.Second

// RebuildCommand is `rebuild` of a service. open is called when it runs; the function it returns is called at the end.
func RebuildCommand(open func(ctx context.Context) (Rebuild, func(), error)) *cobra.Command {
	return &cobra.Command{
		Use: "rebuild", Short: "Make the copies anew from this service's own journal, while it runs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, closeAll, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer closeAll()
			return r.tell(cmd.Context(), cmd.OutOrStdout())
		},
	}
}

// tell runs and prints.
func (r Rebuild) tell(ctx context.Context, w io.Writer) error {
	began := time.Now()
	told, last := began, Progress{}
	removed, err := r.Run(ctx, func(p Progress) {
		if last = p; time.Since(told) >= tellEvery {
			told = time.Now()
			_, _ = fmt.Fprintln(w, p)
		}
	})
	if err != nil {
		return fmt.Errorf("the copies are rebuilt up to %s; run it again to go through all of them: %w", Progress{Done: last.Done, Of: last.Of}, err)
	}
	took := time.Since(began)
	last.Rate = float64(last.Done) / max(took.Seconds(), 0.001)
	_, err = fmt.Fprintf(w, "%s events in %s, %s events/s\n", thousands(last.Done), took.Round(time.Millisecond), thousands(rounded(last.Rate)))
	for i, c := range r.Copies {
		if removed[i] > 0 && err == nil {
			_, err = fmt.Fprintf(w, "%s: %s rows without a stream removed\n", c.Table, thousands(removed[i]))
		}
	}
	return err
}
