package main

import (
	"context"
	"sync"
	"time"
)

// awaited is what is to arrive somewhere, by a key of its own, and when it has.
type awaited struct {
	mu    sync.Mutex
	times map[string]chan time.Time
}

func (a *awaited) expect(key string) <-chan time.Time {
	c := make(chan time.Time, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.times == nil {
		a.times = map[string]chan time.Time{}
	}
	a.times[key] = c
	return c
}

func (a *awaited) arrived(key string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.times[key]; ok {
		c <- at
		delete(a.times, key)
	}
}

// when is the time at which it arrives.
func when(ctx context.Context, arrived <-chan time.Time) (time.Time, error) {
	select {
	case at := <-arrived:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
}
