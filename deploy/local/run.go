package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign.example/pkg/embedded"
)

const (
	readyPatience = 60 * time.Second
	stopGrace     = 15 * time.Second // more than a service's own SHUTDOWN_TIMEOUT
)

// run starts everything and keeps it until a signal comes or something dies.
func (h *house) run(signalled context.Context) (err error) {
	began := time.Now()
	release, err := h.own()
	if err != nil {
		return err
	}
	defer release()
	// Ours alone now: whatever still runs on this data outlived its launcher, and holds a port.
	if err := embedded.StopOrphan(h.postgresDir()); err != nil {
		return err
	}
	if err := checkPorts(claims()); err != nil {
		return err
	}
	running := &stack{}
	defer func() {
		if running.len() > 0 {
			h.out.say("stopping")
		}
		running.stop()
		h.out.say("stopped")
		if died, is := errors.AsType[*deathError](err); is { // main prints last who it was
			h.out.say("what %s had said last:\n%s", died.name, died.tail)
		}
	}()
	// A signal while things start is no failure either.
	asked := func(err error) error {
		if signalled.Err() != nil && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}

	// Building and starting the parts have nothing to do with each other.
	var p parts
	both, ctx := errgroup.WithContext(signalled)
	both.Go(func() error { return h.build(ctx) })
	both.Go(func() (err error) {
		p, err = h.startParts(signalled, running)
		return err
	})
	if err := both.Wait(); err != nil {
		return asked(err)
	}
	for name, address := range p.databases {
		if err := embedded.Durable(signalled, address); err != nil {
			return asked(fmt.Errorf("the database of %s: %w", name, err))
		}
	}
	if err := h.migrate(signalled, p); err != nil {
		return asked(err)
	}
	if err := h.writeSettings(p); err != nil {
		return err
	}
	if err := h.startServices(signalled, p, running); err != nil {
		return asked(err)
	}
	if err := h.seed(signalled, p); err != nil {
		return asked(err)
	}
	h.announce(p, time.Since(began))

	select {
	case <-signalled.Done():
		return nil
	case name := <-running.died():
		for _, child := range running.processes() {
			if child.name == name {
				return child.death()
			}
		}
		return fmt.Errorf("%s ended by itself", name)
	}
}

// migrate brings every service's database and topics up to date, all at once.
func (h *house) migrate(ctx context.Context, p parts) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, s := range services {
		all.Go(func() error {
			child, err := h.start(s.name, s.colour, s.environment(p), h.path("bin", s.name), "migrate")
			if err != nil {
				return err
			}
			return child.finish(ctx)
		})
	}
	return all.Wait()
}

// startServices starts each when the ones before it are ready. The two cores need nothing of each other, and
// neither do the two web apps.
func (h *house) startServices(ctx context.Context, p parts, running *stack) error {
	for _, stage := range [][]service{{sandboxGateway}, {paymentsCore, orderingCore}, {contractorUI, managerUI}} {
		all, ctx := errgroup.WithContext(ctx)
		for _, s := range stage {
			child, err := h.start(s.name, s.colour, s.environment(p), h.path("bin", s.name), "all")
			if err != nil {
				return err
			}
			running.pushProcess(child)
			all.Go(func() error { return child.ready(ctx, s.url()+"/readyz", readyPatience) })
		}
		if err := all.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) announce(p parts, took time.Duration) {
	h.out.say("")
	h.out.say("Countersign is ready after %s", took.Round(100*time.Millisecond))
	h.out.say("  contractors   %s", contractorUI.url())
	h.out.say("  managers      %s", managerUI.url())
	h.out.say("  payments API  %s", paymentsCore.url())
	h.out.say("  orders API    %s", orderingCore.url())
	h.out.say("  gateway       %s (sandbox)", sandboxGateway.url())
	h.out.say("  Kafka         %s (look inside: make topics, make tail TOPIC=payments)", p.kafka)
	h.out.say("Ctrl-C stops everything; the data stay in .local/ (make reset forgets them)")
	h.out.say("")
}
