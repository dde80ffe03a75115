// Package kafka carries events between a service's journal and Kafka's topics.
//
// Invariants:
//   - What the journal's outbox lists is published at least once, in the order of its positions
//     within a key, and leaves the list only when every in-sync replica has it.
//   - What a topic holds is recorded before its offset is committed, so that a crash makes
//     redeliveries, which the journal knows by their ids, and never a gap.
//   - The events of a key are recorded in the topic's order. An event that cannot be recorded
//     for a permanent reason becomes a dead letter, and later ones of its key are parked behind it.
//   - Nothing else stops: a malformed message is set aside alone, and an error that may pass
//     (a lost connection, a deadlock, a time-out) is retried without end and is never a letter.
//   - The key's row in parked_keys is held by whoever parks, replays or discards, so that nothing
//     is parked behind a key that has just been freed. It is taken before the streams' rows.
package kafka
