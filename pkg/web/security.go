package web

import (
	"log/slog"

	"github.com/labstack/echo/v4"
)

// What the security log tells of; docs/operations.md explains each.
const (
	SignedIn      = "sign-in"
	SignInFailed  = "sign-in-failed"
	Confirmed     = "confirmed"
	SignedOut     = "sign-out"
	RefusedOrigin = "refused-origin"
	Exported      = "export"
	RefusedRight  = "refused-right"
	Blocked       = "block"
	RightsChanged = "change-of-rights"
)

// LogSecurity writes a line of the security log: who did what, from where, by which session. It never holds a
// secret, for a session is named by the beginning of its token's hash.
func (s *Sessions) LogSecurity(c echo.Context, event, person string, more ...slog.Attr) {
	s.logSecurity(c, slog.LevelInfo, event, person, more...)
}

func (s *Sessions) logSecurity(c echo.Context, level slog.Level, event, person string, more ...slog.Attr) {
	session := s.nameOf(c)
	session = session[:min(len(session), sessionLogged)]
	if person != "" || s.strangers.Allow() {
		select {
		case s.lines <- newLine(event, person, session, c.RealIP(), more):
		default:
		}
	}
	attrs := append([]slog.Attr{slog.Bool("security", true), slog.String("event", event), slog.String("person", person),
		slog.String("session", session), slog.String("address", c.RealIP())}, more...)
	s.log.LogAttrs(c.Request().Context(), level, "security: "+event, attrs...)
}

// sessionLogged is how much of a session's hash finds it in the table sessions.
const sessionLogged = 16

// nameOf names the session that c came with, or has been given; "" without one.
func (s *Sessions) nameOf(c echo.Context) string {
	if c.Get(sessionReadKey) == nil {
		return ""
	}
	return hashOf(s.manager.Token(c.Request().Context()))
}

func (s *Sessions) logRefusedOrigin(c echo.Context) {
	s.LogSecurity(c, RefusedOrigin, PersonOf(c).ID, slog.String("origin", c.Request().Header.Get("Origin")), slog.String("path", c.Path()))
}
