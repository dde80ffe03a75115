package signin_test

import (
	"context"
	"fmt"
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

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/signin"
	"countersign.example/pkg/web"
)

// app is a small app whose people sign in with a provider.
type app struct {
	*httptest.Server
	t        *testing.T
	provider *provider
	sessions *web.Sessions
	log      *lines
	db       *pg.DB
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

func startApp(t *testing.T) *app {
	t.Helper()
	a := &app{t: t, provider: newProvider(t), log: &lines{}}
	log := slog.New(slog.NewTextHandler(a.log, nil))
	a.db = pgtest.New(t, web.Migrations)
	a.sessions = web.NewSessions(a.db, "sample_session", false, web.SessionConfig{SessionIdle: time.Hour, SessionLifetime: time.Hour}, log)
	a.Server = httptest.NewServer(nil)
	t.Cleanup(a.Close)
	identity, err := signin.New(signin.Options{
		Config: signin.Config{
			Issuer: a.provider.URL, ClientID: clientID, ClientSecret: clientSecret, Scopes: []string{"openid", "profile", "email"},
			RolesClaim: "roles", StepUpACR: "strong", Roles: map[string]rights.Role{"manager": rights.Manager, "contractor": rights.Contractor, "auditor": rights.Auditor},
		},
		Environment: "development", PublicURL: a.URL, Roles: []rights.Role{rights.Manager}, Sessions: a.sessions, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	renderer, err := web.NewRenderer(os.DirFS("."), web.TestAssets(), nil)
	if err != nil {
		t.Fatal(err)
	}
	site, err := web.New(web.Options{
		Label: "Manager", Renderer: renderer, Assets: web.TestAssets(), Sessions: a.sessions, Identity: identity, Log: log,
		FormOrigin: a.provider.URL, LiveCursor: func() string { return "epoch:1-0" },
	})
	if err != nil {
		t.Fatal(err)
	}
	who := func(c echo.Context) error {
		p := web.PersonOf(c)
		return c.String(http.StatusOK, strings.Join([]string{c.Request().URL.RequestURI(), p.Name, p.Address, p.ID}, "|"))
	}
	site.GET("/", web.Own, who)
	site.GET("/payments", web.Own, who)
	site.GET("/roles", web.Own, func(c echo.Context) error { return c.String(http.StatusOK, fmt.Sprint(web.PersonOf(c).Roles)) })
	site.POST("/payments", web.Own, who)
	site.POST("/much", web.Own, func(c echo.Context) error {
		if !a.sessions.HasConfirmed(c, 20*time.Second) {
			a.sessions.Keep(c, "/much", map[string]string{"note": "kept"})
			return &web.Error{Status: http.StatusUnauthorized, Message: "Once more.", Way: signin.ConfirmLink("/much")}
		}
		return c.String(http.StatusOK, "Done by "+web.PersonOf(c).Name)
	})
	site.GET("/much", web.Own, func(c echo.Context) error {
		if form := a.sessions.Kept(c, "/much"); form != nil {
			return c.String(http.StatusOK, form.Value("note"))
		}
		return c.String(http.StatusOK, "nothing kept")
	})
	a.Config.Handler = site
	return a
}

// browser is a person's, which follows redirects within the app only.
type browser struct {
	*app
	client *http.Client
}

func (a *app) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{a, &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), a.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// page is what a browser shows, or where it is led to elsewhere.
type page struct {
	status   int
	text     string
	location *url.URL
	header   http.Header
}

func (b *browser) do(method, path string, form url.Values, header ...string) page {
	b.t.Helper()
	address := path
	if strings.HasPrefix(path, "/") {
		address = b.URL + path
	}
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := page{status: response.StatusCode, text: string(text), header: response.Header}
	if location := response.Header.Get("Location"); location != "" {
		p.location, _ = url.Parse(location)
	}
	return p
}

func (b *browser) get(path string, header ...string) page {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

// begin asks for a page, and returns the address at the provider that it leads to.
func (b *browser) begin(path string) *url.URL {
	b.t.Helper()
	p := b.get(path)
	if p.location == nil || !strings.HasPrefix(p.location.String(), b.provider.URL+"/authorize?") {
		b.t.Fatalf("it leads to %v: %d %s", p.location, p.status, p.text)
	}
	return p.location
}

// signIn signs in at the provider, from a page, and returns what comes then.
func (b *browser) signIn(path string) page {
	b.t.Helper()
	return b.get(b.provider.authorize(b.begin(path)))
}

func (p page) want(t *testing.T, status int, parts ...string) {
	t.Helper()
	if p.status != status {
		t.Errorf("status %d, want %d:\n%s", p.status, status, p.text)
	}
	for _, part := range parts {
		if !strings.Contains(p.text, part) {
			t.Errorf("lacks %q in:\n%s", part, p.text)
		}
	}
}

func (a *app) logged(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(a.log.String(), part) {
			t.Errorf("the log lacks %q:\n%s", part, a.log)
		}
	}
}
