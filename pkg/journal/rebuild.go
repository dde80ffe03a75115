package journal

import (
	"context"
	"time"
)

// Rebuild rebuilds a service's read models from its own journal while the service runs: it refolds every
// stream in place, and then deletes the rows without a stream, so that pages are never empty.
type Rebuild struct {
	Journal    *Journal
	Projectors []Projector
	Copies     []CopyTable // in the order in which they are made; several may have the same Prefix
}

// Run calls progress (may be nil) now and then, and returns how many rows were deleted from each table.
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
	var meter meter
	began, before := time.Now(), int64(0)
	for _, prefix := range prefixes {
		last := before
		err := r.Journal.refold(ctx, prefix, func(events int64) {
			last = before + events
			if progress != nil {
				progress(meter.note(began, time.Now(), last, max(of, last)))
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
