package pages_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/manager-ui/internal/admission"
	"countersign.example/manager-ui/internal/core"
	"countersign.example/manager-ui/internal/flow"
	"countersign.example/manager-ui/internal/history"
	"countersign.example/manager-ui/internal/pages"
	"countersign.example/manager-ui/internal/payments"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/migrations"
	"countersign.example/manager-ui/people"
	"countersign.example/manager-ui/presence"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/catalogtest"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/api"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/inbox"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/live"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/signing"
	"countersign.example/pkg/web"
)

var (
	quiet = slog.New(slog.NewTextHandler(io.Discard, nil))
	noon  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ada   = event.Meta{Actor: "ada-nowak", ActorName: "Ada Nowak"}
	jon   = event.Meta{Actor: "jon-park", ActorName: "Jon Park"}
)

// testSite is the managers' app on a database of its own, with events coming from a topic by hand.
type testSite struct {
	tb       testing.TB
	db       *pg.DB
	journal  *journal.Journal
	renderer *web.Renderer
	server   *httptest.Server
	site     *web.Site
	sessions *web.Sessions
	ordering atomic.Pointer[http.HandlerFunc] // ordering-core; nil: it hangs up
	core     *httptest.Server                 // where it listens
	keys     *kafkatest.Keys
	offset   int
}

// open starts a testSite whose payments-core is at coreURL.
func open(tb testing.TB, coreURL string) *testSite {
	tb.Helper()
	return openWith(tb, coreURL, func(*pages.Options) {})
}

// openWith is open with other options.
func openWith(tb testing.TB, coreURL string, change func(*pages.Options)) *testSite {
	tb.Helper()
	db := pgtest.New(tb, journal.Migrations, inbox.Migrations, live.Migrations, web.Migrations, api.Migrations, migrations.Set)
	o := &testSite{tb: tb, db: db, journal: journal.New(db, "/manager-ui", journal.Live()), keys: kafkatest.NewKeys(tb)}
	assets := web.TestAssets()
	var err error
	o.renderer, err = pages.NewRenderer(assets)
	o.must(err)
	client, err := core.New(coreURL, "token")
	o.must(err)
	tb.Cleanup(client.Close)
	o.core = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := o.ordering.Load()
		if answer == nil {
			panic(http.ErrAbortHandler)
		}
		(*answer)(w, r)
	}))
	tb.Cleanup(o.core.Close)
	ordering, err := api.NewClient("ordering-core", "ORDERING_CORE_URL", o.core.URL, catalogtest.Token)
	o.must(err)
	tb.Cleanup(ordering.Close)
	sessions := web.NewSessions(db, pages.Cookie, false, web.SessionConfig{SessionIdle: time.Hour, SessionLifetime: time.Hour}, quiet)
	identity, err := web.NewDemo(web.IdentityConfig{Identity: "demo"}, "development", sessions, pages.People...)
	o.must(err)
	later := func() time.Time { return noon.Add(time.Hour) }
	options := pages.Options{
		Options: web.Options{Renderer: o.renderer, Assets: assets, Sessions: sessions, Identity: identity, Log: quiet},
		DB:      db, Histories: readmodel.NewHistories(db, o.journal), Events: history.NewReader(db, o.journal), Payments: payments.New(db, o.journal, client, later), Core: client, Ordering: ordering,
		Flow: flow.NewWatch(nil, quiet, later), Kafka: kafkaAt(tb, nowhere),
		Keys: o.keys.Trust(), Now: later, Admission: admission.New(db, o.journal, later, readmodel.ProjectPeople, presence.Project),
	}
	change(&options)
	o.sessions = sessions
	o.site, err = pages.New(options)
	o.must(err)
	o.server = httptest.NewServer(o.site)
	tb.Cleanup(o.server.Close)
	return o
}

// orderingAnswers makes ordering-core answer so from now on; nil: it hangs up.
func (o *testSite) orderingAnswers(answer http.HandlerFunc) {
	if answer == nil {
		o.ordering.Store(nil)
		return
	}
	o.ordering.Store(&answer)
}

func (o *testSite) must(err error) {
	o.tb.Helper()
	if err != nil {
		o.tb.Fatal(err)
	}
}

// receive lets events arrive from the topic, in this order.
func (o *testSite) receive(events ...event.Event) {
	o.tb.Helper()
	o.receiveSigned(nil, events...)
}

// receiveSigned is receive with the signatures that sign returns.
func (o *testSite) receiveSigned(sign func(event.Event) *signing.Signature, events ...event.Event) {
	o.tb.Helper()
	received := make([]journal.Received, len(events))
	for i, e := range events {
		o.offset++
		received[i] = journal.Received{Event: e, Stream: payment.Stream(e.Subject), Topic: payment.Topic, Offset: int64(o.offset)}
		if strings.HasPrefix(e.Type, "product_") || strings.HasPrefix(e.Type, "customer_") {
			received[i].Stream, received[i].Topic = catalog.Stream(e), catalog.Topic
		}
		if strings.HasPrefix(e.Type, "person_") {
			received[i].Stream, received[i].Topic = people.Stream(e.Subject), people.Topic
		}
		if strings.HasPrefix(e.Type, "order_") {
			received[i].Stream, received[i].Topic = order.Stream(e.Subject), order.Topic
		}
		if sign != nil {
			received[i].Signature = sign(e)
		}
	}
	o.must(o.db.InTx(o.tb.Context(), func(tx *pg.Tx) error {
		changed, _, err := o.journal.Receive(o.tb.Context(), tx, received)
		if err != nil {
			return err
		}
		return errors.Join(readmodel.Project(o.tb.Context(), tx, changed), readmodel.ProjectOrders(o.tb.Context(), tx, changed), readmodel.ProjectCatalog(o.tb.Context(), tx, changed),
			readmodel.ProjectPeople(o.tb.Context(), tx, changed), presence.Project(o.tb.Context(), tx, changed))
	}))
}

// requested is a contractor's request, so many minutes after noon.
func requested(by event.Meta, minor int64, description string, minutes int, change ...func(*payment.Requested)) event.Event {
	b := payment.Requested{
		PaymentID: uuid.NewString(), ContractorID: by.Actor, Amount: money.Amount{Minor: minor, Currency: "EUR"},
		Description: description, CaptureMethod: payment.Automatic,
	}
	for _, c := range change {
		c(&b)
	}
	return written("/contractor-ui", b.PaymentID, by, b, minutes)
}

func manual(b *payment.Requested) { b.CaptureMethod = payment.Manual }

func written(source, id string, by event.Meta, b payment.Body, minutes int) event.Event {
	e := payment.New(source, id, b)
	e.Meta, e.Time = by, noon.Add(time.Duration(minutes)*time.Minute)
	return e
}

// stream reads a payment's journal.
func (o *testSite) stream(id string) journal.Stream {
	o.tb.Helper()
	s, err := o.journal.Read(o.tb.Context(), payment.Stream(id))
	o.must(err)
	return s
}

func (o *testSite) row(id string) readmodel.Payment {
	o.tb.Helper()
	rows, err := readmodel.Find(o.tb.Context(), o.db, id)
	o.must(err)
	if len(rows) != 1 {
		o.tb.Fatalf("the copy has %d rows of %s", len(rows), id)
	}
	return rows[0]
}

// manager is a person at a browser of their own.
type manager struct {
	*testSite
	browser *http.Client
}

func (o *testSite) manager(id string) *manager {
	o.tb.Helper()
	jar, err := cookiejar.New(nil)
	o.must(err)
	m := &manager{testSite: o, browser: &http.Client{Jar: jar}}
	if page := m.post("/signed-in-as", "person", id); page.status != http.StatusOK {
		o.tb.Fatalf("sign in: %d", page.status)
	}
	return m
}

// answer is a page, after redirects.
type answer struct {
	tb     testing.TB
	status int
	path   string
	text   string
}

func (m *manager) get(path string) answer { m.tb.Helper(); return m.do(http.MethodGet, path, "", "") }

// post sends a form's fields: name, value, name, value.
func (m *manager) post(path string, fields ...string) answer {
	m.tb.Helper()
	return m.postFrom("", path, fields...)
}

// postFrom is post from a page.
func (m *manager) postFrom(page, path string, fields ...string) answer {
	m.tb.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return m.do(http.MethodPost, path, values.Encode(), page)
}

func (m *manager) do(method, path, body, from string) answer {
	m.tb.Helper()
	return m.send(method, path, body, "application/x-www-form-urlencoded", from)
}

func (m *manager) send(method, path, body, media, from string) answer {
	m.tb.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, m.server.URL+path, strings.NewReader(body))
	m.must(err)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", media)
	}
	if from != "" {
		request.Header.Set("Referer", m.server.URL+from)
	}
	response, err := m.browser.Do(request)
	m.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	m.must(err)
	return answer{tb: m.tb, status: response.StatusCode, path: response.Request.URL.RequestURI(), text: string(text)}
}

// is checks the status, and that the page says all of these.
func (a answer) is(status int, says ...string) answer {
	a.tb.Helper()
	if a.status != status {
		a.tb.Errorf("%s answered %d, want %d", a.path, a.status, status)
	}
	for _, s := range says {
		if !strings.Contains(a.text, s) {
			a.tb.Errorf("%s does not say %q:\n%s", a.path, s, a.text)
		}
	}
	return a
}

// without checks that the page says none of these.
func (a answer) without(never ...string) answer {
	a.tb.Helper()
	for _, s := range never {
		if strings.Contains(a.text, s) {
			a.tb.Errorf("%s says %q", a.path, s)
		}
	}
	return a
}
