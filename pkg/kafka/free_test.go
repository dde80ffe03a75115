package kafka_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/operator"
	"countersign.example/pkg/pg"
)

// unusable quarantines the key "bad" behind the first of three events.
func unusable(t *testing.T) (*harness, []string) {
	addresses := brokers(t)
	h := newHarness(t, addresses, 1)
	first := newEvent("bad", 1)
	first.Data = json.RawMessage(`{"n":"one"}`)
	run(t, h.consumer().Run)
	h.produce(addresses, h.encoded(first, newEvent("bad", 2), newEvent("bad", 3))...)
	h.eventually(3, "dead_letters")
	return h, addresses
}

// A process that ends in the midst of it leaves all of it undone.
func TestDiscardAndReplayAreDoneOrNot(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(d *inbox.DeadLetterStore, ctx context.Context) (int, error){
		"discard": func(d *inbox.DeadLetterStore, ctx context.Context) (int, error) { return d.Discard(ctx, 1) },
		"replay":  func(d *inbox.DeadLetterStore, ctx context.Context) (int, error) { return d.Replay(ctx, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			h, addresses := unusable(t)
			r := h.recording()
			r.Topics[0].Check = nil // it can be used by now
			ctx, crash := context.WithCancel(t.Context())
			r.Projectors = []journal.Projector{func(_ context.Context, _ *pg.Tx, streams []journal.Stream) error {
				if len(streams[0].Records) == 2 {
					crash()
				}
				return nil
			}}

			_, err := do(inbox.NewDeadLetterStore(r), ctx)

			if name == "discard" { // what it discards is not recorded, so the crash comes with the third
				require.ErrorIs(t, err, context.Canceled)
			}
			require.Error(t, err)
			h.eventually(3, "dead_letters where state = 'waiting'")
			h.eventually(1, "dead_letters where kind = 'poison'")
			require.Empty(t, h.ns("bad"))
			h.eventually(1, "quarantined_keys")

			// and once more, without a crash
			settled, err := do(inbox.NewDeadLetterStore(h.lenient()), t.Context())
			require.NoError(t, err)
			require.GreaterOrEqual(t, settled, 2)
			h.eventually(0, "quarantined_keys")
			h.produce(addresses, h.encoded(newEvent("bad", 4))...)
			h.eventually(settled+1, "journal")
		})
	}
}

// lenient is the recording of a version that can use what the one before could not.
func (h *harness) lenient() inbox.Config {
	r := h.recording()
	r.Topics[0].Check = nil
	return r
}

func TestAKeyThatNoPoisonDeadLetterHoldsIsFoundReportedAndFreed(t *testing.T) {
	t.Parallel()
	// given a key whose poison dead letter was settled without the key being freed
	h, addresses := unusable(t)
	_, err := h.db.Pool().Exec(t.Context(), "update dead_letters set state = 'discarded' where id = 1")
	require.NoError(t, err)
	execute := func(args ...string) string {
		command := operator.DeadLettersCommand(func(context.Context) (*inbox.DeadLetterStore, func(), error) {
			return inbox.NewDeadLetterStore(h.recording()), func() {}, nil
		})
		var out strings.Builder
		command.SetOut(&out)
		command.SetArgs(args)
		require.NoError(t, command.ExecuteContext(t.Context()))
		return out.String()
	}

	// then it is found, and told with what to do
	stranded, err := inbox.Stranded(t.Context(), h.db)
	require.NoError(t, err)
	require.Len(t, stranded, 1)
	require.Equal(t, []any{h.topic, "bad", 2}, []any{stranded[0].Topic, string(stranded[0].Key), stranded[0].Waiting})
	registry := prometheus.NewRegistry()
	registry.MustRegister(h.consumer().Collectors()...)
	families, err := registry.Gather()
	require.NoError(t, err)
	gauges := map[string]float64{}
	for _, family := range families {
		gauges[family.GetName()] = family.Metric[0].GetGauge().GetValue()
	}
	require.EqualValues(t, 1, gauges["stranded_keys"])
	require.EqualValues(t, 0, gauges["quarantined_keys"])
	listed := execute("list")
	require.Contains(t, listed, `key "bad" of `+h.topic)
	require.Contains(t, listed, "dead-letters free")

	// and can be freed
	require.Contains(t, execute("free"), "replayed from behind 1 keys that were freed: 2")
	require.Equal(t, []int{2, 3}, h.ns("bad"))
	h.eventually(0, "quarantined_keys")
	require.Equal(t, "no dead letters wait\n", execute("list"))
	h.produce(addresses, h.encoded(newEvent("bad", 4))...)
	h.eventually(3, "journal")
}

func TestAReplayThatFailsFurtherDownHoldsTheKeyThere(t *testing.T) {
	t.Parallel()
	// given three events of a key, of which a projector cannot stand the second, and queues something before it
	// says so
	h, _ := unusable(t)
	r := h.lenient()
	r.Projectors = []journal.Projector{func(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
		tx.Queue("insert into quarantined_keys (topic, key) values ('queued', '1')")
		if len(streams[0].Records) == 2 {
			panic("cannot stand it")
		}
		return nil
	}}

	settled, err := inbox.NewDeadLetterStore(r).Replay(t.Context(), 1)

	var again *inbox.FailedAgainError
	require.ErrorAs(t, err, &again)
	require.EqualValues(t, 2, again.DeadLetter)
	require.Equal(t, 1, settled)
	h.eventually(1, "journal")
	h.eventually(1, "dead_letters where id = 2 and kind = 'poison' and state = 'waiting' and error like '%cannot stand it%'")
	h.eventually(1, "quarantined_keys where topic = 'queued' and key = '1'")
	stranded, err := inbox.Stranded(t.Context(), h.db)
	require.NoError(t, err)
	require.Len(t, stranded, 1) // the projector's own
}

func TestADeadLetterThatHoldsItsKeyNoLongerIsDiscardedAlone(t *testing.T) {
	t.Parallel()
	// given somebody who has just replayed a dead letter, and those behind it, and found that it is refused by
	// now
	h, _ := unusable(t)
	another, err := h.db.Pool().Begin(t.Context())
	require.NoError(t, err)
	for _, statement := range []string{
		"delete from quarantined_keys", "update dead_letters set kind = 'refused' where id = 1", "update dead_letters set state = 'replayed' where id > 1",
	} {
		_, err := another.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	committed := make(chan error, 1)
	go func() {
		// when the dead letter is being discarded meanwhile
		for waiting := 0; waiting == 0 && t.Context().Err() == nil; pause(t) {
			_ = h.db.Pool().QueryRow(t.Context(), "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").
				Scan(&waiting)
		}
		committed <- another.Commit(t.Context())
	}()
	_, err = inbox.NewDeadLetterStore(h.lenient()).Discard(t.Context(), 1)

	// then it is, and no key is left quarantined
	require.NoError(t, err)
	require.NoError(t, <-committed)
	h.eventually(1, "dead_letters where state = 'discarded'")
	h.eventually(0, "quarantined_keys")
}

// A scrape looks for them every few seconds, also after somebody has poisoned many keys.
func TestStrandedKeysAreFoundAmongMany(t *testing.T) {
	t.Parallel()
	h := newHarness(t, brokers(t), 1)
	for _, statement := range []string{
		`insert into dead_letters (topic, partition, "offset", key, headers, payload, time, kind, error, attempts)
			select 't', 0, n, n::text::bytea, '[]', '', now(), 'poison', '', 1 from generate_series(1, 20000) n`,
		"insert into quarantined_keys (topic, key) select 't', n::text::bytea from generate_series(1, 20001) n",
	} {
		_, err := h.db.Pool().Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	stranded, err := inbox.Stranded(ctx, h.db)
	require.NoError(t, err)
	require.Len(t, stranded, 1)
}
