package signin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// logoutToken is one that signs Mia out, with more.
func (p *provider) logoutToken(more map[string]any) string {
	claims := p.claims(map[string]any{"jti": time.Now().String(), "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}})
	for name, value := range more {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return p.sign(claims)
}

// tell is the provider's request.
func (a *app) tell(token string) page {
	a.t.Helper()
	return a.browser().do(http.MethodPost, "/back-channel-logout", url.Values{"logout_token": {token}})
}

func TestSigningOutEndsTheSessionHereAndAtTheProvider(t *testing.T) {
	a := startApp(t)
	mia := a.browser()
	home := mia.signIn("/")
	if policy := home.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+a.provider.URL+";") {
		t.Errorf("the browser may not be led to the provider: %s", policy)
	}
	p := mia.do(http.MethodPost, "/sign-out", nil)
	q := p.location.Query()
	if p.status != http.StatusSeeOther || p.location.Path != "/end" || q.Get("post_logout_redirect_uri") != a.URL+"/signed-out" ||
		q.Get("client_id") != clientID || strings.Count(q.Get("id_token_hint"), ".") != 2 {
		t.Errorf("it leads to %s", p.location)
	}
	mia.get("/signed-out").want(t, http.StatusOK, "You are signed out", `href="/sign-in"`)
	mia.begin("/")
	// again, without a session, and while the provider does not know sign-outs
	if p := mia.do(http.MethodPost, "/sign-out", nil); p.status != http.StatusSeeOther {
		t.Errorf("status %d", p.status)
	}
	a.logged(t, "security=true event=sign-out person=person-", "how=person")
}

func TestAFormOfAnotherSiteSignsNobodyOut(t *testing.T) {
	a := startApp(t)
	mia := a.browser()
	mia.signIn("/")
	mia.do(http.MethodPost, "/sign-out", nil, "Sec-Fetch-Site", "cross-site").want(t, http.StatusForbidden)
	mia.get("/").want(t, http.StatusOK, "Mia Weber")
}

func TestSigningOutEverywhereEndsAllSessions(t *testing.T) {
	a := startApp(t)
	mia, elsewhere := a.browser(), a.browser()
	mia.signIn("/")
	elsewhere.signIn("/")
	mia.get("/sessions").want(t, http.StatusOK, "Your sessions", "Not a known browser", "Mia Weber</span>", "Sign out")
	if p := mia.do(http.MethodPost, "/sessions/end", nil); p.location == nil || p.location.Path != "/end" {
		t.Errorf("it leads to %v", p.location)
	}
	// A browser whose session was ended is told so, and not signed in again without being asked.
	elsewhere.get("/payments").want(t, http.StatusUnauthorized, "You were signed out", `href="/sign-in?to=%2Fpayments"`)
	elsewhere.do(http.MethodPost, "/payments", nil).want(t, http.StatusUnauthorized, "Nothing was done with what you sent")
}

func TestWhatIsFetchedWithoutASessionIsNotLedElsewhere(t *testing.T) {
	a := startApp(t)
	b := a.browser()
	for _, header := range [][]string{{"Sec-Fetch-Mode", "cors"}, {"X-Turbo-Request-Id", "1"}, {"Accept", "application/json"}} {
		if p := b.get("/payments", header...); p.status != http.StatusUnauthorized || !strings.Contains(p.text, "You are not signed in") {
			t.Errorf("%s: %d %s", header, p.status, p.text)
		}
	}
	if p := b.get("/payments", "Sec-Fetch-Mode", "cors"); strings.Contains(p.text, "live-updates") || strings.Contains(p.text, "/sessions") {
		t.Errorf("a stranger's page has more than it may: %s", p.text)
	}
}

func TestTheProviderEndsSessions(t *testing.T) {
	for name, more := range map[string]map[string]any{
		"of a person": {"sid": nil}, "by its session": {"sid": "session-1"}, "by its session alone": {"sid": "session-1", "sub": nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := startApp(t)
			mia, tom := a.browser(), a.browser()
			mia.signIn("/")
			a.provider.about("tom", "Tom Berg", "manager")
			tom.signIn("/")
			a.tell(a.provider.logoutToken(more)).want(t, http.StatusOK)
			mia.get("/").want(t, http.StatusUnauthorized, "You were signed out")
			tom.get("/").want(t, http.StatusOK, "Tom Berg")
			a.logged(t, "event=sign-out", "how=provider sessions=1")
		})
	}
	t.Run("another session of hers goes on", func(t *testing.T) {
		a := startApp(t)
		mia := a.browser()
		mia.signIn("/")
		a.tell(a.provider.logoutToken(map[string]any{"sid": "another"})).want(t, http.StatusOK)
		mia.get("/").want(t, http.StatusOK, "Mia Weber")
	})
}

func TestALogoutTokenThatIsNoneEndsNothing(t *testing.T) {
	a := startApp(t)
	mia := a.browser()
	mia.signIn("/")
	for name, token := range map[string]string{
		"of another audience": a.provider.logoutToken(map[string]any{"aud": "contractor-ui"}),
		"of another issuer":   a.provider.logoutToken(map[string]any{"iss": "https://evil.example"}),
		"of a sign-in":        a.provider.logoutToken(map[string]any{"nonce": "x"}),
		"without events":      a.provider.logoutToken(map[string]any{"events": nil}),
		"of another event":    a.provider.logoutToken(map[string]any{"events": map[string]any{"other": map[string]any{}}}),
		"without a jti":       a.provider.logoutToken(map[string]any{"jti": nil}),
		"about nobody":        a.provider.logoutToken(map[string]any{"sub": nil}),
		"expired":             a.provider.logoutToken(map[string]any{"exp": time.Now().Add(-10 * time.Minute).Unix()}),
		"without an end":      a.provider.logoutToken(map[string]any{"exp": nil}),
		"old":                 a.provider.logoutToken(map[string]any{"iat": time.Now().Add(-10 * time.Minute).Unix()}),
		"of somebody else":    newProvider(t).logoutToken(map[string]any{"iss": a.provider.URL}),
		"rubbish":             "rubbish",
		"nothing":             "",
	} {
		if p := a.tell(token); p.status != http.StatusBadRequest || !strings.Contains(p.text, `"error":"invalid_request"`) {
			t.Errorf("%s: %d %s", name, p.status, p.text)
		}
	}
	mia.get("/").want(t, http.StatusOK, "Mia Weber")

	// and one counts once
	token := a.provider.logoutToken(nil)
	a.tell(token).want(t, http.StatusOK)
	mia.signIn("/sign-in?to=/")
	a.tell(token).want(t, http.StatusBadRequest, "used before")
	mia.get("/").want(t, http.StatusOK, "Mia Weber")
}

func TestALogoutWhileTheProviderIsAwayIsAskedForAgain(t *testing.T) {
	a := startApp(t)
	a.provider.now("/.well-known/openid-configuration", http.NotFound)
	a.tell(a.provider.logoutToken(nil)).want(t, http.StatusServiceUnavailable)
}
