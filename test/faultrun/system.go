package main

import (
	"context"
	"os/exec"
	"strings"

	"golang.org/x/sync/errgroup"

	"countersign.example/test/faultrun/fault"
	"countersign.example/test/testsystem"
)

// replicas is how many processes there are of each service in each role.
const replicas = 2

// system is every service as two web processes behind a balancer and two consumers.
type system struct {
	*testsystem.System
	parts     *parts
	dir       string // of the logs
	processes []*process
	balancers []*balancer
}

// startSystem starts everything and waits until it is ready.
func startSystem(o *testsystem.Outside, dir string, extra ...string) *system {
	p, err := startParts(o.Context(), o.TempDir())
	testsystem.Check(err)
	o.Cleanup(func() { testsystem.Check(p.close()) })
	s := &system{System: testsystem.Prepare(o, p.own(), extra...), parts: p, dir: dir}
	o.Cleanup(s.close)
	for _, service := range []string{testsystem.Gateway, testsystem.Core, testsystem.Ordering, testsystem.Contractor, testsystem.Manager} {
		s.add(service)
	}
	var ready errgroup.Group
	for _, p := range s.processes {
		testsystem.Check(p.Start())
		ready.Go(func() error { return p.ready(o.Context()) })
	}
	testsystem.Check(ready.Wait())
	return s
}

// add adds the processes of a service. The gateway is somebody else's: one process.
func (s *system) add(service string) {
	linked, err := s.parts.linked(s.System, service)
	testsystem.Check(err)
	command := func(args ...string) *exec.Cmd {
		cmd := s.Command(context.Background(), service, args...)
		cmd.Env = append(cmd.Env, linked...)
		return cmd
	}
	roles, n := []string{"web", "consumer"}, replicas
	if service == testsystem.Gateway {
		roles, n = []string{"all"}, 1
	}
	var webs []string
	for _, role := range roles {
		for i := range n {
			p, err := newProcess(service, role, i+1, s.dir, command)
			testsystem.Check(err)
			s.processes = append(s.processes, p)
			if role != "consumer" {
				webs = append(webs, p.addr)
			}
		}
	}
	b, err := startBalancer(strings.TrimPrefix(s.URL(service), "http://"), webs)
	testsystem.Check(err)
	s.balancers = append(s.balancers, b)
}

// environment is the system as faults find it.
func (s *system) environment() *fault.Environment {
	e := &fault.Environment{Kafka: s.Parts.Connection, Databases: s.Database, Redis: s.Parts.RedisURL, Command: s.Command}
	for _, p := range s.processes {
		e.Processes = append(e.Processes, p)
	}
	return e
}

// heal starts what does not run and waits until all are ready.
func (s *system) heal(ctx context.Context) error {
	var ready errgroup.Group
	for _, p := range s.processes {
		if err := p.Start(); err != nil {
			return err
		}
		ready.Go(func() error { return p.ready(ctx) })
	}
	return ready.Wait()
}

// close stops the processes, the apps before what they use, and says which have ended by themselves before.
func (s *system) close() {
	var stopped errgroup.Group
	for _, p := range s.processes {
		stopped.Go(p.stop)
	}
	err := stopped.Wait()
	for _, b := range s.balancers {
		b.close()
	}
	testsystem.Check(err)
}
