package pages

import (
	"strings"
	"time"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/web"
)

// timeline is what happened to an order and its payments, in one: by time, and within each in the order of
// the log, which their clocks need not agree with.
func timeline(o readmodel.OrderHistory) []orderStep {
	threads := make([][]orderStep, 1, 1+len(o.Payments))
	names := map[string]string{}
	for i, p := range o.Payments {
		name := order.PaymentName(i, len(o.Payments))
		names[p.ID] = name
		thread := make([]orderStep, 0, len(p.Steps))
		for _, s := range p.Steps {
			text := s.Text()
			if o.Number != "" { // which its own page need not repeat
				text = strings.Replace(text, " because order "+o.Number, " because the order", 1)
			}
			thread = append(thread, orderStep{
				step: stepOf(text, s.Entry.ActorName, s.Entry.Time, s.Effect, s.Entry.Confirmed), Of: name, Href: paymentPath(p.ID),
			})
		}
		threads = append(threads, thread)
	}
	for _, s := range order.Condense(o.Steps) {
		shown := orderStep{step: stepOf(s.Text(), s.Entry.ActorName, s.Entry.Time, s.Effect, s.Entry.Confirmed)}
		if refused, ok := s.Body.(order.PaymentRefused); ok && names[refused.PaymentID] != "" {
			shown.Of, shown.Href = names[refused.PaymentID], paymentPath(refused.PaymentID)
		}
		threads[0] = append(threads[0], shown)
	}
	return web.MergeByTime(func(s orderStep) time.Time { return s.At }, threads...)
}

// stepOf is an entry of a timeline.
func stepOf(text, by string, at time.Time, effect, confirmed bool) step {
	shown := step{Text: sentence(text), At: at, Effect: effect, Pending: !confirmed}
	if !effect {
		shown.By = by
	}
	return shown
}
