package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// restartPause is how long a service stays away that was killed, so that one can see what becomes of it.
const restartPause = time.Second

// keep watches what runs until ctx ends, which is no error, or something ends by itself. A service that was
// killed, or was told to stop by somebody else, is started again by restart, which returns it once it is
// ready. One that fails is not, nor one that does not get ready again: everything ends with its error.
func (l *launcher) keep(ctx context.Context, running *stack, restart func(ctx context.Context, name string) (*process, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	failed := make(chan error)
	var restarts sync.WaitGroup
	defer restarts.Wait() // whatever is started again is in running by then, or has stopped
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case name := <-running.died():
			child := running.process(name)
			if child == nil {
				return fmt.Errorf("%s ended by itself", name)
			}
			if !child.wasStopped() {
				return child.death()
			}
			l.out.print("%s; it is started again", child.death())
			restarts.Go(func() {
				if err := l.startAgain(ctx, running, name, restart); err != nil && ctx.Err() == nil {
					select {
					case failed <- err:
					case <-ctx.Done():
					}
				}
			})
		}
	}
}

func (l *launcher) startAgain(
	ctx context.Context, running *stack, name string, restart func(ctx context.Context, name string) (*process, error),
) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(restartPause):
	}
	child, err := restart(ctx, name)
	if err != nil {
		return err
	}
	running.replaceProcess(child)
	l.out.print("%s is ready again", name)
	return nil
}

// restartService starts a service again, and waits until it is ready.
func (l *launcher) restartService(p parts) func(ctx context.Context, name string) (*process, error) {
	return func(ctx context.Context, name string) (*process, error) {
		for _, s := range services {
			if s.name != name {
				continue
			}
			child, err := l.startService(s, p)
			if err != nil {
				return nil, err
			}
			if err := child.ready(ctx, s.local()+"/readyz", readyPatience); err != nil {
				child.stop(stopGrace)
				return nil, err
			}
			return child, nil
		}
		return nil, fmt.Errorf("%s is no service", name)
	}
}

// wasStopped reports whether a process that has ended did so because somebody else wanted it: by a signal,
// or as services do when they are told to stop, with exit status 0.
func (p *process) wasStopped() bool {
	exit, failed := errors.AsType[*exec.ExitError](p.err)
	if !failed {
		return p.err == nil
	}
	status, is := exit.Sys().(syscall.WaitStatus)
	return is && status.Signaled()
}
