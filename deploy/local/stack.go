package main

import "sync"

// stack is what runs, in the order in which it started. It stops in the reverse order.
type stack struct {
	mu      sync.Mutex
	entries []entry
	deaths  chan string
}

type entry struct {
	name    string
	process *process // nil for what is not one of our services
	stop    func()
}

// push adds something that runs; ended is closed when it stops, or nil for what cannot by itself.
func (s *stack) push(name string, ended <-chan struct{}, stop func()) {
	s.add(entry{name: name, stop: stop}, ended)
}

func (s *stack) pushProcess(p *process) {
	s.add(entry{name: p.name, process: p, stop: func() { p.stop(stopGrace) }}, p.ended)
}

func (s *stack) add(e entry, ended <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, e)
	s.watchLocked(e, ended)
}

// replaceProcess puts a service in the place of the one with its name, which has ended.
func (s *stack) replaceProcess(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range s.entries {
		if e.name == p.name {
			s.entries[i] = entry{name: p.name, process: p, stop: func() { p.stop(stopGrace) }}
			s.watchLocked(s.entries[i], p.ended)
		}
	}
}

func (s *stack) watchLocked(e entry, ended <-chan struct{}) {
	if ended == nil {
		return
	}
	deaths := s.deathsLocked()
	go func() {
		<-ended
		select {
		case deaths <- e.name:
		default: // those before it are the cause; the rest follow from them
		}
	}()
}

// died returns a channel with the name of the first thing that ended.
func (s *stack) died() <-chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deathsLocked()
}

func (s *stack) deathsLocked() chan string {
	if s.deaths == nil {
		s.deaths = make(chan string, 16) // two services may be killed at once
	}
	return s.deaths
}

func (s *stack) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// process is the service of a name; nil for what is none.
func (s *stack) process(name string) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.name == name {
			return e.process
		}
	}
	return nil
}

// stop ends everything, the last started first, each when the one before it has ended.
func (s *stack) stop() {
	s.mu.Lock()
	entries := s.entries
	s.entries = nil
	s.mu.Unlock()
	for i := len(entries) - 1; i >= 0; i-- {
		entries[i].stop()
	}
}
