// Package wait waits: for a time, for a notification, and until something works.
package wait

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Sleep waits for d or for ctx to end, and reports whether ctx goes on.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// Signal notifies whoever receives from c, now or when it next receives. c holds one notification.
func Signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// BackOff grows from 50 ms to longest, with jitter.
func BackOff(longest time.Duration) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 50*time.Millisecond, longest
	return b
}

// Until calls try until it returns nil, with growing pauses of longest at most, and tells failed of each
// error. It returns false when ctx ends before.
func Until(ctx context.Context, longest time.Duration, try func() error, failed func(err error, first bool)) bool {
	pause := BackOff(longest)
	for first := true; ; first = false {
		err := try()
		if err == nil {
			return true
		}
		failed(err, first)
		if !Sleep(ctx, pause.NextBackOff()) {
			return false
		}
	}
}
