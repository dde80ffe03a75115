package web

import (
	"time"

	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/text"
)

// Step is an entry of a timeline.
type Step struct {
	Text     string
	By       string // who tried, where it had no effect; else Text names them
	At       time.Time
	Effect   bool
	Pending  bool   // the log has not confirmed it yet
	Of, Href string // what it is about, if that is not what the timeline is of
}

// StepOf makes an entry of a timeline, as a sentence.
func StepOf(sentence string, e aggregate.Entry, effect bool) Step {
	shown := Step{Text: text.Capital(sentence), At: e.Time, Effect: effect, Pending: !e.Confirmed}
	if !effect {
		shown.By = e.ActorName
	}
	return shown
}

// MergeByTime puts threads into one: always the earliest of their next entries. Each thread keeps its own
// order, which the clocks of those who wrote it need not agree with.
func MergeByTime[T any](at func(T) time.Time, threads ...[]T) (all []T) {
	for {
		next := -1
		for i, thread := range threads {
			if len(thread) > 0 && (next < 0 || at(thread[0]).Before(at(threads[next][0]))) {
				next = i
			}
		}
		if next < 0 {
			return all
		}
		all, threads[next] = append(all, threads[next][0]), threads[next][1:]
	}
}
