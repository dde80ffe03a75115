package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
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

// Message is shown once, on the next page.
type Message struct {
	Tone Tone
	Text string
}

// flashKey is where a request keeps the messages for the next page.
const flashKey = "web.flash"

// flashesKept bounds what a client piles up that sends forms and never looks at a page, and maxFlash
// their cookie: browsers keep 4,096 bytes.
const (
	flashesKept = 4
	maxFlash    = 3_500
)

// Flash keeps a message for the next page that this browser is shown; of many, the last few.
//
// It travels in a cookie of its own, which only tells its own browser something: a write to the session would
// cost every form a transaction.
func Flash(c echo.Context, tone Tone, text string) {
	name, ok := flashCookie(c)
	if !ok {
		return
	}
	waiting := append(flashes(c, name), Message{tone, text})
	waiting = waiting[max(0, len(waiting)-flashesKept):]
	c.Set(flashKey, waiting)
	value := encodeFlashes(waiting)
	for len(value) > maxFlash && len(waiting) > 1 {
		waiting = waiting[1:]
		value = encodeFlashes(waiting)
	}
	if len(value) > maxFlash {
		runes := []rune(text)
		value = encodeFlashes([]Message{{tone, string(runes[:min(len(runes), 300)]) + "…"}})
	}
	setFlashCookie(c, name, value)
}

// popFlashes returns the messages that wait and forgets them.
func popFlashes(c echo.Context) []Message {
	name, ok := flashCookie(c)
	if !ok {
		return nil
	}
	waiting := flashes(c, name)
	if len(waiting) > 0 {
		c.Set(flashKey, []Message{})
		setFlashCookie(c, name, "")
	}
	return waiting
}

func flashes(c echo.Context, cookie string) (waiting []Message) {
	if waiting, ok := c.Get(flashKey).([]Message); ok {
		return waiting
	}
	sent, err := c.Cookie(cookie)
	if err != nil {
		return nil
	}
	data, err := base64.RawURLEncoding.DecodeString(sent.Value)
	if err != nil || json.Unmarshal(data, &waiting) != nil {
		return nil // not one of ours
	}
	return waiting[max(0, len(waiting)-flashesKept):]
}

func encodeFlashes(waiting []Message) string {
	data, _ := json.Marshal(waiting) // texts only: cannot fail
	return base64.RawURLEncoding.EncodeToString(data)
}

// flashCookie is named after the session's: browsers share cookies among the ports of a host.
func flashCookie(c echo.Context) (string, bool) {
	s, ok := c.Get(sessionsKey).(*Sessions)
	if !ok {
		return "", false
	}
	return s.manager.Cookie.Name + "_flash", true
}

// setFlashCookie replaces what this answer has set before; "" removes the cookie.
func setFlashCookie(c echo.Context, name, value string) {
	s := c.Get(sessionsKey).(*Sessions)
	cookie := &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, Secure: s.manager.Cookie.Secure, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	unsetCookie(c, name)
	http.SetCookie(c.Response(), cookie)
}

// unsetCookie takes back what this answer has set before.
func unsetCookie(c echo.Context, name string) {
	header := c.Response().Header()
	all := header.Values(echo.HeaderSetCookie)
	header[echo.HeaderSetCookie] = slices.DeleteFunc(all, func(line string) bool { return strings.HasPrefix(line, name+"=") })
}
