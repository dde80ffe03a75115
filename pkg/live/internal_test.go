package live

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gorilla/websocket"
	"github.com/redis/go-redis/v9"

	"countersign.example/pkg/rights"
)

func connect(t *testing.T, addr string) *redis.Client {
	client, err := Connect("redis://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestADeposedPusherIsRefused(t *testing.T) {
	client := connect(t, miniredis.RunT(t).Addr())
	s := newStream(client, "test")
	row := []outgoing{{"all", message{Row: &Row{ID: "a"}}}}

	_ = s.takeOver(t.Context(), "1")
	head, err := s.push(t.Context(), "1", cursor{}, row)
	if err != nil || head.epoch == "" {
		t.Fatalf("got %v, %v", head, err)
	}
	_ = s.takeOver(t.Context(), "2")
	if _, err := s.push(t.Context(), "1", head, row); !errors.Is(err, errDeposed) {
		t.Errorf("the first, after the second: %v", err)
	}
	if next, err := s.push(t.Context(), "2", head, row); err != nil || next.epoch != head.epoch || !head.id.before(next.id) {
		t.Errorf("the second: %v after %v, %v", next, head, err)
	}
	// Nor does the first one take over again, late.
	if err := s.takeOver(t.Context(), "1"); !errors.Is(err, errDeposed) {
		t.Errorf("the first takes over from the second: %v", err)
	}
	if _, err := s.push(t.Context(), "2", head, row); err != nil {
		t.Errorf("the second, after that: %v", err)
	}
}

func TestAFenceThatIsNoNumberIsOlder(t *testing.T) {
	client := connect(t, miniredis.RunT(t).Addr())
	s := newStream(client, "test")
	client.Set(t.Context(), s.pusher, "OCBJ3KYGYKTBVWLWTSDB2AQQ5Q", 0) // an earlier version's
	if err := s.takeOver(t.Context(), "1764309911000000"); err != nil {
		t.Error(err)
	}
}

func TestAPushFindsThatTheStreamLostItsTail(t *testing.T) {
	client := connect(t, miniredis.RunT(t).Addr())
	s := newStream(client, "test")
	row := []outgoing{{"all", message{Row: &Row{ID: "a"}}}}
	_ = s.takeOver(t.Context(), "3")
	head, _ := s.push(t.Context(), "3", cursor{}, row)

	head.id.ms++ // what Postgres knows of is no longer there
	next, err := s.push(t.Context(), "3", head, row)
	if err != nil || next.epoch == head.epoch {
		t.Errorf("got %v after %v, %v", next, head, err)
	}
}

func TestWhatPeopleTypeIsNoMarkOfARight(t *testing.T) {
	row := Row{ID: "a", Sort: "<not-for keep> bricks", HTML: "<tr><only-for keep>Change</only-for></tr>"}
	for held, want := range map[rights.Held]string{"keep": "<tr>Change</tr>", "": "<tr></tr>"} {
		var got message
		if err := json.Unmarshal([]byte(held.Write(prepare(message{Row: &row}).text)), &got); err != nil || got.Row.HTML != want {
			t.Errorf("who may %q gets %+v: %v", held, got.Row, err)
		}
	}
}

func TestASlowSocketResets(t *testing.T) {
	h := NewHub(nil, connect(t, "localhost:1"), "test", slog.New(slog.NewTextHandler(io.Discard, nil)))
	h.queue = 4
	h.at = cursor{"e", entryID{1, 0}}
	s := &socket{since: h.at, notified: make(chan struct{}, 1), closed: make(chan struct{})}
	h.join(s, "all")

	for i := range 10 {
		h.deliver([]entry{{id: entryID{uint64(i + 2), 0}, audience: "all", frame: &frame{}}})
	}
	if len(s.pending) > 4 {
		t.Errorf("%d messages wait", len(s.pending))
	}
	if s.since != (cursor{}) {
		t.Error("it was not told to reset")
	}
}

// forgetful is a store of sessions that tells nobody when one ends.
type forgetful struct{ asked, ended atomic.Int64 }

func (f *forgetful) Ended(_ context.Context, sessions []string) ([]string, error) {
	f.asked.Add(1)
	if f.ended.Load() == 0 {
		return nil, nil
	}
	return sessions, nil
}

func (*forgetful) OnEnd(ctx context.Context, _ func()) { <-ctx.Done() }

func TestAHeartbeatFindsASessionOfWhoseEndNobodyTells(t *testing.T) {
	// given a socket that was asked after when it opened
	h := NewHub(nil, connect(t, "localhost:1"), "test", slog.New(slog.DiscardHandler))
	h.beat = 10 * time.Millisecond
	sessions, watched := &forgetful{}, make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { defer close(watched); _ = h.Watch(ctx, sessions) }()
	defer func() { cancel(); <-watched }()
	s := &socket{session: "gone", notified: make(chan struct{}, 1), closed: make(chan struct{})}
	h.join(s, "all")
	for deadline := time.Now().Add(10 * time.Second); sessions.asked.Load() == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it was not asked after")
		}
	}

	// when its session ends
	sessions.ended.Store(1)

	// then it is closed
	select {
	case <-s.closed:
		if s.code != websocket.ClosePolicyViolation {
			t.Errorf("closed with %d", s.code)
		}
	case <-time.After(10 * time.Second):
		t.Error("it stays open")
	}
}

func TestTheRingKnowsWhatItNoLongerHas(t *testing.T) {
	frame := func(about string) entry {
		return entry{audience: "all", about: about, frame: &frame{}}
	}
	r := newRing(8, entryID{})
	for i := range 20 {
		e := frame([]string{"a", "b", "c"}[i%3])
		e.id = entryID{uint64(i + 1), 0}
		r.add(e)
	}
	for since, want := range map[uint64]int{20: 0, 19: 1, 18: 2, 16: 3, 15: 3, 3: -1, 30: 0} {
		frames, ok := r.after(entryID{since, 0}, "all")
		if got := len(frames); ok != (want >= 0) || ok && got != want {
			t.Errorf("since %d: %d, %v, want %d", since, got, ok, want)
		}
	}
	if len(r.entries) > 8 {
		t.Errorf("%d entries", len(r.entries))
	}
}

func TestCursors(t *testing.T) {
	for text, want := range map[string]cursor{
		"e:1-2": {"e", entryID{1, 2}},
		"":      {}, "e": {}, "e:": {}, ":1-2": {}, "e:1": {}, "e:-1-2": {}, "e:99999999999999999999-0": {},
	} {
		if got := parseCursor(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if got := (cursor{"e", entryID{1, 2}}).String(); got != "e:1-2" {
		t.Error(got)
	}
}

func TestResetsSpreadWithTheCrowd(t *testing.T) {
	for sockets, want := range map[int]time.Duration{1: 500 * time.Millisecond, 250: 500 * time.Millisecond, 1000: 2 * time.Second, 5000: 10 * time.Second, 10_000: 20 * time.Second, 90_000: 20 * time.Second} {
		if got := spread(sockets); got != want {
			t.Errorf("%d sockets: %s, not %s", sockets, got, want)
		}
	}
}
