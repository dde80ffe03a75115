package paymentview

import (
	"fmt"
	"strings"
	"time"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
)

// Seen is what a form carries to say how its sender saw the payment: its UpdatedAt, which names the latest
// event that had an effect, and its amount. A confirmation by the log does not change it.
func Seen(updatedAt time.Time, amount money.Amount) string {
	return fmt.Sprintf("%d %s %s", event.Kept(updatedAt).UnixMicro(), amount.Decimal(), amount.Currency)
}

// CheckSeen refuses a command of somebody who saw the payment otherwise than it is now, and tells what has
// happened since. It is called after the rules have allowed the command: a refusal of theirs is clearer. A
// program passes "", which is never refused.
func CheckSeen(seen string, p payment.Payment, tried string, steps []payment.Step) error {
	if now := Seen(p.UpdatedAt, p.Amount); seen == "" || seen == now {
		return nil
	}
	refusal := &payment.Refusal{Code: payment.Stale, Tried: tried}
	var at int64
	var amount, currency string
	if n, _ := fmt.Sscan(seen, &at, &amount, &currency); n < 3 || amount != p.Amount.Decimal() || currency != p.Amount.Currency {
		refusal.Message = "it is about " + locale.Amount(p.Amount) + ", which is not what you saw"
		return refusal
	}
	// The steps stand in the order of the log. Their times come from clocks that differ: a time only names the
	// last step that was seen. If that step has lost its effect, all steps with an effect are told.
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
