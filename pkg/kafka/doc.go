// Package kafka is the transport of events between a service's journal and Kafka's topics: a client, a relay
// that publishes the outbox, a consumer group that fills the inbox, and CloudEvents as the format of
// messages.
//
// Invariants:
//   - What the journal's outbox lists is published at least once, in the order of its positions within a key,
//     and leaves the list only when every in-sync replica has it.
//   - What a topic holds is recorded before its offset is committed, so that a crash makes redeliveries,
//     which the journal knows by their ids, and never a gap.
//   - A partition whose next messages are gone is not consumed at all until an operator has decided from
//     where.
//   - A service with primary data serves nothing from a database that is older than the topics
//     (JournalCheck). Only an operator decides that it records what it has written before and lacks
//     (Adoption).
package kafka
