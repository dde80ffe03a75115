package servicetest

import (
	"sync/atomic"
	"testing"
	"time"
)

// Stopwatch measures how long something takes, also on a machine that has others to serve: the time in which
// a goroutine that wanted to go on did not get to run does not count.
type Stopwatch struct {
	began  time.Time
	waited atomic.Int64
}

// StartStopwatch starts one, which runs until the test ends.
func StartStopwatch(tb testing.TB) *Stopwatch {
	const tick, usual = 5 * time.Millisecond, time.Millisecond // how late a timer is on an idle machine, at most
	s := &Stopwatch{began: time.Now()}
	ended := make(chan struct{})
	tb.Cleanup(func() { close(ended) })
	go func() {
		for last := s.began; ; {
			select {
			case <-ended:
				return
			case <-time.After(tick):
			}
			now := time.Now()
			if late := now.Sub(last) - tick; late > usual {
				s.waited.Add(int64(late))
			}
			last = now
		}
	}()
	return s
}

// Took is the time since the start, less what the machine had no time for.
func (s *Stopwatch) Took() time.Duration {
	return time.Since(s.began) - time.Duration(s.waited.Load())
}
