// Package model checks the core rules for every order in which things can happen, for small sizes: who
// writes, when the relay publishes, who receives what when, which call has no answer, who crashes. The rules
// are those of production: the aggregates' Fold and commands, journal.Place, payments-core's Rules and
// OutcomeOf. What stands in SQL or in a loop is modelled here. docs/model.md says what is covered, and which
// mistakes it finds.
package model

import (
	"fmt"
	"strings"
)

// Machine is a model: a state to begin with, and what can happen in each.
type Machine[S comparable] struct {
	Start S
	Moves func(S) []Move[S]
	// Always holds in every state, and AtRest wherever the system has nothing left to do by itself.
	Always, AtRest []Property[S]
}

// Move is one thing that can happen.
type Move[S comparable] struct {
	Does string // in words, for a trace
	To   S
	// Own is what the system does by itself, sooner or later. Everything else may never happen: what people do,
	// and what breaks.
	Own bool
}

// Property is what must hold, named after the architecture's list of what must always hold.
type Property[S comparable] struct {
	Name string
	// Broken returns how a state breaks it; "" if it holds.
	Broken func(S) string
}

// Finding is a property that does not hold, and the shortest way to a state that breaks it.
type Finding struct {
	Property, Why string
	Trace         []string
}

func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s, after:", f.Property, f.Why)
	for i, does := range f.Trace {
		fmt.Fprintf(&b, "\n  %2d. %s", i+1, does)
	}
	return b.String()
}

// Result is what a search has seen.
type Result struct {
	States, Rests, Depth int
	Found                *Finding // nil if everything holds
}

// reached is how a state was first reached.
type reached[S comparable] struct {
	state       S
	from, depth int
	does        string
	own         []int // where the system goes by itself
	rests       bool
}

// Search looks at every state, the nearest first, until a property is broken. Beyond the properties, the
// system must be able to come to rest by itself from everywhere.
func (m Machine[S]) Search() Result {
	known := map[S]int{m.Start: 0}
	all := []reached[S]{{state: m.Start, from: -1}}
	result := Result{}
	for n := 0; n < len(all); n++ {
		result.Depth = all[n].depth
		state := all[n].state
		moves := m.Moves(state)
		for _, move := range moves {
			next, seen := known[move.To]
			if !seen {
				next = len(all)
				known[move.To] = next
				all = append(all, reached[S]{state: move.To, from: n, depth: all[n].depth + 1, does: move.Does})
			}
			if move.Own && next != n {
				all[n].own = append(all[n].own, next)
			}
		}
		properties := m.Always
		if len(all[n].own) == 0 {
			result.Rests++
			properties = append(properties[:len(properties):len(properties)], m.AtRest...)
		}
		for _, property := range properties {
			if why := property.Broken(state); why != "" {
				result.States, result.Found = len(all), &Finding{Property: property.Name, Why: why, Trace: trace(all, n)}
				return result
			}
		}
	}
	result.States = len(all)
	if n := restless(all); n >= 0 {
		result.Found = &Finding{Property: "it comes to rest", Why: "it goes on for ever", Trace: trace(all, n)}
	}
	return result
}

// restless is the first state from which no rest can be reached by what the system does itself; -1 if there
// is none.
func restless[S comparable](all []reached[S]) int {
	before := make([][]int, len(all))
	var rests []int
	for n := range all {
		if len(all[n].own) == 0 {
			rests = append(rests, n)
		}
		for _, next := range all[n].own {
			before[next] = append(before[next], n)
		}
	}
	for len(rests) > 0 {
		n := rests[len(rests)-1]
		rests = rests[:len(rests)-1]
		if all[n].rests {
			continue
		}
		all[n].rests = true
		rests = append(rests, before[n]...)
	}
	for n := range all {
		if !all[n].rests {
			return n
		}
	}
	return -1
}

func trace[S comparable](all []reached[S], n int) []string {
	var does []string
	for ; all[n].from >= 0; n = all[n].from {
		does = append(does, all[n].does)
	}
	for i, j := 0, len(does)-1; i < j; i, j = i+1, j-1 {
		does[i], does[j] = does[j], does[i]
	}
	return does
}
