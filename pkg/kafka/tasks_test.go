package kafka_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// newOffline returns a service that is given messages without a broker.
func newOffline(tb testing.TB) *harness {
	db := pgtest.New(tb, journal.Migrations, inbox.Migrations)
	return &harness{tb: tb, db: db, topic: "things", journal: journal.New(db, "/here"), keys: kafkatest.NewKeys(tb, "here", "there")}
}

// record records messages as they would come from the topic.
func (h *harness) record(offset int64, messages ...kafkago.Message) {
	h.tb.Helper()
	received := make([]inbox.Message, len(messages))
	for i, m := range messages {
		received[i] = inbox.Message{Topic: h.topic, Offset: offset + int64(i), Key: m.Key, Value: m.Value, Time: time.Now()}
		for _, header := range m.Headers {
			received[i].Headers = append(received[i].Headers, inbox.Header{Key: header.Key, Value: header.Value})
		}
	}
	_, err := inbox.NewRecorder(h.recording()).Record(h.tb.Context(), received)
	require.NoError(h.tb, err)
}

// ask has a task done, and returns it.
func (h *harness) ask(store *inbox.DeadLetterStore, t inbox.Task) inbox.Task {
	h.tb.Helper()
	require.NoError(h.tb, t.Check())
	t.By, t.ByName = "omar", "Omar Reyes"
	require.NoError(h.tb, h.db.InTx(h.tb.Context(), func(tx *pg.Tx) (err error) {
		t, err = store.Ask(h.tb.Context(), tx, t)
		return err
	}))
	return t
}

// ended waits for the end of a task.
func (h *harness) ended(store *inbox.DeadLetterStore, id int64) (t inbox.Task) {
	h.tb.Helper()
	require.Eventually(h.tb, func() bool {
		var err error
		t, err = store.Task(h.tb.Context(), id)
		require.NoError(h.tb, err)
		return t.EndedAt != nil
	}, patience, 10*time.Millisecond)
	return t
}

// working has a replica of the service work off tasks.
func (h *harness) working() *inbox.DeadLetterStore {
	store := inbox.NewDeadLetterStore(h.recording())
	run(h.tb, store.Work)
	return store
}

func TestATaskIsTriedAndThenReplaysEachKeyInOrder(t *testing.T) {
	t.Parallel()
	// given three keys that wait, and what nothing waits behind
	h := newOffline(t)
	var cured atomic.Bool
	h.project = func(ctx context.Context, tx *pg.Tx, streams []journal.Stream) error {
		for _, s := range streams {
			if strings.HasPrefix(s.ID, "thing-bad") && !cured.Load() || s.ID == "thing-bad 3" {
				return fmt.Errorf("cannot stand %s", s.ID)
			}
		}
		return nil
	}
	var messages []kafkago.Message
	for n := 1; n <= 4; n++ {
		messages = append(messages, h.encoded(newEvent("bad 1", n), newEvent("good", n), newEvent("bad 2", n), newEvent("bad 3", n))...)
	}
	h.record(0, append(messages, kafkago.Message{Key: []byte("x"), Value: []byte("no event")})...)
	cured.Store(true)
	store := h.working()
	before := h.rows()

	// when it is tried, then it is told what would happen, and nothing does
	tried := h.ended(store, h.ask(store, inbox.Task{Action: inbox.Try, Selection: inbox.Selection{Topic: h.topic}}).ID)
	require.EqualValues(t, 13, *tried.Total)
	require.Equal(t, [3]int64{8, 2, 3}, [3]int64{tried.Settled, tried.Failed, tried.LeftOut})
	require.Contains(t, tried.Failures[0].Error, "cannot stand thing-bad 3")
	require.Equal(t, before, h.rows())

	// when it is done, then all but these are recorded, in order
	done := h.ended(store, h.ask(store, inbox.Task{Action: inbox.Replay, Selection: inbox.Selection{Topic: h.topic}}).ID)
	require.Equal(t, [2]int64{8, 2}, [2]int64{done.Settled, done.Failed})
	require.Equal(t, []int{1, 2, 3, 4}, h.ns("bad 1"))
	require.Equal(t, []int{1, 2, 3, 4}, h.ns("bad 2"))
	require.Empty(t, h.ns("bad 3"))
	letters, err := store.List(t.Context(), 100)
	require.NoError(t, err)
	require.Len(t, letters, 5)
	letters = slices.DeleteFunc(letters, func(l inbox.DeadLetter) bool { return l.Kind == inbox.Malformed })
	whole, err := store.Get(t.Context(), letters[0].ID)
	require.NoError(t, err)
	require.Equal(t, 4, whole.Queued)
	require.Equal(t, done.ID, whole.Task.ID)

	// and again nothing happens twice
	again := h.ended(store, h.ask(store, inbox.Task{Action: inbox.Replay, Selection: inbox.Selection{Key: "bad 1"}}).ID)
	require.EqualValues(t, 0, again.Settled)
	require.Equal(t, []int{1, 2, 3, 4}, h.ns("bad 1"))

	// when the one that fails is given up, then it stays on record why, and those behind it hold the key
	given := h.ended(store, h.ask(store, inbox.Task{Action: inbox.Discard, Selection: inbox.Selection{DeadLetter: letters[0].ID}, Reason: "a test"}).ID)
	require.Equal(t, [2]int64{1, 1}, [2]int64{given.Settled, given.Failed})
	whole, err = store.Get(t.Context(), letters[0].ID)
	require.NoError(t, err)
	require.Equal(t, "discarded", whole.State)
	require.Equal(t, "Omar Reyes: a test", whole.Task.ByName+": "+whole.Task.Reason)
	h.eventually(1, "quarantined_keys")
}

// rows are what a try must leave alone.
func (h *harness) rows() (counts string) {
	h.tb.Helper()
	require.NoError(h.tb, h.db.Pool().QueryRow(h.tb.Context(), `select (select count(*) from journal) || ' ' || (select count(*) from quarantined_keys) || ' ' ||
		(select string_agg(id || kind || state || error || attempts, ' ' order by id) from dead_letters)`).Scan(&counts))
	return counts
}

func TestATaskIsStoppedAndGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	// given a long key that waits
	h := newOffline(t)
	var at atomic.Pointer[func(n int)] // called with each event that is recorded
	h.project = func(_ context.Context, _ *pg.Tx, streams []journal.Stream) error {
		do := at.Load()
		if do == nil {
			return fmt.Errorf("not yet")
		}
		(*do)(len(streams[0].Records))
		return nil
	}
	const all = 350
	events := make([]event.Event, all)
	for i := range events {
		events[i] = newEvent("long", i+1)
	}
	h.record(0, h.encoded(events...)...)

	// when whoever replays it dies in the middle
	store := inbox.NewDeadLetterStore(h.recording())
	task := h.ask(store, inbox.Task{Action: inbox.Replay, Selection: inbox.Selection{Kind: inbox.Poison, Error: "NOT yet"}})
	ctx, die := context.WithCancel(t.Context())
	dies := func(n int) {
		if n == 150 {
			die()
		}
	}
	at.Store(&dies)
	require.ErrorIs(t, store.Work(ctx), nil)
	h.eventually(100, "dead_letters where state = 'replayed'")

	// then another replica goes on where it was, until it is told to stop
	var stopped atomic.Bool
	stops := func(n int) {
		if n == 220 && stopped.CompareAndSwap(false, true) {
			require.NoError(t, h.db.InTx(t.Context(), func(tx *pg.Tx) error {
				_, err := store.Stop(t.Context(), tx, task.ID, "Iris")
				return err
			}))
		}
	}
	at.Store(&stops)
	store = h.working()
	done := h.ended(store, task.ID)
	require.Equal(t, "Iris", *done.StoppedBy)
	require.EqualValues(t, 300, done.Settled)
	h.eventually(50, "dead_letters where state = 'waiting'")

	// and the rest follows with the next one
	done = h.ended(store, h.ask(store, inbox.Task{Action: inbox.Replay}).ID)
	require.EqualValues(t, 50, done.Settled)
	ns := h.ns("long")
	require.Len(t, ns, all)
	for i, n := range ns {
		require.Equal(t, i+1, n)
	}
}

func TestDeadLettersAreFoundPageByPage(t *testing.T) {
	t.Parallel()
	h := newOffline(t)
	h.project = func(context.Context, *pg.Tx, []journal.Stream) error { return nil }
	var messages []kafkago.Message
	for n := range 7 {
		bad := newEvent("key "+strconv.Itoa(n%2), n)
		bad.Data = []byte(`{"wrong": true}`)
		messages = append(messages, h.encoded(bad)...)
	}
	h.record(0, append(messages, kafkago.Message{Key: []byte{0xff}, Value: []byte("no event"), Headers: []kafkago.Header{{Key: "ce_type", Value: []byte("odd")}}})...)
	store := inbox.NewDeadLetterStore(h.recording())

	// all, page by page, the newest first
	var offsets []int64
	var place *inbox.Place
	for {
		page, next, err := store.Look(t.Context(), inbox.Selection{State: inbox.Waiting}, place, 3)
		require.NoError(t, err)
		for _, s := range page {
			offsets = append(offsets, s.Offset)
		}
		if place = next; place == nil {
			break
		}
	}
	require.ElementsMatch(t, []int64{0, 1, 2, 3, 4, 5, 6, 7}, offsets)

	now := time.Now()
	for name, test := range map[string]struct {
		by   inbox.Selection
		want int
	}{
		"kind":   {inbox.Selection{Kind: inbox.Poison}, 2},
		"topic":  {inbox.Selection{Topic: "others"}, 0},
		"type":   {inbox.Selection{Type: "odd"}, 1},
		"types":  {inbox.Selection{Type: "thing_happened", Kind: inbox.Parked}, 5},
		"key":    {inbox.Selection{Key: "key 1"}, 3},
		"error":  {inbox.Selection{Error: "UNKNOWN field"}, 2},
		"past":   {inbox.Selection{To: now.Add(-time.Hour)}, 0},
		"time":   {inbox.Selection{From: now.Add(-time.Hour), To: now.Add(time.Hour)}, 8},
		"state":  {inbox.Selection{State: inbox.Discarded}, 0},
		"letter": {inbox.Selection{DeadLetter: 1}, 1},
	} {
		require.NoError(t, test.by.Check(), name)
		found, _, err := store.Look(t.Context(), test.by, nil, 100)
		require.NoError(t, err, name)
		require.Len(t, found, test.want, name)
	}
	require.ErrorContains(t, inbox.Selection{Kind: "odd"}.Check(), "use malformed, poison, parked or refused")
	require.ErrorContains(t, inbox.Selection{From: now, To: now}.Check(), "ends before it begins")
	require.ErrorContains(t, inbox.Task{Action: inbox.Discard, Selection: inbox.Selection{Kind: inbox.Poison}}.Check(), "discard one")
	require.ErrorContains(t, inbox.Task{Action: inbox.Discard, Selection: inbox.Selection{Kind: inbox.Malformed}}.Check(), "say why")
	waiting, err := store.Waiting(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[inbox.Kind]int{inbox.Poison: 2, inbox.Parked: 5, inbox.Malformed: 1}, waiting)
}

// longKey has many dead letters of one key, the first of which holds it, and returns what is to come of the
// nth event that is recorded from now on.
func (h *harness) longKey(all int, outcome func(n int64) error) (store *inbox.DeadLetterStore, head int64) {
	h.tb.Helper()
	var seen atomic.Int64
	seen.Store(-1) // the first time
	h.project = func(context.Context, *pg.Tx, []journal.Stream) error {
		if seen.Load() < 0 {
			return fmt.Errorf("not yet")
		}
		return outcome(seen.Add(1))
	}
	events := make([]event.Event, all)
	for i := range events {
		events[i] = newEvent("long", i+1)
	}
	h.record(0, h.encoded(events...)...)
	seen.Store(0)
	store = h.working()
	letters, err := store.List(h.tb.Context(), 1)
	require.NoError(h.tb, err)
	return store, letters[0].ID
}

func TestATaskGoesOnWithItsKeyAfterAFailureThatPasses(t *testing.T) {
	t.Parallel()
	h := newOffline(t)
	store, head := h.longKey(250, func(n int64) error {
		switch n {
		case 1: // it is set aside by itself, and those behind it go on
			return inbox.ErrDisallowed
		case 150: // in a later transaction than that
			return &pgconn.PgError{Code: "40001"}
		}
		return nil
	})
	done := h.ended(store, h.ask(store, inbox.Task{Action: inbox.Replay, Selection: inbox.Selection{DeadLetter: head}}).ID)
	require.Equal(t, [2]int64{249, 1}, [2]int64{done.Settled, done.Failed})
	h.eventually(0, "quarantined_keys")
}

func TestATryOfWhatAllFailsIsBounded(t *testing.T) {
	t.Parallel()
	h := newOffline(t)
	store, head := h.longKey(520, func(int64) error { return inbox.ErrDisallowed })
	tried := h.ended(store, h.ask(store, inbox.Task{Action: inbox.Try, Selection: inbox.Selection{DeadLetter: head}}).ID)
	require.Equal(t, [2]int64{500, 20}, [2]int64{tried.Failed, tried.LeftOut})
}
