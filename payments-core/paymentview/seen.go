package paymentview

import (
	"fmt"
	"strings"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// Seen is a payment as somebody sees it, for the form that they press to carry: its UpdatedAt, which names
// the latest event that had an effect, and its amount. That the log confirms what was there already changes
// nothing.
func Seen(updatedAt time.Time, amount money.Amount) string {
	return fmt.Sprintf("%d %s %s", event.Kept(updatedAt).UnixMicro(), amount.Decimal(), amount.Currency)
}

// CheckSeen refuses a command of somebody who saw the payment otherwise than it is now, and tells what has
// happened since. It is for what the rules would allow: they explain better what they do not. A program sees
// nothing ("").
func CheckSeen(seen string, p payment.Payment, tried string, steps []payment.Step) error {
	if now := Seen(p.UpdatedAt, p.Amount); seen == "" || seen == now {
		return nil
	}
	refusal := &payment.Refusal{Code: payment.Stale, Tried: tried}
	var at int64
	var amount, currency string
	if n, _ := fmt.Sscan(seen, &at, &amount, &currency); n < 3 || amount != p.Amount.Decimal() || currency != p.Amount.Currency {
		refusal.Message = "it is about " + p.Amount.String() + ", which is not what you saw"
		return refusal
	}
	// The steps stand in the order of the log. Their times are of clocks that differ, and tell no order: a time
	// only names the step that was the last. Where that has no effect any more, all that has one is told.
	var since []string
	for _, s := range steps {
		if !s.Effect {
			continue
		}
		if since = append(since, StepText(s)); Seen(s.Entry.Time, p.Amount) == seen {
			since = nil
		}
	}
	refusal.Message = "it has changed since you looked at it: " + strings.Join(since, "; ")
	return refusal
}
