package pages

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

// lookLasts is for how long a page that somebody has opened and that refreshes itself is the same look.
const lookLasts = 10 * time.Minute

// looksKept bounds how many looks a process remembers.
const looksKept = 10_000

// looks remembers who has looked at what, so that an open page that refreshes itself is on record once.
type looks struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// fresh reports whether a look is another one than the last at the same thing.
func (l *looks) fresh(what string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil || len(l.until) >= looksKept {
		l.until = map[string]time.Time{} // what is forgotten is on record once more
	}
	fresh := !now.Before(l.until[what])
	l.until[what] = now.Add(lookLasts)
	return fresh
}

// logSearch has a look for words in the security log, once while its page stays open.
// The words are not told: they may be personal.
func (h *handlers) logSearch(c echo.Context, words string) {
	person := web.PersonOf(c).ID
	if h.looks.fresh(fmt.Sprintln(person, eventSearch, words), time.Now()) {
		h.sessions.LogSecurity(c, eventSearch, person)
	}
}

// logLook has a look in the security log, once while the page stays open.
func (h *handlers) logLook(c echo.Context, event string, more ...slog.Attr) {
	person := web.PersonOf(c).ID
	if h.looks.fresh(fmt.Sprintln(person, event, more), time.Now()) {
		h.sessions.LogSecurity(c, event, person, more...)
	}
}
