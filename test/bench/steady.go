package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// measured is one run's outcome.
type measured struct {
	rate, first, second float64 // done per second; in the two halves, where they are told apart
	count               int64
	posts               []time.Duration
	cpu                 map[string]time.Duration // by part, of all together
}

// cpuCells are the parts' CPU times for each of what was done, and their sum.
func (m measured) cpuCells(name string, parts ...string) []string {
	cells := []string{name}
	var sum time.Duration
	for _, part := range parts {
		each := m.cpu[part] / time.Duration(max(m.count, 1))
		sum += each
		cells = append(cells, fmt.Sprintf("%.2f", each.Seconds()*1000))
	}
	return append(cells, fmt.Sprintf("%.2f", sum.Seconds()*1000))
}

// client does one thing after another until its run ends, and then closes.
type client struct {
	do    func(ctx context.Context) error
	close func()
}

// steady has so many clients do what they do, one thing at a time each, and measures once they have warmed
// up.
func steady(ctx context.Context, clients int, warmUp, within time.Duration, begin func(context.Context) (client, error)) (m measured, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var done atomic.Int64
	var took samples[time.Duration]
	var measuring atomic.Bool
	var working, ready sync.WaitGroup
	errs, start := make(chan error, clients), make(chan struct{})
	ready.Add(clients)
	for range clients {
		working.Go(func() {
			c, err := begin(ctx)
			ready.Done()
			<-start
			for err == nil && ctx.Err() == nil {
				began := time.Now()
				if err = c.do(ctx); err == nil && measuring.Load() {
					done.Add(1)
					took.add(time.Since(began))
				}
			}
			if c.close != nil {
				c.close()
			}
			if ctx.Err() == nil {
				errs <- err
			}
		})
	}
	defer working.Wait()
	defer cancel()
	ready.Wait()
	close(start)
	if err := pause(ctx, warmUp, errs); err != nil {
		return m, err
	}
	measuring.Store(true)
	usage := startUsage(ctx)
	if err := pause(ctx, within, errs); err != nil {
		return m, err
	}
	m.count, m.cpu = done.Load(), usage.since()
	m.rate = float64(m.count) / time.Since(usage.began).Seconds()
	measuring.Store(false)
	cancel()
	working.Wait()
	m.posts = took.all
	return m, nil
}

// pause lets others work, until one of them fails.
func pause(ctx context.Context, d time.Duration, failed <-chan error) error {
	select {
	case <-time.After(d):
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
