package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/event"
)

// Tone is how something is meant, in words and colour.
type Tone string

const (
	Neutral Tone = "neutral"
	Waiting Tone = "waiting"
	Good    Tone = "good"
	Bad     Tone = "bad"
	Warning Tone = "warning"
	Info    Tone = "info"
)

// Message is told once, on this page or the next: it stays through all that changes there until somebody has
// read it.
type Message struct {
	ID    string `json:"-"` // of this one alone, however often the same is told
	Tone  Tone
	Title string `json:",omitempty"` // "Not accepted"; then neither it nor the text has its full stop
	Text  string
	At    time.Time `json:",omitzero"`  // when the thing happened that the text ends with
	About *Link     `json:",omitempty"` // what it is about
	Each  []string  `json:",omitempty"`
	Typed string    `json:",omitempty"` // what somebody wrote, where no field keeps it
	Offer *Offer    `json:",omitempty"`
}

// Offer is what can be done about a message: a form with one field, which is hidden, and one button.
type Offer struct {
	Label       string
	Action      string // where the form is sent
	Name, Value string // of the field
}

// flashKey is where a request keeps the messages for the next page.
const flashKey = "web.flash"

// flashesKept bounds what a client piles up that sends forms and never looks at a page, and maxFlash
// all their cookies: browsers keep 4,096 bytes of one, and servers often read 8 KB of all.
const (
	flashesKept = 4
	maxFlash    = 3_500
)

// flash is a message that waits, in its cookie.
type flash struct{ cookie, value string }

// Flash is Tell for a message without more than a text.
func Flash(c echo.Context, tone Tone, text string) { Tell(c, Message{Tone: tone, Text: text}) }

// Tell keeps a message for the next page that this browser is shown; of many, the last few. What is about the
// page itself stands in its [Page.Message], which may be of any length.
//
// It travels in a cookie of its own, which only tells its own browser something: a write to the session would
// cost every form a transaction. And each in another one, so that the answers to two forms under way do not
// overwrite each other.
//
// A HEAD leaves none: it looks for what a GET would answer, and changes nothing.
func Tell(c echo.Context, m Message) {
	if _, ok := c.Get(sessionsKey).(*Sessions); !ok || c.Request().Method == http.MethodHead {
		return
	}
	waiting := append(flashes(c), flash{flashPrefix(c) + event.NewID().String(), encodeFlash(m)})
	size := 0
	for _, f := range waiting {
		size += len(f.value)
	}
	for size > maxFlash && len(waiting) > 1 || len(waiting) > flashesKept {
		setFlashCookie(c, flash{cookie: waiting[0].cookie})
		size -= len(waiting[0].value)
		waiting = waiting[1:]
	}
	last := &waiting[len(waiting)-1]
	if size > maxFlash {
		runes := []rune(m.Text)
		last.value = encodeFlash(Message{Tone: m.Tone, Title: m.Title, Text: string(runes[:min(len(runes), 300)]) + "…"})
	}
	setFlashCookie(c, *last)
	c.Set(flashKey, waiting)
}

// popFlashes returns the messages that wait and forgets them.
func popFlashes(c echo.Context) (messages []Message) {
	if _, ok := c.Get(sessionsKey).(*Sessions); !ok {
		return nil
	}
	for _, f := range flashes(c) {
		setFlashCookie(c, flash{cookie: f.cookie})
		if m, ok := decodeFlash(f.value); ok {
			m.ID = strings.TrimPrefix(f.cookie, flashPrefix(c))
			messages = append(messages, m)
		}
	}
	c.Set(flashKey, []flash{})
	return messages
}

// flashes are those that wait, in their order: their cookies' names grow with time.
func flashes(c echo.Context) (waiting []flash) {
	if waiting, ok := c.Get(flashKey).([]flash); ok {
		return waiting
	}
	for _, cookie := range c.Cookies() {
		if strings.HasPrefix(cookie.Name, flashPrefix(c)) {
			waiting = append(waiting, flash{cookie.Name, cookie.Value})
		}
	}
	slices.SortFunc(waiting, func(a, b flash) int { return strings.Compare(a.cookie, b.cookie) })
	return waiting
}

func encodeFlash(m Message) string {
	data, _ := json.Marshal(m) // texts only: cannot fail
	return base64.RawURLEncoding.EncodeToString(data)
}

// decodeFlash is false for what is not one of ours.
func decodeFlash(value string) (m Message, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(value)
	return m, err == nil && json.Unmarshal(data, &m) == nil
}

// flashPrefix begins with the name of the session's cookie: browsers share cookies among the ports of a host.
func flashPrefix(c echo.Context) string {
	return c.Get(sessionsKey).(*Sessions).manager.Cookie.Name + "_flash_"
}

// setFlashCookie replaces what this answer has set before; no value removes the cookie.
func setFlashCookie(c echo.Context, f flash) {
	s := c.Get(sessionsKey).(*Sessions)
	cookie := &http.Cookie{
		Name: f.cookie, Value: f.value, Path: "/", HttpOnly: true, Secure: s.manager.Cookie.Secure, SameSite: http.SameSiteLaxMode,
	}
	if f.value == "" {
		cookie.MaxAge = -1
	}
	unsetCookie(c, f.cookie)
	http.SetCookie(c.Response(), cookie)
}

// unsetCookie takes back what this answer has set before.
func unsetCookie(c echo.Context, name string) {
	header := c.Response().Header()
	all := header.Values(echo.HeaderSetCookie)
	header[echo.HeaderSetCookie] = slices.DeleteFunc(all, func(line string) bool { return strings.HasPrefix(line, name+"=") })
}
