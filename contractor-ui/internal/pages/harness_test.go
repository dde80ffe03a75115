package pages_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign.example/contractor-ui/internal/ordering"
	"countersign.example/contractor-ui/internal/pages"
	"countersign.example/contractor-ui/internal/payments"
	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/contractor-ui/internal/references"
	"countersign.example/contractor-ui/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/live"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/web"
)

var mia = event.Meta{Actor: "mia-weber", ActorName: "Mia Weber"}

// testSite is the pages over HTTP, on a database of their own, with the log at hand.
type testSite struct {
	t        *testing.T
	db       *pg.DB
	journal  *journal.Journal
	live     pages.Live
	core     *core
	server   *httptest.Server
	site     *web.Site
	sessions *web.Sessions
	offset   int64
	log      *lines
}

// lines are what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newTestSite(t *testing.T) *testSite {
	t.Helper()
	return newTestSiteFor(t, func(*pg.DB) *live.Hub { return nil }, func(sessions *web.Sessions) (web.Identity, error) {
		return web.NewDemo(web.IdentityConfig{Identity: "demo"}, "development", sessions, pages.People...)
	})
}

// newTestSiteFor is newTestSite with people who sign in in a way, and perhaps with live updates.
func newTestSiteFor(t *testing.T, hub func(*pg.DB) *live.Hub, identify func(*web.Sessions) (web.Identity, error)) *testSite {
	t.Helper()
	written := &lines{}
	log := slog.New(slog.NewTextHandler(written, nil))
	db := pgtest.New(t, journal.Migrations, web.Migrations, migrations.Set)
	assets := web.TestAssets()
	renderer, err := pages.NewRenderer(assets)
	if err != nil {
		t.Fatal(err)
	}
	sessions := web.NewSessions(db, "contractor_session", false, web.SessionConfig{SessionIdle: time.Hour, SessionLifetime: time.Hour}, log)
	identity, err := identify(sessions)
	if err != nil {
		t.Fatal(err)
	}
	d := &testSite{t: t, db: db, log: written, journal: journal.New(db, "/contractor-ui", journal.Live()), live: pages.Live{DB: db, Renderer: renderer}}
	d.core = newCore(d)
	orders, err := ordering.New(d.core.server.URL, "secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(orders.Close)
	d.sessions = sessions
	d.site, err = pages.New(pages.Options{
		Options: web.Options{Renderer: renderer, Assets: assets, Sessions: sessions, Identity: identity, Log: log},
		DB:      db, Histories: readmodel.NewHistories(db, d.journal), Payments: payments.New(db, d.journal, d.numbers(), time.Now), Ordering: orders, Hub: hub(db),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.server = httptest.NewServer(d.site)
	t.Cleanup(d.server.Close)
	return d
}

// numbers are the database's references, which it may give.
func (d *testSite) numbers() *references.Numbers {
	numbers := references.New(d.db, func(context.Context) error { return nil }, time.Now, slog.New(slog.DiscardHandler))
	if err := numbers.Check(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return numbers
}

// browser is one person's.
type browser struct {
	d      *testSite
	client *http.Client
}

// as opens a browser in which somebody is signed in.
func (d *testSite) as(person string) *browser {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	b := &browser{d: d, client: &http.Client{Jar: jar}}
	b.post("/signed-in-as", url.Values{"person": {person}})
	return b
}

// speaking sends requests of somebody with a language.
type speaking string

func (s speaking) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Accept-Language", string(s))
	return http.DefaultTransport.RoundTrip(r)
}

// answer is a page after all redirects.
type answer struct {
	status int
	path   string // where it ended
	text   string
}

func (b *browser) get(path string) answer {
	b.d.t.Helper()
	return b.read(b.client.Get(b.d.server.URL + path))
}

func (b *browser) post(path string, values url.Values) answer {
	b.d.t.Helper()
	return b.read(b.client.PostForm(b.d.server.URL+path, values))
}

func (b *browser) read(response *http.Response, err error) answer {
	b.d.t.Helper()
	if err != nil {
		b.d.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.d.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Request.URL.Path, string(text)}
}

var hidden = regexp.MustCompile(`name="(payment_id|supersedes)" value="([^"]*)"`)

// form opens the form and fills it in.
func (b *browser) form(path, amount, currency, description string) url.Values {
	b.d.t.Helper()
	page := b.get(path)
	values := url.Values{"amount": {amount}, "currency": {currency}, "description": {description}, "capture": {"automatic"}}
	for _, found := range hidden.FindAllStringSubmatch(page.text, -1) {
		values.Set(found[1], found[2])
	}
	if values.Get("payment_id") == "" {
		b.d.t.Fatalf("no form at %s: %d %s", path, page.status, page.text)
	}
	return values
}

// ask requests a payment and returns its id.
func (b *browser) ask(amount, description string) string {
	b.d.t.Helper()
	values := b.form("/payments/new", amount, "EUR", description)
	id := values.Get("payment_id")
	b.wants(b.post("/payments", values), http.StatusOK, "/payments/"+id)
	return id
}

// wants checks where an answer ended and what it says.
func (b *browser) wants(a answer, status int, path string, texts ...string) {
	b.d.t.Helper()
	if a.status != status || path != "" && a.path != path {
		b.d.t.Fatalf("%d at %s, not %d at %s:\n%s", a.status, a.path, status, path, a.text)
	}
	for _, text := range texts {
		if !strings.Contains(a.text, text) {
			b.d.t.Errorf("%q is not in the page:\n%s", text, a.text)
		}
	}
}

// receives has the log tell events, as the consumer records them.
func (d *testSite) receives(events ...event.Event) {
	d.t.Helper()
	received := make([]journal.Received, len(events))
	for i, e := range events {
		received[i] = journal.Received{Event: e, Stream: payment.Stream(e.Subject), Topic: payment.Topic}
	}
	d.tells(received...)
}

// confirms has the log tell what the app itself has written about a payment, and nothing else has come
// between.
func (d *testSite) confirms(id string) {
	d.t.Helper()
	for _, record := range d.stream(id).Records {
		if record.Log == 0 {
			d.receives(record.Event)
		}
	}
}

// does has the log tell what a manager or the core did.
func (d *testSite) does(id string, by event.Meta, bodies ...payment.Body) {
	d.t.Helper()
	for _, body := range bodies {
		e := payment.New(payment.Writer(body.EventType()), id, body)
		e.Meta, e.Time = by, time.Now()
		d.receives(e)
	}
}

func (d *testSite) stream(id string) journal.Stream {
	d.t.Helper()
	s, err := d.journal.Read(d.t.Context(), payment.Stream(id))
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// written counts the journal's events.
func (d *testSite) written() (n int) {
	d.t.Helper()
	if err := d.db.Pool().QueryRow(d.t.Context(), "select count(*) from journal").Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}
