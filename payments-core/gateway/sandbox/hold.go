package sandbox

import (
	"time"

	"countersign.example/pkg/money"
)

// kind is what is asked for, as it stands in paths and records.
type kind string

const (
	authorize kind = "authorize"
	capture   kind = "capture"
	release   kind = "release"
	refund    kind = "refund"
)

// refusal is a definite no.
type refusal struct {
	code, reason string
	final        bool
	endsHold     bool // nothing is held any more
}

var (
	doNotHonor        = &refusal{code: "do_not_honor", reason: "The payer's bank declined the payment", final: true}
	insufficientFunds = &refusal{code: "insufficient_funds", reason: "There is not enough money on the payer's account"}
	captureRefused    = &refusal{code: "capture_refused", reason: "The payer's bank refused the capture and ended the hold", final: true, endsHold: true}
	refundRefused     = &refusal{code: "refund_refused", reason: "The bank does not take refunds for this account at the moment"}
	refundImpossible  = &refusal{code: "refund_impossible", reason: "The payer's account is closed", final: true}
	releaseRefused    = &refusal{code: "release_refused", reason: "The payer's bank does not let go of the hold", final: true}
	holdExpired       = &refusal{code: "hold_expired", reason: "The hold lapsed", final: true}
	holdNotActive     = &refusal{code: "hold_not_active", reason: "Nothing is held any more", final: true}
	amountTooLarge    = &refusal{code: "amount_too_large", reason: "The amount is more than what is left", final: true}
	currencyMismatch  = &refusal{code: "currency_mismatch", reason: "The currency is not that of the hold", final: true}
)

// hold is money set aside, and what became of it.
type hold struct {
	reference, paymentID, description string
	amount                            money.Amount
	captured, released, refunded      int64 // minor units
	ended                             bool
	expiresAt                         time.Time
}

// apply does what is asked for, or says why not and changes nothing.
func (h *hold) apply(k kind, amount money.Amount, now time.Time) *refusal {
	if amount.Currency != h.amount.Currency {
		return currencyMismatch
	}
	if k == refund {
		if amount.Minor > h.captured-h.refunded {
			return amountTooLarge
		}
		h.refunded += amount.Minor
		return nil
	}
	held := h.amount.Minor - h.captured - h.released
	switch {
	case h.ended || held == 0:
		return holdNotActive
	case !now.Before(h.expiresAt):
		return holdExpired
	case amount.Minor > held:
		return amountTooLarge
	case k == capture:
		h.captured += amount.Minor
	case k == release:
		h.released += amount.Minor
	}
	return nil
}
