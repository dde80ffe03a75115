package web

import (
	"time"

	"countersign.example/pkg/web"
)

// timeline is what happened to an order and its payments, in one: by time, and within each in the order of the log, which
// their clocks need not agree with.
func timeline(o seenOrder) []orderStep {
	threads := make([][]orderStep, 0, 1+len(o.payments))
	own := make([]orderStep, 0, len(o.steps))
	for _, s := range o.steps {
		own = append(own, orderStep{step: stepOf(s.Words(), s.Entry.ActorName, s.Entry.Time, s.Effect, s.Entry.Confirmed)})
	}
	threads = append(threads, own)
	for _, p := range o.payments {
		of := "Payment"
		if len(o.payments) > 1 {
			of += " of " + p.Amount.String()
		}
		thread := make([]orderStep, 0, len(p.steps))
		for _, s := range p.steps {
			thread = append(thread, orderStep{
				step: stepOf(s.Words(), s.Entry.ActorName, s.Entry.Time, s.Effect, s.Entry.Confirmed), Of: of, Href: address(p.ID),
			})
		}
		threads = append(threads, thread)
	}
	return web.MergeByTime(func(s orderStep) time.Time { return s.At }, threads...)
}

// stepOf is an entry of a timeline.
func stepOf(words, by string, at time.Time, effect, confirmed bool) step {
	shown := step{Words: sentence(words), At: at, Effect: effect, Pending: !confirmed}
	if !effect {
		shown.By = by
	}
	return shown
}
