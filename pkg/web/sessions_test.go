package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/web"
)

// cookie is the sample's session in its browser.
func (s *sample) cookie(t *testing.T) string {
	t.Helper()
	home, _ := url.Parse(s.URL)
	for _, c := range s.browser.Jar.Cookies(home) {
		if c.Name == "sample_session" {
			return c.Value
		}
	}
	t.Fatal("the browser has no session")
	return ""
}

// set changes the one session in the database.
func (s *sample) set(t *testing.T, assignments string) {
	t.Helper()
	if tag, err := s.db.Pool().Exec(t.Context(), "update sessions set "+assignments); err != nil || tag.RowsAffected() != 1 {
		t.Fatal(tag, err)
	}
}

// lasts is for how long the one session lasts now, and the transaction that has written it.
func (s *sample) lasts(t *testing.T) (left time.Duration, written uint32) {
	t.Helper()
	if err := s.db.Pool().QueryRow(t.Context(), "select expiry - now(), xmin from sessions").Scan(&left, &written); err != nil {
		t.Fatal(err)
	}
	return left, written
}

// Whoever has somebody's session cannot keep it beyond its end by a request that takes its time.
func TestARequestUnderWayDoesNotBringBackASessionThatHasEnded(t *testing.T) {
	s := startSample(t)
	s.site.POST("/slow", web.Own, func(c echo.Context) error {
		if _, err := s.db.Pool().Exec(c.Request().Context(), "delete from sessions"); err != nil {
			return err
		}
		s.sessions.Keep(c, "/form", map[string]string{"note": "typed"})
		return web.Redirect(c, "/whoami")
	})
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	before := s.cookie(t)
	s.post(t, "/slow", nil)
	thief := httptest.NewRequest(http.MethodGet, "/whoami", nil)
	thief.AddCookie(&http.Cookie{Name: "sample_session", Value: before})
	answer := httptest.NewRecorder()
	s.site.ServeHTTP(answer, thief)
	if left := s.sessionsOf(t, "tom-berg"); len(left) != 0 || answer.Body.String() == "Tom Berg" {
		t.Errorf("his sessions are %v, and who comes with it is %s", left, answer.Body)
	}
}

func TestASessionsTokenIsKeptAsItsHash(t *testing.T) {
	s := startSample(t)
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})
	sum := sha256.Sum256([]byte(s.cookie(t)))
	var kept, all string
	if err := s.db.Pool().QueryRow(t.Context(), "select token, sessions::text from sessions").Scan(&kept, &all); err != nil {
		t.Fatal(err)
	}
	if kept != hex.EncodeToString(sum[:]) || strings.Contains(all, s.cookie(t)) {
		t.Errorf("the row is %s", all)
	}
	// and what stands in the table signs nobody in
	thief := httptest.NewRequest(http.MethodGet, "/whoami", nil)
	thief.AddCookie(&http.Cookie{Name: "sample_session", Value: kept})
	answer := httptest.NewRecorder()
	s.site.ServeHTTP(answer, thief)
	if answer.Body.String() != "Mia Weber" { // whom the demo begins with
		t.Errorf("it is %s", answer.Body)
	}
}

func TestASessionThatIsUsedLastsOnAndOneThatLiesIdleEnds(t *testing.T) {
	s := startSample(t)
	s.post(t, "/signed-in-as", url.Values{"person": {"tom-berg"}})

	// given one that was used two minutes ago, and ends in ten
	s.set(t, "seen = now() - interval '2 minutes', expiry = now() + interval '10 minutes'")
	// when its page fetches something by itself, it stays so
	s.get(t, "/whoami", "Page-Refresh", "1")
	s.get(t, "/live")
	if left, _ := s.lasts(t); left > 11*time.Minute {
		t.Errorf("nobody has used it, and it lasts %s", left)
	}
	// when somebody uses it, it lasts on; and is written once, however often it is used
	s.get(t, "/whoami")
	left, written := s.lasts(t)
	if left < 59*time.Minute || left > time.Hour {
		t.Errorf("it was used, and lasts %s", left)
	}
	s.get(t, "/whoami")
	if _, again := s.lasts(t); again != written {
		t.Error("each use is written down")
	}
	// and never longer than the whole
	s.set(t, "seen = now() - interval '2 minutes', deadline = now() + interval '5 minutes'")
	s.get(t, "/whoami")
	if left, _ := s.lasts(t); left > 5*time.Minute {
		t.Errorf("it lasts %s, which is beyond its end", left)
	}
	// when it has lain idle, it is over, for its sockets too
	s.set(t, "expiry = now()")
	sum := sha256.Sum256([]byte(s.cookie(t)))
	if ended, err := s.sessions.Ended(t.Context(), []string{hex.EncodeToString(sum[:])}); err != nil || len(ended) != 1 {
		t.Error(ended, err)
	}
	if _, who := s.get(t, "/whoami"); who != "Mia Weber" {
		t.Errorf("it is still %s", who)
	}
}

func TestUnderHTTPSACookieIsThisHostsAlone(t *testing.T) {
	s := startSample(t)
	limits := web.SessionConfig{SessionIdle: time.Hour, SessionLifetime: time.Hour}
	sessions := web.NewSessions(s.db, "sample_session", true, limits, nil)
	identity, err := web.NewDemo(web.IdentityConfig{Identity: "demo"}, "development", sessions, web.Person{ID: "a", Name: "A", Roles: try.Roles})
	if err != nil {
		t.Fatal(err)
	}
	o := s.options
	o.Sessions, o.Identity = sessions, identity
	site, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/sessions", nil))
	wantText(t, answer.Header().Get("Set-Cookie"), "__Host-sample_session=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax")
	if strings.Contains(answer.Header().Get("Set-Cookie"), "Domain") {
		t.Error("a cookie with a domain is no __Host- cookie")
	}
}

func TestAPersonSeesTheirSessionsAndEndsThem(t *testing.T) {
	s := startSample(t)
	firefox := []string{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
	safari := []string{"User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"}
	// given Tom in two browsers, and Mia in a third one
	tom := url.Values{"person": {"tom-berg"}}
	s.post(t, "/signed-in-as", tom, firefox...)
	first := s.browser
	s.browser = newBrowser()
	s.post(t, "/signed-in-as", url.Values{"person": {"mia-weber"}})
	mia := s.browser
	s.browser = newBrowser()
	s.post(t, "/signed-in-as", tom, safari...)

	// when Tom looks, then he sees his two
	_, page := s.get(t, "/sessions", safari...)
	wantText(t, page, "Firefox on Linux</td>", `Safari on iPhone <span class="text-muted">(this browser)`)
	if strings.Count(page, "<tr>") != 3 {
		t.Errorf("there are not two sessions:\n%s", page)
	}
	// when he signs out everywhere, both are over, and nobody else's
	_, page = s.post(t, "/sessions/end", nil)
	wantText(t, page, "Signed out everywhere.")
	for browser, want := range map[*http.Client]string{s.browser: "Mia Weber", first: "Mia Weber", mia: "Mia Weber"} {
		s.browser = browser
		if _, who := s.get(t, "/whoami"); who != want { // the demo begins with Mia
			t.Errorf("it is %s", who)
		}
	}
	var left int
	if err := s.db.Pool().QueryRow(t.Context(), "select count(*) from sessions where person = 'tom-berg'").Scan(&left); err != nil || left != 0 {
		t.Error(left, err)
	}
	wantText(t, s.log.String(), "security=true event=sign-in person=tom-berg session=", "event=sign-out person=tom-berg", "how=everywhere sessions=2", "address=127.0.0.1")
}

func TestARefusedOriginIsInTheSecurityLog(t *testing.T) {
	s := startSample(t)
	s.post(t, "/form", url.Values{"amount": {"1"}}, "Origin", "https://evil.example")
	wantText(t, s.log.String(), "security=true event=refused-origin", "origin=https://evil.example", "path=/form")
}

func TestLimitsOfSessionsAreChecked(t *testing.T) {
	for _, limits := range []web.SessionConfig{{}, {SessionIdle: time.Hour, SessionLifetime: time.Minute}, {SessionIdle: -1, SessionLifetime: time.Hour}} {
		if limits.Check() == nil {
			t.Errorf("%+v is taken", limits)
		}
	}
}
