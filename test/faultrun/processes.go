package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/test/faultrun/fault"
)

// processFaults are what happens to processes: each is killed, or suspended for longer than a lease (9 s), a
// consumer group's patience (10 s) and what an app waits for (7 s).
func (s *system) processFaults() (faults []fault.Fault) {
	for _, p := range s.processes {
		faults = append(faults, fault.Fault{
			Kind: "process killed", Part: p.name, For: [2]time.Duration{100 * time.Millisecond, 6 * time.Second},
			Break: func(context.Context, *rand.Rand) (func(context.Context) error, error) {
				p.Kill()
				return func(ctx context.Context) error {
					if err := p.Start(); err != nil {
						return err
					}
					return nil
				}, nil
			},
		}, fault.Fault{
			Kind: "process suspended", Part: p.name, For: [2]time.Duration{2 * time.Second, 25 * time.Second},
			Break: func(context.Context, *rand.Rand) (func(context.Context) error, error) {
				return func(context.Context) error { return p.signal(syscall.SIGCONT) }, p.signal(syscall.SIGSTOP)
			},
		}, fault.Fault{
			Kind: "process restarted", Part: p.name,
			Break: func(context.Context, *rand.Rand) (func(context.Context) error, error) {
				err := p.stop()
				return func(context.Context) error { return p.Start() }, err
			},
		})
	}
	return faults
}

// listenFaults end connections to a service's database: those that listen, or all.
func (s *system) listenFaults() (faults []fault.Fault) {
	for service, address := range s.Database {
		for kind, which := range map[string]string{"LISTEN connections ended": "query ilike 'listen%'", "all connections ended": "true"} {
			faults = append(faults, fault.Fault{
				Kind: kind, Part: "connections of " + service, Also: []string{"postgres"},
				Break: func(ctx context.Context, _ *rand.Rand) (func(context.Context) error, error) {
					return nil, execute(ctx, address, `select pg_terminate_backend(pid) from pg_stat_activity
						where datname = current_database() and pid <> pg_backend_pid() and `+which)
				},
			})
		}
	}
	return faults
}

// releaseFaults restart a service's processes one after the other with the programs of the release before,
// which are in a folder, and back.
func (s *system) releaseFaults(before string) (faults []fault.Fault) {
	if before == "" {
		return nil
	}
	for _, service := range clients {
		var of []*process
		f := fault.Fault{Kind: "rolled back to the release before, and on again", Part: "release of " + service, For: [2]time.Duration{3 * time.Second, 15 * time.Second}}
		for _, p := range s.processes {
			if p.service == service {
				of, f.Also = append(of, p), append(f.Also, p.name)
			}
		}
		roll := func(ctx context.Context, release string) (err error) {
			for _, p := range of {
				err = errors.Join(err, p.become(ctx, release))
			}
			return err
		}
		f.Break = func(ctx context.Context, _ *rand.Rand) (func(context.Context) error, error) {
			return func(ctx context.Context) error { return roll(ctx, "") }, roll(ctx, before)
		}
		faults = append(faults, f)
	}
	return faults
}

func execute(ctx context.Context, address, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%w in: %s", err, statement)
	}
	return nil
}
