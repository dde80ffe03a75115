package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"countersign.example/test/faultrun/ledger"
	"countersign.example/test/faultrun/tab"
)

// summary is what came of a run.
type summary struct {
	Seed        uint64
	Seconds     float64
	Faults      map[string]int
	Failed      []string // faults that could not be made, or not healed
	Commands    map[string]ledger.Counts
	Recovery    map[string]recovery
	Payments    int64
	Stories     int64
	GivenUp     int64
	Probes      int
	SentAgain   int
	Sockets     int
	Tabs        tab.Stats
	Differences ledger.Differences
	Diverged    int
	DeadLetters []string // that are not as they must be
	Stale       []string
	Leaks       []string
	Ended       []string // processes that nobody has ended
	Unwelcome   []string // answers that no fault excuses
	Compared    bool     // what is on record, and not only a part of it: without that nothing is known

	began time.Time
	log   []string
}

// step says how far the run is.
func (s *summary) step(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// report prints the summary, writes it beside the logs, and returns an error unless all is as it must be.
func (s *summary) report(cfg settings) error {
	s.Seconds = time.Since(s.began).Seconds()
	fmt.Print(s.text())
	data, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(cfg.dir, "summary.json"), append(data, '\n'), 0o644)
	}
	err = errors.Join(err, os.WriteFile(filepath.Join(cfg.dir, "faults.log"), []byte(strings.Join(s.log, "\n")+"\n"), 0o644))
	if bad := s.bad(); len(bad) > 0 {
		err = errors.Join(err, fmt.Errorf("not as it must be: %s (SEED=%d repeats it)", strings.Join(bad, ", "), cfg.seed))
	}
	return err
}

func (s *summary) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("\nFaults")
	for _, kind := range slices.Sorted(maps.Keys(s.Faults)) {
		r := s.Recovery[kind]
		line("  %-34s %5d   works again after %s, %s at most", kind, s.Faults[kind], short(r.P50), short(r.Max))
	}
	line("\nCommands                              done  refused  unknown")
	for _, kind := range slices.Sorted(maps.Keys(s.Commands)) {
		c := s.Commands[kind]
		line("  %-34s %5d  %7d  %7d", kind, c.Done, c.Refused, c.Unknown)
	}
	line("\n%d payments asked for, %d stories played, %d given up; %d commands sent again in quiet; %d payments of the probe.", s.Payments, s.Stories, s.GivenUp, s.SentAgain, s.Probes)
	line("%d pages kept open: %d connections, %d messages, %d resets, fetched %d times by themselves.", s.Sockets, s.Tabs.Connections, s.Tabs.Messages, s.Tabs.Resets, s.Tabs.Fetches)
	for what, list := range map[string][]string{"lost": s.Differences.Lost, "doubled": s.Differences.Doubled, "answered otherwise": s.Differences.Otherwise, "stale": s.Stale, "dead letter": s.DeadLetters,
		"more than in the beginning": s.Leaks, "ended by itself": s.Ended, "answered with 500": s.Unwelcome, "fault": s.Failed} {
		const most = 10
		for _, one := range list[:min(most, len(list))] {
			line("%s: %s", what, one)
		}
	}
	if !s.Compared {
		line("\nThe run ended before the records were compared: it says nothing of what is lost, doubled, diverged or stale.  (SEED=%d, %.0f s)", s.Seed, s.Seconds)
		return b.String()
	}
	line("\nlost %d, doubled %d, diverged %d, stale %d  (SEED=%d, %.0f s)", len(s.Differences.Lost), len(s.Differences.Doubled)+len(s.Differences.Otherwise),
		s.Diverged+len(s.DeadLetters), len(s.Stale), s.Seed, s.Seconds)
	return b.String()
}

func short(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }

// bad is what is not as it must be.
func (s *summary) bad() (words []string) {
	if !s.Compared {
		words = append(words, "the records were not compared")
	}
	for _, of := range []struct {
		what string
		n    int
	}{
		{"lost", len(s.Differences.Lost)}, {"doubled", len(s.Differences.Doubled)}, {"answered otherwise", len(s.Differences.Otherwise)},
		{"diverged", s.Diverged}, {"dead letters that should be otherwise", len(s.DeadLetters)}, {"stale", len(s.Stale)}, {"hold more than in the beginning", len(s.Leaks)}, {"ended by themselves", len(s.Ended)},
		{"answered with 500", len(s.Unwelcome)}, {"faults that did not break or heal", len(s.Failed)},
	} {
		if of.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", of.n, of.what))
		}
	}
	return words
}
