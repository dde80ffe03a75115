package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	sessionsView = "web.sessions"
	sessionsPath = "/sessions"

	ownLinesShown = 20 // of the security log
)

// sessionsPage is the data of the shared template "sessions".
type sessionsPage struct {
	Rows []sessionRow
	More bool // there are others
	End  string
	Log  []SecurityLine // the last ones of theirs
}

type sessionRow struct {
	Browser     string
	Began, Seen time.Time
	Current     bool
}

// listSessions shows a person where they are signed in, and what the security log has of them.
func (s *Site) listSessions(c echo.Context) error {
	lines, err := s.options.Sessions.store.of(c.Request().Context(), PersonOf(c).ID)
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	log, err := s.options.Sessions.SecurityLog(c.Request().Context(), "", PersonOf(c).ID, 0, ownLinesShown)
	if err != nil {
		return err
	}
	page := sessionsPage{Log: log, More: len(lines) == sessionsShown, End: sessionsPath + "/end"}
	for _, l := range lines {
		page.Rows = append(page.Rows, sessionRow{Browser: l.Browser, Began: l.Began, Seen: l.Seen, Current: l.Token == s.options.Sessions.nameOf(c)})
	}
	return s.render(c, http.StatusOK, sessionsView, Page{Title: "Your sessions"}, page)
}

// endSessions signs a person out in every browser.
func (s *Site) endSessions(c echo.Context) error {
	sessions := s.options.Sessions
	ended, err := sessions.store.endAll(c.Request().Context(), PersonOf(c).ID)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	sessions.LogSecurity(c, SignedOut, PersonOf(c).ID, slog.String("how", "everywhere"), slog.Int64("sessions", ended))
	account, _ := sessions.Account(c)
	return s.options.Identity.Ended(c, account)
}

// browsers and systems are told by what stands in a User-Agent, the first that fits.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"Chrome/", "Chrome"}, {"CriOS/", "Chrome"}, {"Safari/", "Safari"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"CrOS", "ChromeOS"},
		{"Mac OS X", "a Mac"}, {"Linux", "Linux"},
	}
)

// browserName says in words which browser a User-Agent is of: "Firefox on Linux".
func browserName(agent string) string {
	name := func(known [][2]string) string {
		for _, k := range known {
			if strings.Contains(agent, k[0]) {
				return k[1]
			}
		}
		return ""
	}
	browser, system := name(browsers), name(systems)
	switch {
	case browser == "":
		return "Not a known browser"
	case system == "":
		return browser
	}
	return browser + " on " + system
}
