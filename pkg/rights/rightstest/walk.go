package rightstest

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/signin"
	"countersign.example/pkg/web"
)

// App is a web app whose people sign in.
type App struct {
	Site     *web.Site
	Sessions *web.Sessions
	Roles    []rights.Role
	DB       *pg.DB // in which it is kept who is blocked
	// Fill are addresses of a route, with what there is: one at least.
	Fill func(path string) []string
}

// Identity is how people sign in to an app that is to be walked. Its provider is away.
func Identity(t testing.TB, sessions *web.Sessions, roles []rights.Role) web.Identity {
	t.Helper()
	all := map[string]rights.Role{}
	for _, role := range rights.Roles {
		all[string(role)] = role
	}
	identity, err := signin.New(signin.Options{
		Config:      signin.Config{Issuer: "http://127.0.0.1:1", ClientID: "app", ClientSecret: "secret", RolesClaim: "roles", Roles: all},
		Environment: "development", PublicURL: "http://127.0.0.1:2", Roles: roles, Sessions: sessions, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

const signInPath = "/sign-in-as"

// Walk asks for every route as people of every role, of none, as nobody, and as somebody who has just been
// blocked. Whoever may use it is not refused, everybody else is, and no page shows
// what leads to what its reader may not use.
func (a App) Walk(t *testing.T, table Table) {
	routes := a.Site.Routes()
	a.Site.Open(http.MethodPost, signInPath, func(c echo.Context) error {
		p := web.Person{ID: walkerID, Name: "Wal Ker", Roles: rights.Split(c.FormValue("roles"))}
		if err := a.Sessions.SignIn(c, web.Account{Person: p}); err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	})
	server := httptest.NewServer(a.Site)
	defer server.Close()
	for i, who := range [][]rights.Role{nil, {}, {rights.Contractor}, {rights.Manager}, {rights.Operator}, {rights.Auditor}, {rights.Admin}, a.Roles} {
		w := newWalker(t, server.URL, who)
		w.app, w.table, w.routes = a, table, routes
		if i == 7 {
			a.block(t)
			w.roles = nil
		}
		for _, r := range routes {
			for _, address := range a.Fill(r.Path) {
				w.visit(r, address)
			}
		}
	}
}

// block blocks the person who walks.
func (a App) block(t *testing.T) {
	t.Helper()
	err := a.DB.InTx(t.Context(), func(tx *pg.Tx) error {
		return web.QueueAccess(tx, []web.Access{{ID: uuid.NewString(), Person: walkerID, Blocked: true, ByName: "Lena Roth", At: time.Now()}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

const walkerID = "walker"

// walker is somebody at a browser, who follows no redirect.
type walker struct {
	*testing.T
	app    App
	table  Table
	routes []rights.Route
	roles  []rights.Role // nil: signed out
	url    string
	client *http.Client
}

func newWalker(t *testing.T, address string, roles []rights.Role) *walker {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	w := &walker{T: t, url: address, roles: roles, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if roles != nil {
		if status, _, _ := w.ask(http.MethodPost, signInPath, url.Values{"roles": {rights.Join(roles)}}); status != http.StatusOK {
			t.Fatalf("signing in is answered with %d", status)
		}
	}
	return w
}

func (w *walker) ask(method, path string, form url.Values) (status int, location, text string) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := w.client.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Location"), string(body)
}

// may is what the table says; known is false for a route that it lacks.
func (w *walker) may(method, path string) (may, known bool) {
	roles, known := w.table[method+" "+path]
	return len(rights.Common(w.roles, roles)) > 0, known
}

func (w *walker) visit(r rights.Route, address string) {
	w.Helper()
	may, known := w.may(r.Method, r.Path)
	if !known {
		w.Fatalf("the table lacks %s %s", r.Method, r.Path)
	}
	if r.Path == "/sign-out" || r.Path == "/sessions/end" && may {
		return // of which there are tests: the walk is over with it
	}
	status, location, text := w.ask(r.Method, address, nil)
	refused := status == http.StatusForbidden || status == http.StatusUnauthorized || strings.HasPrefix(location, "/sign-in?")
	switch {
	case r.Open || may:
		if status == http.StatusUnauthorized || status == http.StatusForbidden && !r.Open || strings.HasPrefix(location, "/sign-in?") && !r.Open {
			w.Errorf("%v may %s %s, and is answered with %d %s", w.roles, r.Method, address, status, location)
		}
	case !refused:
		w.Errorf("%v may not %s %s, and is answered with %d %s", w.roles, r.Method, address, status, location)
	case w.roles != nil && len(rights.Common(w.roles, w.app.Roles)) > 0 && !strings.Contains(text, r.Right.Refusal()):
		w.Errorf("%v may not %s %s, and is not told so:\n%s", w.roles, r.Method, address, text)
	}
	w.judge(address, text)
}

var (
	tags       = regexp.MustCompile(`<(?:a|form|button) [^>]*>`)
	attributes = regexp.MustCompile(`(href|action|formaction)="(/[^"?#]*)`)
)

// judge looks for what leads to what the reader of a page may not use.
func (w *walker) judge(address, page string) {
	w.Helper()
	if strings.Contains(page, "only-for") || strings.Contains(page, "not-for") {
		w.Errorf("%s shows the marks of templates", address)
	}
	if len(rights.Common(w.roles, w.app.Roles)) == 0 {
		return // what such a page has leads to the start, where people sign in
	}
	for _, tag := range tags.FindAllString(page, -1) {
		for _, to := range attributes.FindAllStringSubmatch(tag, -1) {
			method := http.MethodPost
			if to[1] == "href" || strings.Contains(tag, `method="get"`) {
				method = http.MethodGet
			}
			r, ok := w.leads(method, to[2])
			if may, _ := w.may(method, r.Path); ok && !r.Open && !may {
				w.Errorf("%s shows %v what is not for them: %s", address, w.roles, tag)
			}
		}
	}
}

// leads is the route that an address is of: of several, the one with the fewest parameters.
func (w *walker) leads(method, address string) (found rights.Route, ok bool) {
	given := strings.Split(address, "/")
	fewest := len(given) + 1
	for _, r := range w.routes {
		parts, parameters := strings.Split(r.Path, "/"), strings.Count(r.Path, "/:")
		fits := r.Method == method && len(parts) == len(given) && parameters < fewest
		for i := 0; fits && i < len(parts); i++ {
			fits = parts[i] == given[i] || strings.HasPrefix(parts[i], ":")
		}
		if fits {
			found, ok, fewest = r, true, parameters
		}
	}
	return found, ok
}
