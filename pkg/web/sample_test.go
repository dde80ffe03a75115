package web_test

import (
	"context"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

// The sample is a small app on this package: a list and a form.

type sampleRow struct {
	ID, Contractor, Description string
	Revision                    int64
	Amount                      money.Amount
	At                          time.Time
	Status                      web.Badge
	Open                        bool
}

type samplePage struct {
	Tabs   web.Tabs
	Search web.Search
	Rows   []sampleRow
	Pager  web.Pager
}

var (
	paymentsView = web.NewView[samplePage]("payments")
	formView     = web.NewView[*web.Form]("form")
	paymentRow   = web.NewFragment[sampleRow]("payment-row")
	sampleFiles  = os.DirFS("testdata/sample")
	sampleFuncs  = template.FuncMap{"choices": func() []web.Choice {
		return []web.Choice{{Value: "EUR", Label: "EUR"}, {Value: "JPY", Label: "JPY"}}
	}}
)

func sampleRows() []sampleRow {
	now := time.Now()
	waiting, done := web.Badge{Tone: web.Waiting, Text: "Waiting"}, web.Badge{Tone: web.Good, Text: "Accepted · captured"}
	return []sampleRow{
		{"1", "Ada Nowak", "Kitchen fitting, second instalment", 1, money.Amount{Minor: 125000, Currency: "EUR"}, now.Add(-2 * time.Minute), waiting, true},
		{"2", "Jon Park", "Van rental, November", 1, money.Amount{Minor: 31040, Currency: "EUR"}, now.Add(-9 * time.Minute), waiting, true},
		{"3", "Ada Nowak", "Tiles and grout, order 2026/11/000042", 1, money.Amount{Minor: 48610, Currency: "EUR"}, now.Add(-14 * time.Minute), waiting, true},
		{"4", "Sara Lind", "Scaffolding, week 46", 4, money.Amount{Minor: 298000, Currency: "EUR"}, now.Add(-time.Hour), done, false},
		{"5", "Jon Park", "<script>alert(1)</script>", 2, money.Amount{Minor: 9600, Currency: "EUR"}, now.Add(-3 * time.Hour), web.Badge{Tone: web.Bad, Text: "Rejected"}, false},
		{"6", "Sara Lind", "Paint, invoice 7781", 4, money.Amount{Minor: 74275, Currency: "EUR"}, now.Add(-26 * time.Hour), web.Badge{Tone: web.Warning, Text: "Accepted · declined"}, false},
	}
}

func mustRenderer(tb testing.TB, assets *web.Assets) *web.Renderer {
	tb.Helper()
	r, err := web.NewRenderer(sampleFiles, assets, sampleFuncs, paymentsView, formView, paymentRow)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// try is the right to the sample's pages, of its managers.
var try = rights.Right{Name: "try", To: "try this", Roles: []rights.Role{rights.Manager}}

type sample struct {
	*httptest.Server
	options  web.Options
	site     *web.Site
	sessions *web.Sessions
	browser  *http.Client
	db       *pg.DB
	log      *lines
	awayNow  []string
	dropTabl func()
}

// lines is a log that is written and read at once.
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

func startSample(tb testing.TB) *sample {
	tb.Helper()
	written := &lines{}
	log := slog.New(slog.NewTextHandler(written, &slog.HandlerOptions{Level: slog.LevelDebug}))
	db := pgtest.New(tb, web.Migrations)
	sessions := web.NewSessions(db, "sample_session", false, web.SessionConfig{SessionIdle: time.Hour, SessionLifetime: time.Hour}, log)
	identity, err := web.NewDemo(web.IdentityConfig{Identity: "demo"}, "development", sessions,
		web.Person{ID: "mia-weber", Name: "Mia Weber", Roles: try.Roles}, web.Person{ID: "tom-berg", Name: "Tom Berg", Roles: try.Roles},
		web.Person{ID: "iris-hahn", Name: "Iris Hahn", Roles: []rights.Role{rights.Auditor}})
	if err != nil {
		tb.Fatal(err)
	}
	assets := web.TestAssets()
	if a, err := web.BuiltAssets(); err == nil {
		assets = a
	}
	s := &sample{sessions: sessions, db: db, log: written, dropTabl: func() { _, _ = db.Pool().Exec(context.Background(), "drop table sessions") }}
	s.options = web.Options{
		Label: "Manager", Renderer: mustRenderer(tb, assets), Assets: assets, Sessions: sessions, Identity: identity, Log: log,
		Nav:        []web.NavItem{{Key: "payments", Label: "Payments", Href: "/"}, {Key: "form", Label: "Request", Href: "/form"}},
		LiveCursor: func() string { return "epoch:1-0" },
		Away:       func(context.Context) []string { return s.awayNow },
	}
	s.site, err = web.New(s.options)
	if err != nil {
		tb.Fatal(err)
	}
	e := s.site
	e.GET("/", try, func(c echo.Context) error {
		return paymentsView.Render(c, http.StatusOK, web.Page{Title: "Payments", Nav: "payments"}, samplePage{
			Tabs: web.Tabs{
				{Label: "Waiting", Href: "/", Current: true, Fragment: "waiting-count", Count: 3},
				{Label: "Accepted", Href: "/?tab=accepted"}, {Label: "Rejected", Href: "/?tab=rejected"}, {Label: "All", Href: "/?tab=all"},
			},
			Search: web.Search{Action: "/"}, Rows: sampleRows(), Pager: web.Pager{Summary: "Showing 6", Older: "/?after=x"},
		})
	})
	e.GET("/form", try, func(c echo.Context) error {
		return formView.Render(c, http.StatusOK, web.Page{Title: "Request", Nav: "form"}, web.NewForm(nil))
	})
	e.POST("/form", try, func(c echo.Context) error {
		form, err := web.ReadForm(c)
		if err != nil {
			return err
		}
		if form.Value("amount") == "" || form.Value("amount") == "1,5" {
			form.Fail("amount", "Write the amount with a point, such as 1.50.")
		}
		if !form.OK() {
			return formView.Render(c, form.Status(), web.Page{Title: "Request", Nav: "form"}, form)
		}
		web.Flash(c, web.Good, "Requested. It waits for a manager.")
		return web.Redirect(c, "/")
	})
	e.GET("/gone", try, func(c echo.Context) error {
		web.Flash(c, web.Warning, "It is gone.")
		return web.Redirect(c, "/")
	})
	e.GET("/panic", try, func(echo.Context) error { panic("secret") })
	e.POST("/panic", try, func(echo.Context) error { panic("secret") })
	e.POST("/late", try, func(echo.Context) error { return web.Conflict("Somebody was first.") })
	e.POST("/shed", try, func(echo.Context) error {
		return &web.Error{Status: http.StatusServiceUnavailable, Shed: true, Message: "More is asked than can be done."}
	})
	e.GET("/slow", try, func(c echo.Context) error { <-c.Request().Context().Done(); return c.Request().Context().Err() })
	e.GET("/whoami", web.Own, func(c echo.Context) error { return c.String(http.StatusOK, web.PersonOf(c).Name) })
	s.Server = httptest.NewServer(e)
	tb.Cleanup(s.Close)
	s.browser = newBrowser()
	return s
}

func newBrowser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar}
}

// get returns a page's status and text.
func (s *sample) get(tb testing.TB, path string, header ...string) (*http.Response, string) {
	tb.Helper()
	return s.do(tb, http.MethodGet, path, nil, header...)
}

func (s *sample) post(tb testing.TB, path string, values url.Values, header ...string) (*http.Response, string) {
	tb.Helper()
	header = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
	return s.do(tb, http.MethodPost, path, strings.NewReader(values.Encode()), header...)
}

func (s *sample) do(tb testing.TB, method, path string, body io.Reader, header ...string) (*http.Response, string) {
	tb.Helper()
	request, err := http.NewRequest(method, s.URL+path, body)
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := s.browser.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return response, string(text)
}

// TestServeSample serves the sample for a person to look at, on WEB_SAMPLE_ADDR.
func TestServeSample(t *testing.T) {
	addr := os.Getenv("WEB_SAMPLE_ADDR")
	if addr == "" {
		t.Skip("set WEB_SAMPLE_ADDR to look at the sample in a browser")
	}
	s := startSample(t)
	t.Fatal(http.ListenAndServe(addr, s.site))
}
