// Package kafka carries events between a service's journal and Kafka's topics.
//
// Invariants:
//   - What the journal's outbox lists is published at least once, in the order of its positions
//     within a key, and leaves the list only when every in-sync replica has it.
//   - What a topic holds is recorded before its offset is committed, so that a crash makes
//     redeliveries, which the journal knows by their ids, and never a gap.
//   - The events of a key are recorded in the topic's order. An event that cannot be used, or whose recording fails for whatever
//     is not known to pass, is poison: it becomes a dead letter, later ones of its key are parked behind it, and
//     replaying it records it at its place.
//   - What is no event is malformed, and what its sender must not have written, or not there, is refused: set aside
//     alone, before anything else is asked of it, so that nobody parks a key by what they must not write.
//   - Nothing else stops. Only failures that are known to pass (a lost connection, a deadlock, a time-out) are repeated without
//     end, and are never dead letters. What fails otherwise is tried a few times alone, when the others are recorded.
//   - A parked key has a poison dead letter, which waits: both come and go in one transaction.
//   - No partition is received on from where its messages are gone: it is not received at all until an operator has said from where.
//   - A service with primary data serves nothing from a database that is older than the topics (JournalCheck). Only an operator
//     decides that it records what it has written before and lacks (Adoption).
//   - The key's row in parked_keys is held by whoever parks, replays or discards, so that nothing
//     is parked behind a key that has just been freed. It is taken before the streams' rows.
package kafka
