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

// fault is a way in which a definite answer does not come.
type fault int

const (
	none fault = iota
	serverError
	notFound
	dropped  // the connection breaks
	silence  // no answer comes
	nonsense // not JSON
	slow     // a definite answer after all, but late
)

// testAmount is how the gateway treats a hold of a certain amount. The same table is in the package's doc
// comment.
type testAmount struct {
	on      gateway.Kind
	refusal *refusal
	once    bool  // the refusal is given once per payment; else always
	lapses  bool  // the hold lapses as soon as it is there
	before  fault // instead of doing it, while a key's tries are at most tries
	tries   int
	after   fault // instead of the first answer
}

var testAmounts = map[int64]testAmount{
	1:  {on: authorize, refusal: doNotHonor},
	2:  {on: authorize, refusal: insufficientFunds, once: true},
	3:  {on: authorize, refusal: insufficientFunds},
	4:  {on: authorize, after: slow},
	5:  {on: authorize, after: silence},
	6:  {on: authorize, before: serverError, tries: 2},
	7:  {on: capture, refusal: captureRefused},
	8:  {on: capture, after: silence},
	9:  {on: refund, refusal: refundRefused, once: true},
	10: {on: authorize, after: serverError},
	11: {on: authorize, lapses: true},
	12: {on: authorize, before: dropped, tries: 1},
	13: {on: authorize, after: nonsense},
	14: {on: authorize, before: notFound, tries: 2},
	15: {on: release, after: silence},
	16: {on: refund, after: silence},
	17: {on: capture, before: serverError, tries: 2},
	18: {on: refund, refusal: refundImpossible},
	19: {on: release, refusal: releaseRefused},
}

// testAmountFor returns how the gateway treats a request of kind k for a hold of an amount. The zero value is
// normal.
func testAmountFor(k gateway.Kind, holdMinor int64) testAmount {
	if t := testAmounts[holdMinor%100]; t.on == k {
		return t
	}
	return testAmount{}
}
