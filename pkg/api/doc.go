// Package api is how services command each other over HTTP: both ends of it.
//
// Invariants:
//   - Who calls is known by a bearer token of the calling service; for whom it calls, the body says
//     ("actor").
//   - A command carries an idempotency key and is recorded with it in the transaction that does it: the same
//     key with the same request gets the same answer, as often as it is sent, and is done once.
//   - The command's events name it as their cause. A database that has lost the answer, and got the events
//     back from the topics, finds it there (journal.Stream.Did).
//   - An answer of 409 is kept like any other, and says what stands; every other error is kept by nobody, and
//     the request may be sent again with its key.
//   - Errors are application/problem+json (RFC 9457). The client's say what is known: refused (a [*Refusal]),
//     surely not done ([ErrUnreachable]), or not known ([ErrUnknown]). Whoever gets the last two may send the
//     command again, with its key.
package api
