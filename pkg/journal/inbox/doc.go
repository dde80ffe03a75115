// Package inbox records the messages of topics in a service's journal, each event once, and keeps what cannot
// be recorded as dead letters. It knows PostgreSQL only; a Format reads the messages.
//
// Invariants:
//   - The events of a key are recorded in the topic's order. An event that cannot be used, or whose recording
//     fails for a reason that is not known to be temporary, is poison: it becomes a dead letter, later events
//     of its key are parked behind it, and replaying it records it at its place.
//   - A message that is not an event is malformed. An event that its sender must not have written, or not
//     there, is disallowed. Both become dead letters alone, before anything else is checked, so that nobody
//     quarantines a key by what they must not write.
//   - An event of the service's own that a primary journal lacks is disallowed, also on a quarantined key.
//     Only adopting it lets it wait behind its key, since an operator has then looked at it. It is recorded
//     once the key is freed.
//   - Nothing else stops. Only failures that are known to be temporary (a lost connection, a deadlock, a
//     time-out) are repeated without end, and never make dead letters. Whatever fails otherwise is tried a
//     few times alone, after the others.
//   - A quarantined key has a poison message that waits: both come and go in one transaction.
//   - The key's row in quarantined_keys is locked by whoever quarantines, replays or discards, so that
//     nothing is parked behind a key that has just been freed. It is locked before the streams' rows.
package inbox
