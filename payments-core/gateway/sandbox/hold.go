package sandbox

import (
	"time"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/money"
)

const (
	authorize = gateway.KindAuthorize
	capture   = gateway.KindCapture
	release   = gateway.KindRelease
	refund    = gateway.KindRefund
)

// refusal is a definite no.
type refusal struct {
	gateway.Refusal
	endsHold bool // nothing is held any more
}

func no(code, reason string) *refusal {
	return &refusal{Refusal: gateway.Refusal{Code: code, Reason: reason}}
}

func never(code, reason string) *refusal {
	return &refusal{Refusal: gateway.Refusal{Code: code, Reason: reason, Final: true}}
}

var (
	doNotHonor        = never(gateway.DoNotHonor, "The payer's bank declined the payment")
	insufficientFunds = no(gateway.InsufficientFunds, "There is not enough money on the payer's account")
	captureRefused    = &refusal{never(gateway.CaptureRefused, "The payer's bank refused the capture and ended the hold").Refusal, true}
	refundRefused     = no(gateway.RefundRefused, "The bank does not take refunds for this account at the moment")
	refundImpossible  = never(gateway.RefundImpossible, "The payer's account is closed")
	releaseRefused    = never(gateway.ReleaseRefused, "The payer's bank does not let go of the hold")
	holdExpired       = never(gateway.HoldExpired, "The hold lapsed")
	holdNotActive     = never(gateway.HoldNotActive, "Nothing is held any more")
	amountTooLarge    = never(gateway.AmountTooLarge, "The amount is more than what is left")
	currencyMismatch  = never(gateway.CurrencyMismatched, "The currency is not that of the hold")
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
func (h *hold) apply(k gateway.Kind, amount money.Amount, now time.Time) *refusal {
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
