package web

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migrations holds the sessions table.
var Migrations = pg.NewMigrations("web", migrationFiles)

// sessionsKey is where a request finds the sessions, sessionReadKey says that its own has been read.
const (
	sessionsKey    = "web.sessions"
	sessionReadKey = "web.session"
)

// SessionConfig says how long sessions last; embed it beside IdentityConfig.
type SessionConfig struct {
	SessionIdle     time.Duration `env:"SESSION_IDLE" envDefault:"30m" desc:"how long a session lasts without a request by its person"`
	SessionLifetime time.Duration `env:"SESSION_LIFETIME" envDefault:"12h" desc:"how long a session lasts at most"`
}

// Check refuses limits that are none.
func (c SessionConfig) Check() error {
	if c.SessionIdle < time.Second || c.SessionLifetime < c.SessionIdle {
		return fmt.Errorf("SESSION_IDLE is %s and SESSION_LIFETIME %s: use durations such as 30m and 12h, the latter no shorter", c.SessionIdle, c.SessionLifetime)
	}
	return nil
}

// Sessions keeps what belongs to a browser in the app's own Postgres. A browser has one from its first page
// with live updates on, or from signing in; without one it is served while the database is away.
type Sessions struct {
	manager *scs.SessionManager
	store   *sessionStore
	db      *pg.DB
	log     *slog.Logger
	lines   chan SecurityLine // that KeepSecurityLog stores
	// strangers bounds those of nobody known, of which anybody can cause as many as they like.
	strangers *rate.Limiter
}

// NewSessions keeps sessions in db, under a cookie that is the app's own: browsers share cookies
// among the ports of a host. Where browsers come by HTTPS, the cookie is secure: it is sent by HTTPS only,
// and its prefix has browsers take it from this host alone.
func NewSessions(db *pg.DB, cookie string, secure bool, limits SessionConfig, log *slog.Logger) *Sessions {
	m, store := scs.New(), &sessionStore{db: db, idle: limits.SessionIdle}
	m.Store = store
	m.Lifetime = limits.SessionLifetime
	m.Cookie.Name = cookie
	if secure {
		m.Cookie.Name = "__Host-" + cookie
	}
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Secure = secure
	m.Cookie.Path = "/"
	return &Sessions{manager: m, store: store, db: db, log: log, lines: make(chan SecurityLine, linesWaiting),
		strangers: rate.NewLimiter(1, strangersAtOnce)}
}

// SessionRetention is for sessions that have expired, which are no longer read.
var SessionRetention = pg.Retention{
	Name: "sessions",
	Delete: `delete from sessions where ctid = any (array(
		select ctid from sessions where expiry < $1 order by expiry limit $2))`,
}

// LogoutTokenRetention is for logout tokens that have expired, which would not be taken anyway.
var LogoutTokenRetention = pg.Retention{
	Name: "logout tokens",
	Delete: `delete from logout_tokens where ctid = any (array(
		select ctid from logout_tokens where expiry < $1 order by expiry limit $2))`,
}

// endedChannel is notified by the database when sessions are deleted, by whoever.
const endedChannel = "sessions_ended"

// Ended answers which of the sessions (see Site.SessionOf) hold no longer. It asks the store itself, in one
// statement.
func (s *Sessions) Ended(ctx context.Context, sessions []string) ([]string, error) {
	ended, err := pg.Rows(ctx, s.db.Pool(), pgx.RowTo[string], `select asked from unnest($1::text[]) as asked
		where not exists (select from sessions where token = asked and expiry > now() and not `+isBlocked+`)`, sessions)
	if err != nil {
		return nil, fmt.Errorf("ask after sessions: %w", err)
	}
	return ended, nil
}

// OnEnd calls notify whenever sessions may have ended, on whatever replica, until ctx ends.
func (s *Sessions) OnEnd(ctx context.Context, notify func()) { s.db.Listen(ctx, endedChannel, notify) }

// refreshHeader comes with what a page fetches by itself: that is no sign of a person.
const refreshHeader = "Page-Refresh"

// middleware loads the session and, before the answer's first byte, saves it when it was changed.
func (s *Sessions) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		token := ""
		if cookie, err := c.Cookie(s.manager.Cookie.Name); err == nil {
			token = cookie.Value
		}
		ctx := c.Request().Context()
		if r := c.Request(); r.URL.Path == livePath || r.Header.Get(refreshHeader) != "" {
			ctx = context.WithValue(ctx, unusedKey{}, true)
		}
		found := &foundSession{}
		ctx, err := s.manager.Load(context.WithValue(ctx, foundKey{}, found), token)
		if err == nil && found.renew && ctx.Value(unusedKey{}) == nil && Navigates(c.Request()) {
			err = s.renew(ctx)
		}
		if err != nil {
			return Unavailable("Your session cannot be read at the moment. Please try again shortly.", err)
		}
		c.SetRequest(c.Request().WithContext(ctx))
		c.Set(sessionReadKey, true)
		c.Response().Before(func() {
			if err := s.save(c); err != nil {
				s.log.ErrorContext(ctx, "save the session", "error", err)
			}
		})
		return next(c)
	}
}

// visitLifetime is a session's of a browser that has only looked so far; signing in begins a whole one. It is
// short, since what keeps no cookies has one for each page.
const visitLifetime = 24 * time.Hour

// begin gives a browser without a session one, which ends when somebody signs in there: its page is about to
// open a socket, which ends with it. A session that cannot be saved keeps no page away; the next page begins
// one. So does one that is beyond allowed.
func (s *Sessions) begin(c echo.Context, allowed func() bool) {
	if ctx := c.Request().Context(); s.manager.Token(ctx) == "" && s.manager.Status(ctx) == scs.Unmodified && allowed() {
		s.manager.SetDeadline(ctx, time.Now().Add(min(visitLifetime, s.manager.Lifetime)))
	}
}

// save commits a changed session and sets its cookie; called again, it finds nothing changed.
func (s *Sessions) save(c echo.Context) error {
	ctx := c.Request().Context()
	switch s.manager.Status(ctx) {
	case scs.Modified:
		owner := sessionOwner{person: s.manager.GetString(ctx, personKey), browser: browserName(c.Request().UserAgent()),
			providerSession: s.manager.GetString(ctx, providerSessionKey)}
		if owner.person == "" {
			owner.person = PersonOf(c).ID
		}
		ctx = context.WithValue(ctx, sessionOwnerKey{}, owner)
		token, expiry, err := s.manager.Commit(ctx)
		if err != nil {
			return err
		}
		unsetCookie(c, s.manager.Cookie.Name)
		s.manager.WriteSessionCookie(ctx, c.Response(), token, expiry)
	case scs.Destroyed:
		unsetCookie(c, s.manager.Cookie.Name)
		s.manager.WriteSessionCookie(ctx, c.Response(), "", time.Time{})
	}
	return nil
}

// Redirect sends the browser to a page of ours after a form was handled (303: it asks with GET).
func Redirect(c echo.Context, path string) error { return c.Redirect(http.StatusSeeOther, path) }
