package signin

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/oauth2"

	"countersign.example/pkg/web"
)

// attempt is one sign-in that has begun, in a cookie of its own, so that several tabs can sign in at once. It
// is gone when the provider's answer comes, and after a while.
type attempt struct {
	State    string `json:"-"`
	Nonce    string
	Verifier string // of PKCE
	To       string // where the person wanted to go
	Person   string `json:",omitempty"` // who is to prove again who they are; "" for a sign-in
	Began    time.Time
}

const (
	attemptLife    = 10 * time.Minute
	attemptsKept   = 5 // cookies are sent with every request
	attemptCookie  = "_signin_"
	longestAddress = 1000
)

// begin keeps a new attempt in the browser, and forgets the oldest of too many.
func (p *Provider) begin(c echo.Context, to, person string) attempt {
	waiting := p.attempts(c)
	slices.SortFunc(waiting, func(a, b attempt) int { return cmp.Compare(a.Began.UnixNano(), b.Began.UnixNano()) })
	for len(waiting) >= attemptsKept {
		p.forget(c, waiting[0])
		waiting = waiting[1:]
	}
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), To: to, Person: person, Began: time.Now().UTC()}
	value, _ := json.Marshal(a) // texts and a time: cannot fail
	p.sessions.SetCookie(c, attemptCookie+a.State, base64.RawURLEncoding.EncodeToString(value), attemptLife)
	return a
}

func (p *Provider) forget(c echo.Context, a attempt) {
	p.sessions.SetCookie(c, attemptCookie+a.State, "", 0)
}

// attempts are those that this browser has begun.
func (p *Provider) attempts(c echo.Context) (waiting []attempt) {
	for state, value := range p.sessions.Cookies(c, attemptCookie) {
		var a attempt
		if data, err := base64.RawURLEncoding.DecodeString(value); err == nil && json.Unmarshal(data, &a) == nil {
			a.State = state
			waiting = append(waiting, a)
		}
	}
	return waiting
}

// take ends the attempt that a state belongs to; false where this browser has none that still holds.
func (p *Provider) take(c echo.Context, state string) (attempt, bool) {
	waiting := p.attempts(c)
	i := slices.IndexFunc(waiting, func(a attempt) bool { return a.State == state })
	if i < 0 {
		return attempt{}, false
	}
	p.forget(c, waiting[i])
	return waiting[i], time.Since(waiting[i].Began) < attemptLife
}

// here is an address of this site, or the start for any other.
func here(to, home string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(to, "/") || strings.ContainsAny(to, "\\\r\n\t") ||
		strings.HasPrefix(to, "//") || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, signInPath) || len(to) > longestAddress {
		return home
	}
	return to
}

// wanted is where a browser wanted to go: after a form, to the page that it was on.
func wanted(c echo.Context) string {
	r := c.Request()
	if r.Method == http.MethodGet {
		return r.URL.RequestURI()
	}
	if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
		return from.RequestURI()
	}
	return ""
}

// signInLink begins to sign in, and leads back.
func signInLink(to string) *web.Link {
	return &web.Link{Label: "Sign in", Href: web.Address(signInPath, map[string]string{"to": to})}
}
