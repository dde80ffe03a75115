package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign.example/pkg/embedded"
)

const (
	readyPatience = 60 * time.Second
	stopGrace     = 15 * time.Second // more than a service's own SHUTDOWN_TIMEOUT
)

// run starts everything and keeps it until a signal comes or something fails.
func (l *launcher) run(signalled context.Context) (err error) {
	began := time.Now()
	release, err := l.own()
	if err != nil {
		return err
	}
	defer release()
	// Ours alone now: whatever still runs on this data outlived its launcher, and holds a port.
	if err := embedded.StopOrphan(l.postgresDir()); err != nil {
		return err
	}
	if err := checkPorts(claims()); err != nil {
		return err
	}
	running := &stack{}
	defer func() {
		if running.len() > 0 {
			l.out.print("stopping")
		}
		running.stop()
		l.out.print("stopped")
		if died, is := errors.AsType[*deathError](err); is { // main prints last who it was
			l.out.print("what %s had said last:\n%s", died.name, died.tail)
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
	both.Go(func() error { return l.build(ctx, withProvider()) })
	both.Go(func() (err error) {
		start := l.startParts
		if scheme == "https" {
			start = l.startSecuredParts
		}
		p, err = start(signalled, running)
		return err
	})
	if err := both.Wait(); err != nil {
		return asked(err)
	}
	for name, address := range p.databases {
		// Who serves may come once migrate has said so.
		if err := embedded.Durable(signalled, cmp.Or(address.owner, address.serving)); err != nil {
			return asked(fmt.Errorf("the database of %s: %w", name, err))
		}
	}
	if p.secured != nil {
		if err := l.secure(signalled, p); err != nil {
			return asked(err)
		}
	}
	if err := l.migrate(signalled, p); err != nil {
		return asked(err)
	}
	closeBreaks, err := l.prepareBreaks(&p, running)
	if err != nil {
		return err
	}
	if err := l.writeSettings(p); err != nil {
		return err
	}
	if err := l.startProvider(signalled, p, running); err != nil {
		return asked(err)
	}
	if err := l.startServices(signalled, p, running); err != nil {
		return asked(err)
	}
	running.push("what breaks parts", nil, closeBreaks)
	l.announce(p, time.Since(began))

	// The seed waits for money, which moves when PAYOUT_GRACE has passed; nobody needs to wait for the seed.
	until, end := context.WithCancel(signalled)
	defer end()
	beside, ctx := errgroup.WithContext(until)
	beside.Go(func() error { return l.keep(ctx, running, l.restartService(p)) })
	beside.Go(func() error {
		if len(l.command) == 0 {
			return l.seed(ctx, p)
		}
		defer end()
		return runCommand(ctx, l.command, p.secured.test())
	})
	return asked(beside.Wait())
}

// migrate brings every service's database and topics up to date, all at once.
func (l *launcher) migrate(ctx context.Context, p parts) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, s := range services {
		all.Go(func() error {
			child, err := l.start(s.name, s.colour, append(s.environment(p), s.migration(p)...), l.path("bin", s.name), "migrate")
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
func (l *launcher) startServices(ctx context.Context, p parts, running *stack) error {
	for _, stage := range [][]service{{sandboxGateway}, {paymentsCore, orderingCore}, {contractorUI, managerUI}} {
		all, ctx := errgroup.WithContext(ctx)
		for _, s := range stage {
			child, err := l.startService(s, p)
			if err != nil {
				return err
			}
			running.pushProcess(child)
			all.Go(func() error { return child.ready(ctx, s.local()+"/readyz", readyPatience) })
		}
		if err := all.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (l *launcher) startService(s service, p parts) (*process, error) {
	return l.start(s.name, s.colour, s.environment(p), l.path("bin", s.name), "all")
}

func (l *launcher) announce(p parts, took time.Duration) {
	l.out.print("")
	l.out.print("Countersign is ready after %s", took.Round(100*time.Millisecond))
	l.out.print("  contractors   %s", contractorUI.url())
	l.out.print("  managers      %s", managerUI.url())
	if withProvider() {
		l.out.print("  signing in    %s (ada, jon, sara, mia or tom; the password is countersign)", identityProvider.url())
	}
	l.out.print("  payments API  %s", paymentsCore.url())
	l.out.print("  orders API    %s", orderingCore.url())
	l.out.print("  gateway       %s (sandbox)", sandboxGateway.url())
	if p.secured == nil {
		l.out.print("  Kafka         %s (look inside: make topics, make tail TOPIC=payments)", p.brokers())
	} else {
		l.out.print("  Kafka         %s, by TLS (its users and their passwords: %s)", p.brokers(), p.secured.kafkaSecrets)
		l.out.print("A browser warns of the certificates until it trusts %s", p.secured.caFile)
	}
	l.out.print("Ctrl-C stops everything; the data stay in %s (make reset forgets them)", filepath.Join(".local", l.folder))
	l.out.print("")
}
