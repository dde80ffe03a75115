// Package embedded runs the parts that the services stand on (PostgreSQL, Kafka, Redis) on a
// machine that has none of them installed, for development and for tests.
//
// Each part speaks its real protocol on a TCP port of 127.0.0.1, so services and tools need not know
// that it is embedded. PostgreSQL is the real thing in a process of its own; Kafka (franz-go's
// kfake) and Redis (miniredis) are Go code in the process that calls.
//
// Invariants:
//   - A part whose function has returned accepts connections; one that is closed has freed its port.
//   - Nothing outlives the process that started it, however that process ended.
//   - What Kafka acknowledged and what PostgreSQL committed survive a restart with the same
//     directory. Redis keeps nothing: it holds only live updates on their way to a browser, and
//     the updates' epoch makes a Redis that lost its data harmless.
//   - Topics are never created by naming them.
package embedded
