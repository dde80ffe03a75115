package live_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"countersign.example/pkg/journal"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/rights"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is a web app reduced to documents that have nothing but a revision.
type app struct {
	tb    testing.TB
	name  string
	db    *pg.DB
	mini  *miniredis.Miniredis
	redis *redis.Client
	hub   *live.Hub
	url   string
}

func newApp(tb testing.TB) *app {
	tb.Helper()
	mini := miniredis.RunT(tb)
	a := newAppAt(tb, "test", "redis://"+mini.Addr(), nil)
	a.mini = mini
	return a
}

// newAppAt is an app of a name whose Redis is at an address.
func newAppAt(tb testing.TB, name, address string, trusted *x509.CertPool) *app {
	tb.Helper()
	a := &app{tb: tb, name: name, db: pgtest.New(tb, journal.Migrations, live.Migrations)}
	a.exec("create table doc (id text primary key, revision bigint not null)")
	client, err := live.Connect(address, trusted)
	if err != nil {
		tb.Fatal(err)
	}
	a.redis = client
	tb.Cleanup(func() { _ = a.redis.Close() })
	a.hub = live.NewHub(a.db, a.redis, name, quiet)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.hub.Serve(w, r, "all", r.URL.Query().Get("session"), rights.Held(r.URL.Query().Get("held")))
	}))
	tb.Cleanup(server.Close)
	tb.Cleanup(func() { _ = a.hub.Close(context.Background()) })
	a.url = "ws" + strings.TrimPrefix(server.URL, "http")
	a.run(a.hub.Run)
	eventually(tb, "the hub reads", a.hub.Healthy)
	return a
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// run starts a part of the app and returns what stops it.
func (a *app) run(part func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = part(ctx)
	}()
	stop = func() { cancel(); <-done }
	a.tb.Cleanup(stop)
	return stop
}

func (a *app) push() (stop func()) {
	return a.run(live.NewPusher(a.db, a.redis, a.name, a, quiet).Run)
}

func (a *app) exec(sql string, args ...any) {
	a.tb.Helper()
	if _, err := a.db.Pool().Exec(a.tb.Context(), sql, args...); err != nil {
		a.tb.Fatalf("%s: %v", sql, err)
	}
}

// change gives a document its next revision.
func (a *app) change(id string) {
	a.tb.Helper()
	err := a.db.InTx(a.tb.Context(), func(tx *pg.Tx) error {
		_, err := tx.Exec(a.tb.Context(), `with changed as (
			insert into doc values ($1, 1) on conflict (id) do update set revision = doc.revision + 1)
			insert into unpushed (stream) values ($1)`, id)
		return err
	})
	if err != nil {
		a.tb.Fatal(err)
	}
	a.db.Notify("unpushed")
}

// docs is what a page made now shows.
func (a *app) docs(ctx context.Context) (map[string]int64, error) {
	docs := map[string]int64{}
	rows, _ := a.db.Pool().Query(ctx, "select id, revision from doc")
	var id string
	var revision int64
	_, err := pgx.ForEachRow(rows, []any{&id, &revision}, func() error { docs[id] = revision; return nil })
	return docs, err
}

func (a *app) unpushed() (n int) {
	_ = a.db.Pool().QueryRow(a.tb.Context(), "select count(*) from unpushed").Scan(&n)
	return n
}

func (a *app) Rows(ctx context.Context, streams []string) ([]live.Row, error) {
	docs, err := a.docs(ctx)
	if err != nil {
		return nil, err
	}
	var rows []live.Row
	for _, id := range streams {
		if id == "broken" {
			panic("no such template")
		}
		rows = append(rows, live.Row{Audience: "all", List: "docs", ID: id, Revision: docs[id], Tabs: []string{"all"}, HTML: "<tr><only-for decide>Accept</only-for></tr>"})
	}
	return rows, nil
}

func (a *app) Fragments(ctx context.Context, _ string) ([]live.Fragment, error) {
	docs, err := a.docs(ctx)
	return []live.Fragment{{Audience: "all", Name: "total", HTML: fmt.Sprint(total(docs))}}, err
}

func total(docs map[string]int64) (n int64) {
	for revision := range maps.Values(docs) {
		n += revision
	}
	return n
}

// received is a message as a browser reads it.
type received struct {
	Cursor   string
	Since    *string
	Reset    bool
	Spread   int64
	Row      *live.Row
	Fragment *live.Fragment
}

// browser keeps a page right as the client in client/ does, and loses its connection after every few
// messages.
type browser struct {
	app     *app
	dropAt  int // messages until the socket is dropped; 0: never
	mu      sync.Mutex
	cursor  string
	docs    map[string]int64
	total   string
	resets  int
	dropped int
	stale   int // messages that were not newer than the page
}

func (a *app) open(dropAt int) *browser {
	b := &browser{app: a, dropAt: dropAt}
	if err := b.load(a.tb.Context()); err != nil {
		a.tb.Fatal(err)
	}
	a.run(func(ctx context.Context) error {
		for ctx.Err() == nil {
			b.connect(ctx)
		}
		return nil
	})
	return b
}

// load gets the page: the cursor first, as a handler does.
func (b *browser) load(ctx context.Context) error {
	cursor := b.app.hub.Cursor()
	docs, err := b.app.docs(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cursor, b.docs, b.total = cursor, docs, fmt.Sprint(total(docs))
	return err
}

// connect follows one socket until it is dropped.
func (b *browser) connect(ctx context.Context) {
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, b.app.url+"?since="+b.cursor, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	for n := 1; b.dropAt == 0 || n <= b.dropAt; n++ {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		var m received
		if err := json.Unmarshal(text, &m); err != nil {
			b.app.tb.Errorf("message %q: %v", text, err)
			return
		}
		if m.Reset {
			b.mu.Lock()
			b.resets++
			b.mu.Unlock()
			_ = b.load(ctx)
			return
		}
		b.apply(m)
	}
	b.mu.Lock()
	b.dropped++
	b.mu.Unlock()
}

func (b *browser) apply(m received) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case m.Row != nil && m.Row.Revision > b.docs[m.Row.ID]:
		b.docs[m.Row.ID] = m.Row.Revision
	case m.Row != nil:
		b.stale++
	case m.Fragment != nil:
		b.total = m.Fragment.HTML
	}
	if m.Cursor != "" {
		b.cursor = m.Cursor
	}
}

// equalsReload is the oracle: what stayed open shows what a reload shows.
func (b *browser) equalsReload() bool {
	docs, err := b.app.docs(context.Background())
	b.mu.Lock()
	defer b.mu.Unlock()
	return err == nil && maps.Equal(docs, b.docs) && b.total == fmt.Sprint(total(docs))
}

func (b *browser) seen() (resets, dropped, stale int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resets, b.dropped, b.stale
}

func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	within(tb, 20*time.Second, what, holds)
}

func within(tb testing.TB, patience time.Duration, what string, holds func() bool) {
	tb.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			tb.Fatalf("not within %s: %s", patience, what)
		}
	}
}
