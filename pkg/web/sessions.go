package web

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"countersign.example/pkg/pg"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migrations holds the sessions table.
var Migrations = pg.NewMigrations("web", migrationFiles)

// sessionsKey is where a request finds the sessions.
const sessionsKey = "web.sessions"

// Sessions keeps what belongs to a browser in the app's own Postgres. A browser has one from its first page
// with live updates on, or from signing in; without one it is served while the database is away.
type Sessions struct {
	manager *scs.SessionManager
	db      *pg.DB
	log     *slog.Logger
}

// NewSessions keeps sessions in db, under a cookie that is the app's own: browsers share cookies
// among the ports of a host. The cookie is Secure in production.
func NewSessions(db *pg.DB, cookie string, production bool, log *slog.Logger) *Sessions {
	m := scs.New()
	m.Store = pgxstore.NewWithCleanupInterval(db.Pool(), 0) // see SessionRetention
	m.Lifetime = 30 * 24 * time.Hour
	m.Cookie.Name = cookie
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Secure = production
	m.Cookie.Path = "/"
	return &Sessions{manager: m, db: db, log: log}
}

// SessionRetention is for sessions that have expired, which are no longer read.
var SessionRetention = pg.Retention{
	Name: "sessions",
	Delete: `delete from sessions where ctid = any (array(
		select ctid from sessions where expiry < $1 order by expiry limit $2))`,
}

// endedChannel is notified by the database when sessions are deleted, by whoever.
const endedChannel = "sessions_ended"

// Ended answers which of the sessions (see Site.SessionOf) hold no longer. It asks the store itself, in one
// statement.
func (s *Sessions) Ended(ctx context.Context, sessions []string) ([]string, error) {
	ended, err := pg.Rows(ctx, s.db.Pool(), pgx.RowTo[string], `select asked from unnest($1::text[]) as asked
		where not exists (select from sessions where token = asked and expiry > now())`, sessions)
	if err != nil {
		return nil, fmt.Errorf("ask after sessions: %w", err)
	}
	return ended, nil
}

// OnEnd calls notify whenever sessions may have ended, on whatever replica, until ctx ends.
func (s *Sessions) OnEnd(ctx context.Context, notify func()) { s.db.Listen(ctx, endedChannel, notify) }

// middleware loads the session and, before the answer's first byte, saves it when it was changed.
func (s *Sessions) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		token := ""
		if cookie, err := c.Cookie(s.manager.Cookie.Name); err == nil {
			token = cookie.Value
		}
		ctx, err := s.manager.Load(c.Request().Context(), token)
		if err != nil {
			return Unavailable("Your session cannot be read at the moment. Please try again shortly.", err)
		}
		c.SetRequest(c.Request().WithContext(ctx))
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
// one.
func (s *Sessions) begin(c echo.Context) {
	if ctx := c.Request().Context(); s.manager.Token(ctx) == "" && s.manager.Status(ctx) == scs.Unmodified {
		s.manager.SetDeadline(ctx, time.Now().Add(visitLifetime))
	}
}

// save commits a changed session and sets its cookie; called again, it finds nothing changed.
func (s *Sessions) save(c echo.Context) error {
	ctx := c.Request().Context()
	switch s.manager.Status(ctx) {
	case scs.Modified:
		token, expiry, err := s.manager.Commit(ctx)
		if err != nil {
			return err
		}
		unsetCookie(c, s.manager.Cookie.Name)
		s.manager.WriteSessionCookie(ctx, c.Response(), token, expiry)
	case scs.Destroyed:
		s.manager.WriteSessionCookie(ctx, c.Response(), "", time.Time{})
	}
	return nil
}

// Redirect sends the browser to a page of ours after a form was handled (303: it asks with GET).
func Redirect(c echo.Context, path string) error { return c.Redirect(http.StatusSeeOther, path) }
