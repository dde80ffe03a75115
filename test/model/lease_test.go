package model

import (
	"fmt"
	"testing"
)

// The lease of pg.DB.Lead, in moments: it lives for three, and its holder stops one earlier, by its own
// clock. Clocks run equally fast.
const (
	leaseLife   = 3
	leaseMargin = 1
)

// node is a process that wants to lead.
type node struct {
	does        byte // 'o': nothing, 'a'sks for the lease, 'g': was given it and does not know, 'l'eads
	term, token int8
	left        int8 // until it stops, by its own clock; while it asks, how long it has
	suspended   bool
	gone        bool
}

func (n node) leads() bool { return n.does == 'l' && !n.suspended && !n.gone }

// leases are two processes, the row of their lease, and a write that a leader sent, which arrives at any
// time.
type leases struct {
	nodes            [2]node
	stored           int8 // the row's token
	expires          int8 // how long the row says that somebody leads
	terms            int8 // so many there were
	inFlight         node // whose write is under way; the zero node if none
	fence, lastTerm  int8 // the greatest token and the latest term whose writes have counted
	suspended, faded int8
	restored, lost   int8
	broken           string
}

// leasing is the model of it.
type leasing struct {
	terms, restores int8
	// What is mutated.
	neverLapses, noFence, countsFromAnswer, countsTerms bool
}

const (
	oneLeads    = "two do not lead at once, unless one is suspended or the database was restored"
	fenced      = "what a former leader writes does not count after its successor's"
	comesToRest = "it comes to rest"
)

func (m leasing) machine() Machine[leases] {
	start := leases{}
	start.nodes[0].does, start.nodes[1].does = 'o', 'o'
	return Machine[leases]{Start: start, Moves: m.moves, Always: []Property[leases]{
		{oneLeads, func(s leases) string {
			if s.restored == 0 && s.nodes[0].leads() && s.nodes[1].leads() && s.nodes[0].left > 0 && s.nodes[1].left > 0 {
				return "both lead"
			}
			return ""
		}},
		{fenced, func(s leases) string { return s.broken }},
	}}
}

func (m leasing) moves(s leases) (moves []Move[leases]) {
	// Somebody must lead again, whatever has happened: until then, what is done is done by itself.
	leaderless := !s.nodes[0].leads() && !s.nodes[1].leads() && s.terms < m.terms
	add := func(to leases, own bool, does string, args ...any) {
		moves = append(moves, Move[leases]{Does: fmt.Sprintf(does, args...), To: to, Own: own && leaderless})
	}
	if s.inFlight.term > 0 {
		add(m.arrives(s), true, "the write of term %d arrives", s.inFlight.term)
	}
	add(m.tick(s), true, "a moment passes")
	if s.restored < m.restores && s.stored > 0 {
		to := s
		to.restored++
		to.stored, to.expires = 0, 0
		add(to, false, "the database is restored to before the first term")
	}
	for i, n := range s.nodes {
		who := i + 1
		set := func(changed node) leases {
			to := s
			to.nodes[i] = changed
			return to
		}
		switch {
		case n.gone:
			continue
		case n.suspended:
			n.suspended = false
			add(set(n), true, "process %d goes on", who)
			continue
		}
		if s.suspended < 1 && n.does == 'l' {
			to := s
			to.suspended++
			to.nodes[i].suspended = true
			add(to, false, "process %d is suspended", who)
		}
		if s.faded < 1 && !s.nodes[1-i].gone {
			to := s
			to.faded++
			to.nodes[i].gone = true
			add(to, false, "the host of process %d vanishes", who)
		}
		switch n.does {
		case 'o':
			add(set(node{does: 'a', left: leaseLife - leaseMargin}), true, "process %d asks for the lease", who)
		case 'a':
			m.acquire(s, i, add)
		case 'g':
			n.does = 'l'
			if m.countsFromAnswer {
				n.left = leaseLife - leaseMargin
			}
			if n.left <= 0 {
				n = node{does: 'o'}
			}
			add(set(n), true, "process %d receives that it leads", who)
			if s.lost < 1 {
				to := set(node{does: 'o'})
				to.lost++
				add(to, false, "the answer to process %d is lost", who)
			}
		case 'l':
			m.lead(s, i, add)
		}
	}
	return moves
}

// acquire is what the database does with a request for the lease.
func (m leasing) acquire(s leases, i int, add func(leases, bool, string, ...any)) {
	to := s
	if s.expires > 0 {
		to.nodes[i] = node{does: 'o'}
		add(to, true, "process %d is told who leads", i+1)
		return
	}
	if s.terms == m.terms {
		return
	}
	to.terms++
	to.stored, to.expires = max(s.stored+1, to.terms), leaseLife // made of the time, which only grows
	if m.countsTerms {
		to.stored = s.stored + 1
	}
	to.nodes[i].does, to.nodes[i].term, to.nodes[i].token = 'g', to.terms, to.stored
	add(to, true, "the database gives term %d to process %d", to.terms, i+1)
}

// lead is what a leader does.
func (m leasing) lead(s leases, i int, add func(leases, bool, string, ...any)) {
	n := s.nodes[i]
	if s.inFlight.term == 0 {
		to := s
		to.inFlight = node{term: n.term, token: n.token}
		add(to, false, "process %d writes something, as term %d", i+1, n.term)
	}
	stopped := s
	stopped.nodes[i] = node{does: 'o'}
	switch {
	case n.left <= 0:
		add(stopped, true, "process %d notices that its time is over", i+1)
	case s.stored != n.token:
		add(stopped, true, "process %d is told that it leads no more", i+1)
	default:
		to := s
		to.expires, to.nodes[i].left = leaseLife, leaseLife-leaseMargin
		add(to, false, "process %d renews the lease", i+1)
		stopped.expires = 0
		add(stopped, false, "process %d gives the lease back", i+1)
	}
}

// arrives has the store judge a write.
func (m leasing) arrives(s leases) leases {
	w := s.inFlight
	s.inFlight = node{}
	if w.token < s.fence && !m.noFence {
		return s
	}
	if w.term < s.lastTerm {
		s.broken = fmt.Sprintf("a write of term %d counts after one of term %d", w.term, s.lastTerm)
	}
	s.fence, s.lastTerm = max(s.fence, w.token), max(s.lastTerm, w.term)
	return s
}

func (m leasing) tick(s leases) leases {
	if !m.neverLapses {
		s.expires = max(0, s.expires-1)
	}
	for i := range s.nodes {
		n := &s.nodes[i]
		if n.does == 'o' || n.gone {
			continue
		}
		if n.left = max(0, n.left-1); n.does == 'l' && n.left == 0 && !n.suspended {
			*n = node{does: 'o'}
		}
	}
	return s
}

func TestALeaseLapsesAndIsFenced(t *testing.T) {
	sizes := map[string]leasing{
		"a lease with a fencing token":                  {terms: 3},
		"a lease, and a database that is restored once": {terms: 2, restores: 1},
	}
	if big {
		sizes["a lease of four terms, and a database that is restored once"] = leasing{terms: 4, restores: 1}
	}
	for name, size := range sizes {
		holds(t, name, size.machine())
	}
}

func TestMistakesOfLeasesAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		property string
		mutated  leasing
	}{
		"a lock is held until its holder's connection ends":      {comesToRest, leasing{terms: 2, neverLapses: true}},
		"nothing looks at the token":                             {fenced, leasing{terms: 3, noFence: true}},
		"the lease counts from the answer, not from the request": {oneLeads, leasing{terms: 3, countsFromAnswer: true}},
		"the token counts terms, and a restored database fewer":  {fenced, leasing{terms: 3, restores: 1, countsTerms: true}},
	} {
		t.Run(name, func(t *testing.T) { finds(t, test.property, test.mutated.machine()) })
	}
}
