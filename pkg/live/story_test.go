package live_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gorilla/websocket"

	"countersign.example/pkg/live"
	"countersign.example/pkg/pg/pgtest"
)

func TestNoUpdateIsLostThoughSocketsAreDropped(t *testing.T) {
	a := newApp(t)
	a.push()
	browsers := []*browser{a.open(0), a.open(1), a.open(3), a.open(7)}

	for i := range 200 {
		a.change(fmt.Sprint("doc-", i%20))
	}

	for _, b := range browsers {
		eventually(t, "the page equals a reload", b.equalsReload)
	}
	if resets, dropped, _ := browsers[2].seen(); resets > 0 || dropped == 0 {
		t.Errorf("%d resets, %d drops: every drop should have been made good by a replay", resets, dropped)
	}
	eventually(t, "the list is empty", func() bool { return a.unpushed() == 0 })
}

func TestRedisComesBack(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(m *miniredis.Miniredis)
		resets    bool
	}{
		"with its data":          {func(*miniredis.Miniredis) {}, false},
		"without its data":       {func(m *miniredis.Miniredis) { m.FlushAll() }, true},
		"with an older snapshot": {func(m *miniredis.Miniredis) { truncate(t, m, "live:test", 10) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			// given pages that have seen updates, of which one reconnects all the time
			a := newApp(t)
			a.push()
			steady, dropping := a.open(0), a.open(2)
			for i := range 30 {
				a.change(fmt.Sprint("doc-", i))
			}
			eventually(t, "the page is right before", steady.equalsReload)
			eventually(t, "everything is pushed", func() bool { return a.unpushed() == 0 })

			// when Redis is away during changes, and comes back
			a.mini.Close()
			eventually(t, "the hub says that updates are late", func() bool { return !a.hub.Healthy() })
			for i := range 5 {
				a.change(fmt.Sprint("doc-", i))
			}
			test.meanwhile(a.mini)
			restart(t, a.mini)

			// then every page is right again, by itself
			a.change("doc-9")
			eventually(t, "the hub reads again", a.hub.Healthy)
			eventually(t, "the steady page equals a reload", steady.equalsReload)
			eventually(t, "the dropping page equals a reload", dropping.equalsReload)
			eventually(t, "the list is empty", func() bool { return a.unpushed() == 0 })
			if resets, _, _ := steady.seen(); (resets > 0) != test.resets {
				t.Errorf("%d resets, want some: %v", resets, test.resets)
			}
		})
	}
}

// restart brings back a server that was closed, on the same address.
func restart(tb testing.TB, m *miniredis.Miniredis) {
	m.Ctx, m.CtxCancel = context.WithCancel(context.Background()) // the closed one's: XREAD BLOCK would never answer
	if err := m.Restart(); err != nil {
		tb.Fatal(err)
	}
}

// truncate leaves the first n entries of a stream, as a snapshot from before would.
func truncate(tb testing.TB, m *miniredis.Miniredis, key string, n int) {
	entries, err := m.Stream(key)
	if err != nil || len(entries) <= n {
		tb.Fatalf("%d entries, %v", len(entries), err)
	}
	m.Del(key)
	for _, e := range entries[:n] {
		if _, err := m.XAdd(key, e.ID, e.Values); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestAPushThatDiesBeforeItIsNotedIsMadeAgain(t *testing.T) {
	// given a database that refuses to take rows off the list
	a := newApp(t)
	a.exec(`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'crash'; end $$`)
	a.exec(`create trigger refuse before delete on unpushed execute function refuse()`)
	b := a.open(0)
	stop := a.push()

	// when a change is pushed, again and again
	a.change("doc")
	eventually(t, "the page got it more than once", func() bool { _, _, stale := b.seen(); return stale > 0 })
	if a.unpushed() != 1 {
		t.Fatal("the row left the list")
	}

	// then the next pusher goes on from there, badges and totals included
	stop()
	a.exec("drop trigger refuse on unpushed")
	a.push()
	eventually(t, "the list is empty", func() bool { return a.unpushed() == 0 })
	eventually(t, "the page equals a reload", b.equalsReload)
}

func TestANetworkThatCarriesNothingHoldsUpNoPushForLong(t *testing.T) {
	t.Parallel()
	// given a pusher on the other side of a network from its database, which waits for a table
	a := newApp(t)
	network := pgtest.NewProxy(t, a.db.URL())
	far := network.Open(t)
	a.run(live.NewPusher(far, a.redis, "test", a, quiet).Run)
	b := a.open(0)
	a.change("doc")
	eventually(t, "the page equals a reload", b.equalsReload)
	lock, err := a.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Rollback(context.WithoutCancel(t.Context())) })
	if _, err := lock.Exec(t.Context(), "lock table unpushed in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pusher waits", func() (waits bool) {
		err := lock.QueryRow(t.Context(), "select exists (select from pg_locks where not granted and relation = 'unpushed'::regclass)").Scan(&waits)
		return err == nil && waits
	})

	// when its connections carry nothing any more, without being closed
	network.Swallow()
	if err := lock.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.change("doc")

	// then it pushes on new ones
	within(t, 45*time.Second, "the page equals a reload again", b.equalsReload)
}

func TestAnotherPusherTakesOver(t *testing.T) {
	a := newApp(t)
	first := a.push()
	a.push()
	b := a.open(0)
	a.change("doc")
	eventually(t, "the first pushes", b.equalsReload)

	first()
	a.change("doc")
	eventually(t, "the second pushes", b.equalsReload)
}

func TestAStreamThatCannotBeRenderedHoldsUpNoOther(t *testing.T) {
	a := newApp(t)
	b := a.open(0)
	a.change("broken")
	a.change("doc")
	a.push()
	eventually(t, "only the broken one waits", func() bool { return a.unpushed() == 1 })
	a.change("doc")
	eventually(t, "the others go on", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.docs["doc"] == 2
	})
}

func TestASocketStartsWithWhatItMissedOrWithAReset(t *testing.T) {
	a := newApp(t)
	a.push()
	page := a.hub.Cursor()
	a.change("doc")
	eventually(t, "the hub has it", func() bool { return a.hub.Cursor() != page })

	for name, test := range map[string]struct {
		since string
		reset bool
	}{
		"the page's":    {page, false},
		"none":          {"", true},
		"another epoch": {"before:" + page[strings.Index(page, ":")+1:], true},
		"nonsense":      {"%00", true},
	} {
		t.Run(name, func(t *testing.T) {
			m := first(t, dial(t, a.url+"?since="+test.since))
			if m.Reset != test.reset || m.Reset != (m.Spread == 500) || !test.reset && (m.Row == nil || m.Row.ID != "doc") {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestAPageRenderedAgainGoesBackToItsCursor(t *testing.T) {
	// given a socket that has brought an update
	a := newApp(t)
	a.push()
	page := a.hub.Cursor()
	conn := dial(t, a.url+"?since="+page)
	first(t, conn) // the heartbeat
	a.change("doc")
	if m := first(t, conn); m.Row == nil {
		t.Fatalf("got %+v", m)
	}

	// when the window shows a page that was made before it
	if err := conn.WriteMessage(websocket.TextMessage, []byte(page)); err != nil {
		t.Fatal(err)
	}

	// then the update comes again, after the answer that names the page's cursor
	answered := false
	for {
		m := first(t, conn)
		answered = answered || m.Since != nil && *m.Since == page
		if m.Row != nil && answered {
			return
		}
	}
}

func TestAForeignOriginIsRefused(t *testing.T) {
	a := newApp(t)
	_, answer, err := websocket.DefaultDialer.DialContext(t.Context(), a.url, http.Header{"Origin": {"https://evil.example"}})
	if err == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("got %v, %v", answer, err)
	}
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), a.url, http.Header{"Origin": {"http" + strings.TrimPrefix(a.url, "ws")}})
	if err != nil {
		t.Fatalf("own origin: %v", err)
	}
	_ = conn.Close()
}

func TestClosingTellsEverySocketToComeBack(t *testing.T) {
	a := newApp(t)
	var conns []*websocket.Conn
	for range 120 {
		conns = append(conns, dial(t, a.url))
	}
	eventually(t, "all are counted", func() bool { return a.hub.Sockets() == 120 })

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := a.hub.Close(ctx); err != nil {
		t.Fatal(err)
	}
	for _, conn := range conns {
		if err := drain(conn); !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
			t.Errorf("closed with %v", err)
		}
	}
	_, answer, err := websocket.DefaultDialer.DialContext(t.Context(), a.url, nil)
	if !errors.Is(err, websocket.ErrBadHandshake) || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after it: %v", err)
	}
}

func TestAPageWithoutRedisWaitsForIt(t *testing.T) {
	// given a replica that starts while Redis is away
	a := newApp(t)
	a.mini.Close()
	hub := live.NewHub(a.db, a.redis, "test", quiet)
	if hub.Cursor() != "" || hub.Healthy() {
		t.Errorf("cursor %q, healthy %v", hub.Cursor(), hub.Healthy())
	}
	a.run(hub.Run)
	restart(t, a.mini)
	eventually(t, "it has a cursor", func() bool { return hub.Cursor() != "" })
}

func dial(tb testing.TB, url string) *websocket.Conn {
	tb.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(tb.Context(), url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

func first(tb testing.TB, conn *websocket.Conn) (m received) {
	tb.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if err := conn.ReadJSON(&m); err != nil {
		tb.Fatal(err)
	}
	return m
}

func drain(conn *websocket.Conn) error {
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return err
		}
	}
}

func TestAProbeIsAnsweredAndBringsNothingAgain(t *testing.T) {
	a := newApp(t)
	a.push()
	conn := dial(t, a.url+"?since="+a.hub.Cursor())
	first(t, conn) // the heartbeat
	a.change("doc")
	if m := first(t, conn); m.Row == nil {
		t.Fatalf("got %+v", m)
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte("?")); err != nil {
		t.Fatal(err)
	}
	if m := first(t, conn); m.Cursor == "" || m.Row != nil || m.Reset || m.Since != nil {
		t.Errorf("got %+v", m)
	}
}

func TestASocketGetsWhatIsForThoseWhoHaveItsRights(t *testing.T) {
	a := newApp(t)
	a.push()
	for held, want := range map[string]string{"decide+look": "<tr>Accept</tr>", "look": "<tr></tr>", "": "<tr></tr>"} {
		conn := dial(t, a.url+"?since="+a.hub.Cursor()+"&held="+held)
		first(t, conn) // the heartbeat
		a.change("doc")
		m := first(t, conn)
		for m.Row == nil { // the total of the change before, perhaps
			m = first(t, conn)
		}
		if m.Row.HTML != want {
			t.Errorf("who has %q gets %+v", held, m)
		}
		_ = conn.Close()
	}
}
