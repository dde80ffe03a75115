package kafka_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/operator"
	"countersign.example/pkg/pg"
)

// core is how a service with primary data receives.
func (h *harness) core() kafka.ConsumerConfig {
	r := h.recording()
	r.Primary = true
	return kafka.ConsumerConfig{Config: r, Client: h.client, Group: h.group}
}

// ours makes an event as /here writes it.
func ours(subject string, n int) event.Event {
	e := newEvent(subject, n)
	e.Source, e.Sequence = "/here", int64(n)
	return e
}

var decision = inbox.Decision{Reason: "restored from a backup", By: "mia"}

func adopt(t *testing.T, h *harness, dry bool) string {
	t.Helper()
	var said []string
	a := &kafka.Adoption{ConsumerConfig: h.core()}
	require.NoError(t, a.Run(t.Context(), decision, dry, func(line string) { said = append(said, line) }))
	return strings.Join(said, "\n")
}

func TestAJournalThatIsOlderThanTheTopicAdoptsWhatItLacks(t *testing.T) {
	t.Parallel()
	// given a service that has received two events, and a backup of its database from before the last one and
	// from before another one that it wrote
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	first, mine := newEvent("1", 1), ours("1", 2)
	h.append(mine) // written and listed when the backup was made
	h.produce(addresses, h.encoded(first, mine, ours("1", 3), newEvent("1", 4), ours("2", 1))...)
	projected := 0
	h.project = func(_ context.Context, _ *pg.Tx, streams []journal.Stream) error {
		for _, s := range streams {
			projected += len(s.Records)
		}
		return nil
	}
	check := kafka.NewJournalCheck(h.core(), h.db)

	// then its check says what is missing
	err := check.Check(t.Context())
	var missing *kafka.MissingError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, 2, missing.Events)
	require.Equal(t, 2, missing.Streams)
	require.ErrorContains(t, err, "thing_happened of thing-1 ("+missing.First[0].ID.String()+") at "+h.topic+"/0/2")

	// and a dry run says what would be done, and does nothing
	require.Contains(t, adopt(t, h, true), "2 events of this service's own, of 2 streams, and 2 of others")
	h.eventually(1, "journal")
	h.eventually(0, "operator_decisions")

	// when they are adopted
	projected = 0
	adopt(t, h, false)

	// then everything has its place in the topic's order, was looked at once it was all there, and is on record
	s, err := h.journal.Read(t.Context(), "thing-1")
	require.NoError(t, err)
	for i, record := range s.Records {
		require.EqualValues(t, i+1, record.Log)
		require.EqualValues(t, i, record.Offset)
	}
	require.Len(t, s.Records, 4)
	require.Equal(t, 5, projected)
	h.eventually(0, "outbox")
	h.eventually(1, "operator_decisions where decision = 'adopt' and decided_by = 'mia'")
	require.NoError(t, check.Check(t.Context()))

	// and the service goes on receiving behind it
	h.project = nil
	run(t, kafka.NewConsumer(h.core()).Run)
	h.produce(addresses, h.encoded(newEvent("1", 5))...)
	h.eventually(6, "journal where log > 0")
}

func TestAnEmptyJournalLacksWhatTheServiceWrote(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 3)
	h.produce(addresses, h.encoded(newEvent("1", 1), ours("2", 1))...)
	require.ErrorContains(t, kafka.NewJournalCheck(h.core(), h.db).Check(t.Context()), "lacks 1 events")
}

func TestAForgedEventIsSkipped(t *testing.T) {
	t.Parallel()
	// given an event that says to be ours, and is not
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	h.produce(addresses, h.encoded(newEvent("1", 1), ours("1", 2), newEvent("1", 3))...)
	check := kafka.NewJournalCheck(h.core(), h.db)
	require.Error(t, check.Check(t.Context()))

	// when somebody skips it
	a := &kafka.Adoption{ConsumerConfig: h.core()}
	at := func(offset int64) []inbox.Origin {
		return []inbox.Origin{{TopicPartition: journal.TopicPartition{Topic: h.topic}, Offset: offset}}
	}
	_, err := a.Skip(t.Context(), at(0), decision)
	require.ErrorIs(t, err, inbox.ErrNotMissing)
	_, err = a.Skip(t.Context(), at(1), inbox.Decision{By: "mia"})
	require.ErrorContains(t, err, "--reason")
	_, err = a.Skip(t.Context(), at(1), decision)
	require.NoError(t, err)

	// then nothing is missing any more, and the others are received
	require.NoError(t, check.Check(t.Context()))
	h.eventually(1, `dead_letters where state = 'discarded' and kind = 'refused' and "offset" = 1 and error like 'skipped by mia: %'`)
	h.eventually(1, "operator_decisions where decision = 'skip' and \"offset\" = 1")
	run(t, kafka.NewConsumer(h.core()).Run)
	h.eventually(2, "journal")
}

func TestACheckWithNothingMissingReadsFromWhereTheDatabaseIs(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	run(t, h.relay().Run)
	stop := run(t, kafka.NewConsumer(h.core()).Run)
	h.append(ours("1", 1), ours("1", 2))
	h.eventually(2, "journal where log > 0")
	h.eventually(1, "consumer_positions where next >= 2")
	stop()
	h.produce(addresses, h.encoded(newEvent("2", 1))...)
	require.NoError(t, kafka.NewJournalCheck(h.core(), h.db).Check(t.Context()))
	h.cutOff(addresses, 2) // what was received is not needed
	require.NoError(t, kafka.NewJournalCheck(h.core(), h.db).Check(t.Context()))
	h.cutOff(addresses, 3)
	var lost *journal.LostError
	require.ErrorAs(t, kafka.NewJournalCheck(h.core(), h.db).Check(t.Context()), &lost)
}

func TestWhatWasRefusedIsAdoptedAsIfItCameNow(t *testing.T) {
	t.Parallel()
	// given events that say to be ours, refused since the journal lacks them; of one key the first cannot be
	// used. And a flood of dead letters that others have forged
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	unusable := ours("bad", 1)
	unusable.Data = json.RawMessage(`{"n":"one"}`)
	stop := run(t, kafka.NewConsumer(h.core()).Run)
	h.produce(addresses, h.encoded(ours("1", 1), unusable, ours("bad", 2))...)
	h.eventually(3, "dead_letters where kind = 'refused'")
	stop()
	_, err := h.db.Pool().Exec(t.Context(), `insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts)
		select '!', 0, n, 'k', '[]', '', now(), 'refused', 'forged', 1 from generate_series(1, 10001) n`)
	require.NoError(t, err)
	check := kafka.NewJournalCheck(h.core(), h.db)
	require.ErrorContains(t, check.Check(t.Context()), "lacks 3 events")

	// when they are adopted
	adopt(t, h, false)

	// then one is recorded, one is poison, and one waits behind it
	require.Equal(t, []int{1}, h.ns("1"))
	require.Empty(t, h.ns("bad"))
	h.eventually(1, "dead_letters where kind = 'poison' and state = 'waiting'")
	h.eventually(1, "dead_letters where kind = 'parked' and state = 'waiting'")
	h.eventually(1, "quarantined_keys")
	require.NoError(t, check.Check(t.Context()))
}

func TestWhatIsRefusedWhoeverSentItIsNotMissing(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 3)
	m := h.encoded(ours("1", 1))[0]
	tp := kafkago.Murmur2Balancer{}.Balance(m, 0, 1, 2)
	h.produceTo(addresses, (tp+1)%3, m)
	require.NoError(t, kafka.NewJournalCheck(h.core(), h.db).Check(t.Context()))
}

func TestAnOwnEventBehindAQuarantinedKeyIsAdoptedAndRecordedAtItsPlace(t *testing.T) {
	t.Parallel()
	// given a key that waits behind a poison event of somebody else, and a backup from before the events of ours
	// behind it
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	poison := newEvent("bad", 1)
	poison.Data = json.RawMessage(`{"n":"one"}`)
	stop := run(t, kafka.NewConsumer(h.core()).Run)
	h.produce(addresses, h.encoded(poison, newEvent("bad", 2))...)
	h.eventually(2, "dead_letters")
	h.eventually(1, "consumer_positions where next >= 2")
	stop()
	h.produce(addresses, h.encoded(ours("bad", 3), newEvent("bad", 4), ours("good", 1))...)
	check := kafka.NewJournalCheck(h.core(), h.db)
	require.ErrorContains(t, check.Check(t.Context()), "lacks 2 events")

	// when they are adopted, after a dry run
	for _, dry := range []bool{true, false} {
		report := adopt(t, h, dry)

		// then both are named and counted, and that one waits
		require.Regexp(t, `adopt thing_happened of thing-bad \(.+\) at `+h.topic+`/0/2: it waits as dead letter \d+ behind dead letter 1 of its key`, report)
		require.Contains(t, report, "together: 2 events of this service's own, of 2 streams, and 0 of others; "+
			"1 of this service's own waits as a dead letter")
	}
	require.NoError(t, check.Check(t.Context()))
	h.eventually(1, "operator_decisions where detail like '2 events of this service%1 of this service%waits%'")

	// and when the key is freed, it is recorded at its place, with what follows from it, by a service that is no
	// longer behind
	r, restored := h.core().Config, []string(nil)
	r.Restore = func(_ context.Context, _ *pg.Tx, streams []string, _ func(string)) error {
		restored = append(restored, streams...)
		return nil
	}
	settled, err := inbox.NewDeadLetterStore(r).Discard(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, 3, settled)
	require.Equal(t, []int{2, 3, 4}, h.ns("bad"))
	require.Equal(t, []string{"thing-bad"}, restored)
	h.eventually(0, "dead_letters where state = 'waiting'")
	require.NoError(t, kafka.NewJournalCheck(h.core(), h.db).Check(t.Context()))
}

func TestAnOwnEventThatCannotBeUsedIsAdoptedAsPoisonAndRecordedOnceItCan(t *testing.T) {
	t.Parallel()
	// given an event of ours that this version cannot use and that the journal lacks, and another one behind it
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	unusable := ours("bad", 1)
	unusable.Data = json.RawMessage(`{"n":1,"other":1}`)
	h.produce(addresses, h.encoded(unusable, ours("bad", 2))...)

	// when both are adopted
	report := adopt(t, h, false)

	// then the report says so, and a version that can use the event records both
	require.Regexp(t, `at `+h.topic+`/0/0: it cannot be used, and waits as dead letter 1, which holds its key`, report)
	require.Contains(t, report, "together: 2 events of this service's own, of 1 streams")
	r := h.core().Config
	r.Topics[0].Check = nil
	settled, err := inbox.NewDeadLetterStore(r).Replay(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, 2, settled)
	require.Equal(t, []int{1, 2}, h.ns("bad"))
	require.NoError(t, kafka.NewJournalCheck(h.core(), h.db).Check(t.Context()))
}

func TestARefusedEventFromBeforeItsKeyWasQuarantinedIsAdoptedBeforeIt(t *testing.T) {
	t.Parallel()
	// given an event of ours that was refused before another one quarantined its key
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	poison := newEvent("bad", 2)
	poison.Data = json.RawMessage(`{"n":"two"}`)
	stop := run(t, kafka.NewConsumer(h.core()).Run)
	h.produce(addresses, h.encoded(ours("bad", 1), poison, ours("bad", 3), newEvent("bad", 4))...)
	h.eventually(2, "dead_letters where kind = 'refused'")
	h.eventually(1, "dead_letters where kind = 'parked'")
	stop()

	// when both refused ones are adopted
	report := adopt(t, h, false)

	// then the first is recorded, the other waits at its place, and what was refused is said beside both
	require.Equal(t, []int{1}, h.ns("bad"))
	require.Regexp(t, `at `+h.topic+`/0/0; it was refused .+ as dead letter 1: unless the database was restored`, report)
	require.Regexp(t, `at `+h.topic+`/0/2: it waits as dead letter 3 behind dead letter 2 of its key, .+; it was refused`, report)
	settled, err := inbox.NewDeadLetterStore(h.core().Config).Discard(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, 2, settled)
	require.Equal(t, []int{1, 3, 4}, h.ns("bad"))
	h.eventually(0, "quarantined_keys")
}

func TestWhatWaitingEventsHaveUsedUpIsReserved(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	poison := newEvent("bad", 1)
	poison.Data = json.RawMessage(`{"n":"one"}`)
	waits := ours("bad", 2)
	h.produce(addresses, h.encoded(poison, waits, ours("good", 1))...)
	var reserved []event.Event
	a := &kafka.Adoption{ConsumerConfig: h.core(), Reserve: func(_ context.Context, _ *pg.Tx, waiting []event.Event, _ func(string)) error {
		reserved = waiting
		return nil
	}}
	require.NoError(t, a.Run(t.Context(), decision, false, func(string) {}))
	require.Len(t, reserved, 1)
	require.Equal(t, waits.ID, reserved[0].ID)
}

func TestAnOwnEventThatNobodyHasAdoptedIsRefusedWhenItsKeyIsFreed(t *testing.T) {
	t.Parallel()
	// given an event in our name that waits for its key, set aside by a version that did not ask
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	poison := newEvent("bad", 1)
	poison.Data = json.RawMessage(`{"n":"one"}`)
	stop := run(t, h.consumer().Run)
	h.produce(addresses, h.encoded(poison, ours("bad", 2), newEvent("bad", 3))...)
	h.eventually(2, "dead_letters where kind = 'parked'")
	stop()

	// when the key is freed
	_, err := inbox.NewDeadLetterStore(h.core().Config).Discard(t.Context(), 1)

	// then it is not recorded
	require.ErrorIs(t, err, inbox.ErrDisallowed)
	require.Equal(t, []int{3}, h.ns("bad"))
	h.eventually(1, "dead_letters where kind = 'refused' and state = 'waiting'")
}

func TestAForgedOwnEventIsRefusedAlsoOnAQuarantinedKey(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	poison := newEvent("bad", 1)
	poison.Data = json.RawMessage(`{"n":"one"}`)
	run(t, kafka.NewConsumer(h.core()).Run)
	h.produce(addresses, h.encoded(poison, ours("bad", 2), newEvent("bad", 3))...)
	h.eventually(3, "dead_letters")
	h.eventually(1, "dead_letters where kind = 'refused' and \"offset\" = 1")
	deadLetters := inbox.NewDeadLetterStore(h.core().Config)
	_, err := deadLetters.Discard(t.Context(), 1)
	require.NoError(t, err)
	_, err = deadLetters.Replay(t.Context(), 2)
	require.ErrorIs(t, err, inbox.ErrDisallowed)
	require.Equal(t, []int{3}, h.ns("bad"))
}

func TestSeveralForgedEventsAreSkippedTogetherOrNot(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	h.produce(addresses, h.encoded(ours("1", 1), newEvent("1", 2), ours("2", 1))...)
	a := &kafka.Adoption{ConsumerConfig: h.core()}
	skip := func(offsets ...int) error {
		command := operator.SkipCommand(func(context.Context) (*kafka.Adoption, func(), error) { return a, func() {}, nil })
		args := []string{"--reason", "nobody has written them", "--by", "mia"}
		for _, offset := range offsets {
			args = append(args, fmt.Sprintf("%s/0/%d", h.topic, offset))
		}
		command.SetArgs(args)
		command.SetOut(io.Discard)
		return command.ExecuteContext(t.Context())
	}

	require.ErrorIs(t, skip(0, 1, 2), inbox.ErrNotMissing)
	h.eventually(0, "dead_letters")
	require.NoError(t, skip(0, 2, 0))

	h.eventually(2, "dead_letters where state = 'discarded'")
	h.eventually(2, "operator_decisions where decision = 'skip' and reason = 'nobody has written them'")
	require.NoError(t, kafka.NewJournalCheck(h.core(), h.db).Check(t.Context()))
}
