// Package sandbox is a payment gateway for tests and trials: it moves no money, but keeps a ledger like one
// that does, and fails on demand.
//
// Invariants:
//   - A key is one request: the first definite answer is written down together with its effect, in one
//     transaction, and later asking gets the same bytes, for as long as the key is known (KEY_LIFE). The same
//     key with another request is 422. A key that is not known any more is a new one; the record of what was
//     done under it stays.
//   - captured + released <= the hold; refunded <= captured; one currency per hold. The tables refuse
//     anything else, and [Server.Audit] holds them to the answers given.
//   - Only an active hold that has not lapsed is captured or released.
//
// # Test amounts
//
// The last two digits of the authorization's amount, in minor units, choose how the gateway behaves about
// that hold: 10.05 EUR ends in 05, and so does 1,005 JPY. Any other ending, such as 00, 50 or 99, is approved
// at once, and so is everything that is not in the table.
//
//	01 authorize: declined for good (do_not_honor)
//	02 authorize: declined once (insufficient_funds), the payment's next key is approved
//	03 authorize: declined every time, but never for good (insufficient_funds)
//	04 authorize: approved, answered slowly (SLOW_DELAY)
//	05 authorize: done, and then no answer comes
//	06 authorize: status 500 before doing it, for the first two tries of a key
//	07 capture:   refused for good (capture_refused), and the hold is ended
//	08 capture:   done, and then no answer comes
//	09 refund:    refused once (refund_refused), the payment's next key is approved
//	10 authorize: done, and then status 500
//	11 authorize: approved, but the hold lapses at once (capture and release: hold_expired)
//	12 authorize: the connection breaks before doing it, for the first try of a key
//	13 authorize: done, and then an answer that is not JSON
//	14 authorize: status 404 before doing it, for the first two tries of a key
//	15 release:   done, and then no answer comes
//	16 refund:    done, and then no answer comes
//	17 capture:   status 500 before doing it, for the first two tries of a key
//	18 refund:    refused for good (refund_impossible)
//	19 release:   refused for good (release_refused)
//
// A fault after the work happens once: another try with the same key gets the recorded answer. "No answer"
// holds the connection open until the client gives up (30 s at most).
//
// # HTTP
//
// Every request but the health checks carries "Authorization: Bearer <GATEWAY_TOKEN>".
//
//	POST /authorizations                      {"payment_id", "amount": {"amount","currency"}, "description"}
//	POST /authorizations/{reference}/capture  {"amount": {...}}, as are /release and /refund
//	GET  /records?payment=&after=&limit=      {"records": [...]} in byte order of keys, each as it was answered
//
// The POSTs carry "Idempotency-Key" (1 to 255 characters). 200 is a definite answer, approved or refused:
// {"key", "kind", "payment_id", "amount", "outcome", "reference", "expires_at", "code", "reason", "final",
// "at"}. Everything else is application/problem+json (RFC 9457) with a "code".
package sandbox
