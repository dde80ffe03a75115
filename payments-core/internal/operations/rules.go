package operations

import (
	"time"

	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// Rules decide what comes next for a payment.
type Rules struct {
	// Grace is how long after its acceptance a payment is authorized: until then a manager may take it back.
	Grace time.Duration
	// RetryDelays are how long to wait after the first, second ... decline that is not final.
	RetryDelays []time.Duration
}

// Next is what to do, and when: an operation, or a cancellation.
type Next struct {
	Kind   payment.OperationKind // NoOperation if Cancel
	Cancel bool                  // the payment ends: nothing is held
	At     time.Time             // zero: at once
	Reason string                // for people, where it undoes something
	Cause  event.Event           // of the order; zero if the payment itself is the cause
}

// reasonLapsed is why a hold is released that nobody captured in time.
const reasonLapsed = "the hold lapsed"

// Next returns what payments-core does next about a payment by itself; false if that is nothing, or has to
// wait for the operation that is open. order is the payment's order, zero if it has none. What the order
// cannot use is undone before anything else; otherwise Next acts only on decisions that the log has
// confirmed.
func (r Rules) Next(p payment.Payment, history History, order releasing.Order) (Next, bool) {
	if _, open := history.Open(); open {
		return Next{}, false
	}
	next, wanted := requiredByOrder(p, order)
	if !wanted {
		if p.Decision != payment.DecisionAccepted || !p.Decided.Confirmed {
			return Next{}, false
		}
		next, wanted = r.step(p, history)
	}
	if _, done := history.Succeeded(next.Kind); done {
		return Next{}, false
	}
	return next, wanted
}

// requiredByOrder is what the process manager wants done because of the order.
func requiredByOrder(p payment.Payment, order releasing.Order) (Next, bool) {
	wanted := releasing.Commands(order, releasing.Payment{Payment: p})
	if len(wanted) == 0 {
		return Next{}, false
	}
	c := wanted[0]
	next := Next{Cancel: c.Kind == releasing.Cancel, Reason: c.Reason, Cause: c.Cause}
	if !next.Cancel {
		next.Kind = payment.OperationKind(c.Kind)
	}
	return next, true
}

// again reports whether a refused operation is asked again, with a new key. A capture that is refused for
// good leaves a hold, which the rules then release, as they do when the order cannot use it. A release or a
// refund that is refused for good is stuck.
func again(o Operation, order releasing.Order) bool {
	return !o.Final && (o.Kind != payment.Capture || !order.Refuses(o.PaymentID))
}

func (r Rules) step(p payment.Payment, history History) (Next, bool) {
	kind, delay := p.NextStep()
	switch {
	case kind == payment.Authorize && delay > 0:
		return Next{Kind: kind, At: p.Declined.At.Add(r.retryDelay(p.Declines, delay))}, true
	case p.Money == payment.MoneyAuthorized && captureRefused(history) != "":
		return Next{Kind: payment.Release, Reason: captureRefused(history)}, true
	case kind == payment.Authorize && r.Grace > 0:
		return Next{Kind: kind, At: p.Decided.At.Add(r.Grace)}, true
	case kind != payment.NoOperation:
		return Next{Kind: kind}, true
	case p.Money == payment.MoneyAuthorized:
		// Somebody may capture or release it, until the hold lapses.
		if hold, ok := history.Succeeded(payment.Authorize); ok && !hold.HoldExpiresAt.IsZero() {
			return Next{Kind: payment.Release, At: hold.HoldExpiresAt, Reason: reasonLapsed}, true
		}
	}
	return Next{}, false
}

func (r Rules) retryDelay(declines int, otherwise time.Duration) time.Duration {
	if declines >= 1 && declines <= len(r.RetryDelays) {
		return r.RetryDelays[declines-1]
	}
	return otherwise
}

// captureRefused is why a hold cannot be captured any more; "" if it can.
func captureRefused(history History) string {
	for _, o := range history.Refusals(payment.Capture) {
		if o.Final {
			return refusedCapture(o)
		}
	}
	return ""
}

// Backoff is how long to wait after so many attempts without an answer: 1 s, 2 s, 4 s ... 30 s, and after ten
// minutes of that 1 min, 2 min ... 1 h, so that a long outage does not end in a storm.
func Backoff(attempts int) time.Duration {
	const most, patient = 30 * time.Second, 24 // attempts, after which ten minutes have passed
	if attempts <= patient {
		return min(doubled(time.Second, attempts), most)
	}
	return min(doubled(time.Minute, attempts-patient), time.Hour)
}

// RefusedBackoff is how long to wait before asking with a new key after so many refusals that are not for
// good: 1 s, 2 s, 4 s ... 4 h.
func RefusedBackoff(refusals int) time.Duration {
	return min(doubled(time.Second, refusals), 4*time.Hour)
}

// doubled is first, doubled with every time after the first.
func doubled(first time.Duration, times int) time.Duration {
	return first << min(max(times, 1)-1, 20)
}
