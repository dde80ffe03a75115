// Package gateway is the way money moves: holds, captures, releases and refunds at a payment gateway, and the
// HTTP client of the one that we have.
//
// Invariants:
//   - A call has a definite [Result], approved or refused, or it has an error.
//   - Every error but [ErrKeyReused] is [ErrUnknown]: money may have moved or not. The caller sends the same
//     request again with the same key until there is a definite result.
//   - A key names one request. For as long as the gateway knows the key, which it states (a day is usual), it
//     does the request once at most, and gives the same result to everybody who asks with that key, at the
//     same time or later. So a refusal is lasting too: who wants to try again after one takes a new key. What
//     was done stays in its record for good: who is not sure that the key is still known asks
//     [Gateway.Records] first.
package gateway

import (
	"context"
	"errors"
	"iter"
	"time"

	"countersign.example/pkg/money"
)

var (
	// ErrUnknown means that nobody knows yet whether the request was done: a timeout, a broken
	// connection, a 5xx, "not found", an answer that cannot be read. Ask again with the same key.
	ErrUnknown = errors.New("gateway: outcome unknown")
	// ErrKeyReused means that the key belongs to another request. Asking again cannot help; a person
	// must look, for it is a fault of ours.
	ErrKeyReused = errors.New("gateway: idempotency key used for another request")
)

// Gateway holds money, and takes, frees or gives back what it holds. Keys are up to 255 characters; reference
// is the one that Authorize gave. What an implementation must do is tested in package sandbox (testGateway).
type Gateway interface {
	// Authorize holds the amount on the payer's account.
	Authorize(ctx context.Context, r Request) (Result, error)
	// Capture takes amount, no more than what is still held.
	Capture(ctx context.Context, key, reference string, amount money.Amount) (Result, error)
	// Release frees amount, no more than what is still held.
	Release(ctx context.Context, key, reference string, amount money.Amount) (Result, error)
	// Refund gives back amount, no more than what was captured and not refunded yet.
	Refund(ctx context.Context, key, reference string, amount money.Amount) (Result, error)
	// Records lists what the gateway has on record with a definite result, in byte order of keys: of one
	// payment, or of all if paymentID is "". An error, which is ErrUnknown, ends the sequence. What is
	// recorded while it is being read may be missing from it.
	Records(ctx context.Context, paymentID string) iter.Seq2[Record, error]
}

// Request asks for a hold.
type Request struct {
	Key         string // idempotency key
	PaymentID   string
	Amount      money.Amount // more than zero
	Description string
}

// Result is the gateway's definite answer.
type Result struct {
	Reference string    // the gateway's name for the hold; all later calls carry it. Empty if the hold was refused
	ExpiresAt time.Time // when the hold lapses by itself (UTC). Only from an approved Authorize
	Refusal   *Refusal  // nil if approved
}

// Approved reports whether the gateway did what it was asked.
func (r Result) Approved() bool { return r.Refusal == nil }

// Refusal is why the gateway did not do what it was asked. Nothing has moved.
type Refusal struct {
	Code   string // one of the codes below, or another one of the gateway's own
	Reason string // for people
	Final  bool   // trying again, with a new key, cannot help
}

// Codes of refusals that callers may want to distinguish.
const (
	DoNotHonor         = "do_not_honor"       // the payer's bank says no, for good
	InsufficientFunds  = "insufficient_funds" // not enough money on the account now
	HoldExpired        = "hold_expired"       // the hold has lapsed; nothing is held any more
	HoldNotActive      = "hold_not_active"    // nothing is held any more: all captured or released
	CaptureRefused     = "capture_refused"    // the bank refused the capture, and ended the hold
	RefundRefused      = "refund_refused"     // not now
	RefundImpossible   = "refund_impossible"  // never: the account is closed
	ReleaseRefused     = "release_refused"    // never: the bank keeps the hold
	AmountTooLarge     = "amount_too_large"   // more than is held, or was captured
	CurrencyMismatched = "currency_mismatch"  // not the currency of the hold
)

// Kind is what a record is about.
type Kind string

const (
	KindAuthorize Kind = "authorize"
	KindCapture   Kind = "capture"
	KindRelease   Kind = "release"
	KindRefund    Kind = "refund"
)

// Record is what the gateway wrote down about one key.
type Record struct {
	Key       string
	Kind      Kind
	PaymentID string
	Amount    money.Amount
	Result    Result
	At        time.Time // when it was decided (UTC)
}
