package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"countersign.example/pkg/wait"
	"countersign.example/test/faultrun/fault"
)

const (
	atOnce     = 3               // faults that are there at once, at most
	healWithin = 2 * time.Minute // how long it may take to heal one
)

// pause is how long after one fault begins the next one does.
var pause = [2]time.Duration{300 * time.Millisecond, 4 * time.Second}

// schedule has faults come and go, by a seed: the same seed makes the same faults after the same pauses. When
// each of them is over depends on the machine.
type schedule struct {
	seed   uint64
	faults []fault.Fault
	healed func(kind string)
	loses  func(since time.Time) // what was done since then may be lost

	mu     sync.Mutex
	busy   map[string]bool // parts
	counts map[string]int  // by kind
	failed []string
	log    []string
	began  time.Time
	begun  atomic.Int32
}

// kinds are the faults by kind, so that what has many parts does not come more often.
func (s *schedule) kinds() (names []string, by map[string][]fault.Fault) {
	by = map[string][]fault.Fault{}
	for _, f := range s.faults {
		if by[f.Kind] == nil {
			names = append(names, f.Kind)
		}
		by[f.Kind] = append(by[f.Kind], f)
	}
	return names, by
}

// run breaks things until ctx ends, and returns when all are healed.
func (s *schedule) run(ctx context.Context) {
	rnd := rand.New(rand.NewPCG(s.seed, 0))
	names, by := s.kinds()
	s.busy, s.counts, s.began = map[string]bool{}, map[string]int{}, time.Now()
	var under sync.WaitGroup
	places := make(chan struct{}, atOnce)
	if len(names) == 0 { // nothing is to break
		<-ctx.Done()
		return
	}
	for n := uint64(1); ; n++ {
		// All luck of one fault is its own: what one does does not depend on when others were over.
		luck := rand.New(rand.NewPCG(s.seed, n))
		of := by[names[rnd.IntN(len(names))]]
		f, after := of[rnd.IntN(len(of))], between(rnd, pause)
		if !wait.Sleep(ctx, after) {
			break
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			under.Wait()
			return
		}
		if !s.take(f) {
			<-places
			n-- // it is not counted; another one takes its place
			continue
		}
		s.begun.Add(1)
		under.Go(func() {
			defer func() { s.give(f); <-places }()
			s.one(ctx, f, luck)
		})
	}
	under.Wait()
}

// take takes all parts of a fault, or none.
func (s *schedule) take(f fault.Fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := append([]string{f.Part}, f.Also...)
	if slices.ContainsFunc(parts, func(part string) bool { return s.busy[part] }) {
		return false
	}
	for _, part := range parts {
		s.busy[part] = true
	}
	return true
}

func (s *schedule) give(f fault.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range append([]string{f.Part}, f.Also...) {
		delete(s.busy, part)
	}
}

// one is a fault from its beginning to its end.
func (s *schedule) one(ctx context.Context, f fault.Fault, luck *rand.Rand) {
	stays := between(luck, f.For)
	s.note("%s: %s, for %s", f.Part, f.Kind, stays.Round(time.Millisecond))
	began := time.Now()
	heal, err := f.Break(ctx, luck)
	if f.Loses {
		s.loses(began)
	}
	if err != nil {
		s.fail(ctx, f, "cannot be broken", err)
	}
	if stays > 0 {
		wait.Sleep(ctx, stays)
	}
	if heal != nil { // also when the run is over
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), healWithin)
		defer cancel()
		if err := heal(within); err != nil {
			s.fail(within, f, "does not heal", err)
			return
		}
	}
	if err == nil {
		s.mu.Lock()
		s.counts[f.Kind]++
		s.mu.Unlock()
		s.healed(f.Kind)
	}
}

func (s *schedule) fail(ctx context.Context, f fault.Fault, what string, err error) {
	if ctx.Err() != nil {
		return // the run is over
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = append(s.failed, fmt.Sprintf("%s: %s %s: %v", f.Part, f.Kind, what, err))
}

func (s *schedule) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf("%6.1fs ", time.Since(s.began).Seconds())+fmt.Sprintf(format, args...))
}

// result is what has happened, once run has returned.
func (s *schedule) result() (counts map[string]int, failed, log []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts, slices.Clone(s.failed), slices.Clone(s.log)
}

func between(rnd *rand.Rand, span [2]time.Duration) time.Duration {
	if span[1] <= span[0] {
		return span[0]
	}
	return span[0] + time.Duration(rnd.Int64N(int64(span[1]-span[0])))
}
