package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Component is one part of a running service. All functions are optional.
type Component struct {
	Name string
	// Start makes it ready and returns; a failure stops what was started before it.
	Start func(ctx context.Context) error
	// Run works until ctx ends. Returning earlier, even without an error, stops the service.
	Run func(ctx context.Context) error
	// Stop is called before the context of Run ends. Its context ends when the component's share of the time
	// to stop does; one that does not mind it is left behind.
	Stop func(ctx context.Context) error
}

// Group runs components in order. The zero value is not usable; see NewGroup.
type Group struct {
	log        *slog.Logger
	timeout    time.Duration
	components []Component
	leave      func() // says that nothing new should come
	delay      time.Duration
}

// NewGroup returns an empty group whose components may together take timeout to stop.
func NewGroup(log *slog.Logger, timeout time.Duration) *Group {
	return &Group{log: log, timeout: timeout}
}

// Add appends a component: it starts after, and stops before, those added earlier.
func (g *Group) Add(c Component) { g.components = append(g.components, c) }

// Go adds a component that only runs.
func (g *Group) Go(name string, run func(ctx context.Context) error) {
	g.Add(Component{Name: name, Run: run})
}

// OnStop adds a component that only has something to do at the end.
func (g *Group) OnStop(name string, stop func(ctx context.Context) error) {
	g.Add(Component{Name: name, Stop: stop})
}

// Drain has leave called before anything stops. If all had started and none has failed, everything goes on
// for delay after that: the time in which those who send traffic notice. It comes on top of the time to stop.
func (g *Group) Drain(leave func(), delay time.Duration) { g.leave, g.delay = leave, delay }

type running struct {
	Component
	cancel context.CancelFunc
	done   chan struct{} // closed when Run has returned
}

// Run starts everything, waits until ctx ends or a component does, and stops everything. It
// returns nil when ctx ended and all stopped in time, and returns in time in any case.
func (g *Group) Run(ctx context.Context) error {
	// Components outlive ctx: they are stopped one by one.
	base := context.WithoutCancel(ctx)
	ended := make(chan error, len(g.components))
	var started []*running
	var cause error
	for _, c := range g.components {
		if ctx.Err() != nil {
			break
		}
		if c.Start != nil {
			if err := c.Start(ctx); err != nil {
				if ctx.Err() == nil {
					cause = fmt.Errorf("start %s: %w", c.Name, err)
				}
				break
			}
		}
		runCtx, cancel := context.WithCancel(base)
		r := &running{Component: c, cancel: cancel, done: make(chan struct{})}
		started = append(started, r)
		go r.run(runCtx, ended)
	}
	if cause == nil {
		select {
		case <-ctx.Done():
		case cause = <-ended:
		}
	}
	if cause != nil {
		g.log.ErrorContext(ctx, "stopping, because a part failed", "error", cause)
	}
	if g.leave != nil {
		g.leave()
		if cause == nil && len(started) == len(g.components) { // what has failed has nothing to wait for
			time.Sleep(g.delay)
		}
	}
	return errors.Join(cause, g.stop(base, started))
}

func (r *running) run(ctx context.Context, ended chan<- error) {
	defer close(r.done)
	if r.Run == nil {
		return
	}
	err := r.Run(ctx)
	if ctx.Err() != nil {
		return // asked to; what it says about the cancelled context is no news
	}
	if err == nil {
		err = errors.New("ended by itself")
	}
	ended <- fmt.Errorf("%s: %w", r.Name, err)
}

// stop stops the components in reverse order, within one deadline. Each may take half of the time that is
// left, so that none takes all from those that stop after it. A slower one is cancelled, and the next one's
// turn comes. It is waited for again before a component stops that it may work with (one that only stops,
// such as a database), and at the end.
func (g *Group) stop(base context.Context, started []*running) error {
	ctx, cancel := context.WithTimeout(base, g.timeout)
	defer cancel()
	var errs []error
	var late []*running
	for _, r := range slices.Backward(started) {
		if r.Run == nil {
			late = await(ctx, late)
		}
		share, release := context.WithTimeout(ctx, untilEnd(ctx)/2)
		if err := r.stop(share); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", r.Name, err))
		}
		r.cancel()
		if !r.hasEnded(share) {
			g.log.WarnContext(ctx, "a part is slow to stop: the others go on", "part", r.Name)
			late = append(late, r)
		}
		release()
	}
	for _, r := range late {
		if !r.hasEnded(ctx) {
			errs = append(errs, fmt.Errorf("stop %s: still running after %s (SHUTDOWN_TIMEOUT)", r.Name, g.timeout))
		}
	}
	return errors.Join(errs...)
}

// await gives late components half of the time that is left, and returns those that are still late.
func await(ctx context.Context, late []*running) []*running {
	ctx, cancel := context.WithTimeout(ctx, untilEnd(ctx)/2)
	defer cancel()
	return slices.DeleteFunc(late, func(r *running) bool { return r.hasEnded(ctx) })
}

// untilEnd is what is left of ctx, which has a deadline.
func untilEnd(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline()
	return time.Until(deadline)
}

// stop calls Stop, and waits for it no longer than ctx.
func (r *running) stop(ctx context.Context) error {
	if r.Stop == nil {
		return nil
	}
	stopped := make(chan error, 1)
	go func() { stopped <- r.Stop(ctx) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-stopped: // it minds ctx and has something to say
		return err
	case <-time.After(stopGrace):
		return fmt.Errorf("has not stopped in its time: %w", ctx.Err())
	}
}

// stopGrace is how long a Stop may take to return once its context has ended.
const stopGrace = 50 * time.Millisecond

// hasEnded waits for Run to return, no longer than ctx.
func (r *running) hasEnded(ctx context.Context) bool {
	select {
	case <-r.done:
		return true
	default:
	}
	select {
	case <-r.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// Abandon stops what Add was given without ever having run, in reverse order: for a service
// that opened a database and then found that it cannot start.
func (g *Group) Abandon() error {
	var opened []*running
	for _, c := range g.components {
		// What has a Start was not started; there is nothing to stop.
		if c.Stop != nil && c.Start == nil {
			r := &running{Component: c, cancel: func() {}, done: make(chan struct{})}
			close(r.done)
			opened = append(opened, r)
		}
	}
	return g.stop(context.Background(), opened)
}
