package testsystem

import (
	"testing"
	"time"
)

// patience is how long something may take that should happen by itself: a consumer group, for example,
// waits 10 s for a member that was killed.
const patience = 45 * time.Second

// Eventually repeats try until it returns nil, and fails the test with its last error when that
// takes too long.
func Eventually(tb testing.TB, what string, try func() error) {
	tb.Helper()
	within(tb, patience, what, try)
}

func within(tb testing.TB, patience time.Duration, what string, try func() error) {
	tb.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			tb.Fatalf("not within %s: %s: %v", patience, what, err)
		case <-tb.Context().Done():
			tb.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}
