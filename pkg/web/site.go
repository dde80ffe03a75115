package web

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"countersign.example/pkg/event"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/telemetry"
)

//go:embed templates/*.html
var sharedTemplates embed.FS

const (
	siteKey       = "web.site"
	liveCursorKey = "web.cursor"
	errorView     = "web.error"
	livePath      = "/live"
)

// ProviderLogoutPath is where a sign-in provider says whose sessions have ended. It is always listened to.
const ProviderLogoutPath = "/back-channel-logout"

// Options make a Site. Renderer, Assets, Sessions, Identity and Log are needed.
type Options struct {
	Label      string // of the app, beside the brand: "Manager"
	Production bool
	Nav        []NavItem
	Home       string // where the brand leads to; "/" by default
	Renderer   *Renderer
	Assets     *Assets
	Sessions   *Sessions
	Identity   Identity
	Log        *slog.Logger
	Metrics    *telemetry.Metrics // may be nil
	// LiveCursor is the live hub's position, "" where it has none yet. Nil: pages are not live.
	LiveCursor func() string
	Large      []Large // routes that take more
	Limits     LimitConfig
	Waits      Waits  // of the database, by which requests are refused when there are too many; nil: none are
	FormOrigin string // another site that a form's answer may lead to: where people sign out; may be empty
	// Seen is told of each request of somebody. May be nil.
	Seen func(ctx context.Context, person Person)
	// Away names what is away at the moment (redis, kafka), or says in sentences what goes on, for the line
	// below the header. May be nil.
	Away func(ctx context.Context) []string
}

// Site is a web app, with all of this package's middleware; add routes to it.
type Site struct {
	echo    *echo.Echo
	options Options
	exports exports
	limits  *limits
	routes  map[routeKey]rights.Route
	rights  []rights.Right // that routes need
}

// ServeHTTP answers requests.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// New returns a site that serves its assets, /favicon.ico, /robots.txt, /sessions and the identity's own
// routes, answers errors with pages, and leads from addresses that end with a slash to those without. What
// answers GET answers HEAD.
func New(o Options) (*Site, error) {
	if o.Renderer == nil || o.Assets == nil || o.Sessions == nil || o.Identity == nil || o.Log == nil {
		return nil, errors.New("a site needs Renderer, Assets, Sessions, Identity and Log")
	}
	if o.Home == "" {
		o.Home = "/"
	}
	s := &Site{echo: newEcho(), options: o, routes: map[routeKey]rights.Route{}, limits: newLimits(o.Limits, o.Sessions)}
	e := s.echo
	e.HTTPErrorHandler = s.answerError
	// Assets need neither a session nor a person.
	e.Pre(inert(o.Production), func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if strings.HasPrefix(r.URL.Path, "/assets/") && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
				o.Assets.ServeHTTP(c.Response(), r)
				return nil
			}
			if serveKnown(c.Response(), r) {
				return nil
			}
			if to := withoutSlash(r.URL); to != "" {
				return c.Redirect(http.StatusPermanentRedirect, to) // 308: a form that is sent stays one
			}
			c.Set(siteKey, s)
			c.Set(sessionsKey, o.Sessions)
			if o.LiveCursor != nil {
				// Taken before any query of the page, so that no update falls between the two.
				c.Set(liveCursorKey, o.LiveCursor())
			}
			return next(c)
		}
	})
	e.Use(
		correlate(false), secureHeaders(o.FormOrigin),
		observe(o.Metrics, o.Log), recoverPanics, s.limits.requests, refuseCrossSite(o.Sessions), limit(o.Large, livePath),
		Gate(o.Limits.RequestsAtOnce, BurstOfPeople, o.Waits, o.Log, o.Metrics, o.Large, livePath, ProviderLogoutPath),
		// Behind the gate, for a compressor needs a megabyte: what is refused has none, and no more are at work
		// than the gate lets in. A form is mostly answered with a redirect, which has nothing to compress; to have
		// a compressor ready for it all the same would be a seventh of what an app does for a form.
		middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1024, Skipper: func(c echo.Context) bool {
			return c.Request().URL.Path == livePath || c.Request().Method == http.MethodPost
		}}),
		o.Sessions.middleware, s.identify,
	)
	o.Identity.Register(s)
	if o.Metrics != nil {
		o.Metrics.MustRegister(s.limits.refused)
	}
	s.GET(sessionsPath, Own, s.listSessions)
	s.POST(sessionsPath+"/end", Own, s.endSessions)
	return s, nil
}

// NewAPI returns an echo for a service's API: the same limits, errors as application/problem+json.
// Who may call is for its own middleware to decide.
func NewAPI(log *slog.Logger, metrics *telemetry.Metrics, large ...Large) *echo.Echo {
	e := newEcho()
	e.HTTPErrorHandler = func(err error, c echo.Context) { answerProblem(log, err, c) }
	e.Pre(inert(false)) // no browser comes here
	e.Use(correlate(true), observe(metrics, log), recoverPanics, limit(large, ""))
	return e
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	answerHead(e)
	e.Logger.SetOutput(io.Discard) // errors are logged by answerError, with what we know
	return e
}

// identify puts the person into the request and into the events it will cause.
func (s *Site) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if r, _ := s.route(c); r.Open {
			c.Set(strangerKey, true)
			return next(c)
		}
		person, err := s.options.Identity.Person(c)
		if to, is := errors.AsType[Redirected](err); is {
			return Redirect(c, string(to))
		} else if err != nil {
			c.Set(strangerKey, true)
			return err
		}
		c.Set(personContextKey, person)
		if err := checkPage(c.Request(), person); err != nil {
			return err
		}
		if err := s.allow(c, person); err != nil {
			return err
		}
		ctx := c.Request().Context()
		meta := event.MetaFrom(ctx)
		meta.Actor, meta.ActorName = person.ID, person.Name
		ctx = event.WithMeta(ctx, meta)
		c.SetRequest(c.Request().WithContext(ctx))
		if s.options.Seen != nil {
			s.options.Seen(ctx, person)
		}
		return next(c)
	}
}

// strangerKey marks requests of whom nothing is known that a page could show.
const strangerKey = "web.stranger"

// LimitSignIns is middleware of the routes at which signing in begins.
func (s *Site) LimitSignIns(next echo.HandlerFunc) echo.HandlerFunc { return s.limits.signIns(next) }

// Home is where the app begins.
func (s *Site) Home() string { return s.options.Home }

// Page is what a handler says about the page around its view.
type Page struct {
	Title string
	Nav   string // Key of the current NavItem
	// Subject and Revision mark a page about one thing: "payment-<id>", and what it shows of it.
	Subject  string
	Revision int64
	// Now is what has become of the subject, for somebody who was writing about it: "Rejected by Tom Berg".
	Now     string
	Back    string  // the address of the list that it was opened from; the page's own address keeps it
	Message Message // what has just been tried, and came to nothing; none without a text
}

// frame is the layout's data.
type frame struct {
	Page
	Label, Home string
	Nav         []NavItem
	Person      Person
	People      []Person
	Flashes     []Message
	Away        string
	Nonce       string
	Cursor      string // the live position before the page's queries
	Live        bool
	Locale      locale.Locale
	Stranger    bool // who asks is not known, and has no pages
	Data        any
}

// Duties are somebody's roles in words, where those say more than the app's name does.
func (f frame) Duties(p Person) string {
	if duties := rights.Words(p.Roles); !strings.EqualFold(duties, f.Label) {
		return duties
	}
	return ""
}

func (s *Site) render(c echo.Context, status int, view string, page Page, data any) error {
	f := frame{
		Page: page, Label: s.options.Label, Home: s.options.Home, Nav: navOf(s.options.Nav, PersonOf(c)),
		Person: PersonOf(c), People: s.options.Identity.People(),
		Locale: LocaleOf(c), Stranger: c.Get(strangerKey) != nil, Data: data,
	}
	f.Live = s.options.LiveCursor != nil && !f.Stranger
	f.Nonce, _ = c.Get(nonceKey).(string)
	f.Cursor, _ = c.Get(liveCursorKey).(string)
	if s.options.Away != nil && c.Get(shedKey) == nil {
		f.Away = awaySentence(s.options.Away(c.Request().Context()))
	}
	if s.sessionLoaded(c) && c.Request().Method != http.MethodHead { // which shows them to nobody
		f.Flashes = popFlashes(c)
		if page.Message.Text != "" {
			page.Message.ID = event.NewID().String()
			f.Flashes = append(f.Flashes, page.Message)
		}
		if f.Live && c.Request().Method == http.MethodGet && status < http.StatusInternalServerError {
			s.options.Sessions.begin(c, func() bool { return allows(s.limits.begun, network(c)) })
		}
	}
	body, err := s.options.Renderer.page(view, f)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Accept-Language")
	return c.HTML(status, s.held(c).Write(f.Locale.Write(string(body))))
}

// LocaleOf is how the person's browser has numbers and dates.
func LocaleOf(c echo.Context) locale.Locale {
	return locale.Of(c.Request().Header.Get("Accept-Language"))
}

// JSON answers a script of a page, in the reader's locale.
func JSON(c echo.Context, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, []byte(LocaleOf(c).Write(string(body))))
}

// sessionLoaded is false on an error page that comes before the session's middleware.
func (s *Site) sessionLoaded(c echo.Context) bool { return c.Get(personContextKey) != nil }

// awaySentence says what people notice when something is away.
func awaySentence(away []string) string {
	var notices []string
	for _, part := range away {
		switch part {
		case "redis":
			notices = append(notices, "Live updates are late: reload to see the newest.")
		case "kafka":
			notices = append(notices, "News from the other apps is late: what you do here is saved and passed on once the connection is back.")
		case "signing":
			notices = append(notices, "News to the other apps is late: what you do here is saved, and passed on once this app can sign again.")
		default:
			if !strings.HasSuffix(part, ".") { // else it says it all
				part += " is away."
			}
			notices = append(notices, part)
		}
	}
	return strings.Join(notices, " ")
}

// ErrorPage is the data of the shared template "error".
type ErrorPage struct {
	Title, Message, Home, Reference string
	Way                             *Link // the one way on
	SignOut                         bool
	Kept                            string   // what became of what was sent
	On                              *Link    // a way on, if there is one beside the start
	Others                          []Person // whom one can be instead
}

// Say answers with a page that says one thing.
func (s *Site) Say(c echo.Context, page ErrorPage) error {
	return s.render(c, http.StatusOK, errorView, Page{Title: page.Title}, page)
}

// answerError is where every error of a site ends: logged once if it is ours, and answered.
func (s *Site) answerError(err error, c echo.Context) {
	if wantsProblem(c.Request()) {
		answerProblem(s.options.Log, err, c)
		return
	}
	e := asError(err)
	logError(s.options.Log, c, e)
	if c.Response().Committed {
		return
	}
	if e.Shed && fetched(c.Request()) { // the script that asks knows by the status, and shows no page of it
		_ = c.String(e.Status, e.Message)
		return
	}
	page := ErrorPage{
		Title: cmp.Or(e.Title, errorTitle(e.Status)), Message: e.Message, Home: s.options.Home, Way: e.Way, SignOut: e.SignOut, Kept: kept(c, e), On: wayOn(c, e.Status),
	}
	if e.Others {
		page.Others = s.options.Identity.People()
	}
	if e.Status >= 500 {
		page.Reference = event.MetaFrom(c.Request().Context()).CorrelationID
	}
	if err := s.render(c, e.Status, errorView, Page{Title: page.Title}, page); err != nil {
		s.options.Log.ErrorContext(c.Request().Context(), "render the error page", "error", err)
		_ = c.String(e.Status, e.Message)
	}
}

// isView reports whether a request only looks.
func isView(c echo.Context) bool {
	return c.Request().Method == http.MethodGet || c.Request().Method == http.MethodHead
}

// Address returns path with the parameters that are not empty, for links of tabs and pages.
func Address(path string, parameters map[string]string) string {
	q := url.Values{}
	for k, v := range parameters {
		if v != "" {
			q.Set(k, v)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
