package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Component is one part of a running service. All functions are optional.
type Component struct {
	Name string
	// Start makes it ready and returns; a failure stops what was started before it.
	Start func(ctx context.Context) error
	// Run works until ctx ends. Returning earlier, even without an error, stops the service.
	Run func(ctx context.Context) error
	// Stop is called before the context of Run ends, with what is left of the time to stop.
	Stop func(ctx context.Context) error
}

// Group runs components in order. The zero value is not usable; see NewGroup.
type Group struct {
	log        *slog.Logger
	timeout    time.Duration
	components []Component
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

type running struct {
	Component
	cancel context.CancelFunc
	done   chan struct{} // closed when Run has returned
}

// Run starts everything, waits until ctx ends or a component does, and stops everything. It
// returns nil when ctx ended and all stopped in time.
func (g *Group) Run(ctx context.Context) error {
	// Components outlive ctx: they are told to stop one by one.
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

// stop ends the components in reverse order, sharing one deadline.
func (g *Group) stop(base context.Context, started []*running) error {
	ctx, cancel := context.WithTimeout(base, g.timeout)
	defer cancel()
	var errs []error
	for i := len(started) - 1; i >= 0; i-- {
		r := started[i]
		if r.Stop != nil {
			if err := r.Stop(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", r.Name, err))
			}
		}
		r.cancel()
		select {
		case <-r.done:
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("stop %s: still running after %s (SHUTDOWN_TIMEOUT)", r.Name, g.timeout))
		}
	}
	return errors.Join(errs...)
}

// Abandon stops what Add was given without ever having run, in reverse order: for a service
// that opened a database and then found that it cannot start.
func (g *Group) Abandon() error {
	ctx, cancel := context.WithTimeout(context.Background(), g.timeout)
	defer cancel()
	var errs []error
	for i := len(g.components) - 1; i >= 0; i-- {
		// What has a Start was not started; there is nothing to stop.
		if c := g.components[i]; c.Stop != nil && c.Start == nil {
			errs = append(errs, c.Stop(ctx))
		}
	}
	return errors.Join(errs...)
}
